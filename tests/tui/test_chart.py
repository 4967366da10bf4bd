"""The live chart of one curve, as rows of text."""

import re

from mofsim.tui.looks import UNICODE
from mofsim.tui.widgets.chart import Chart, Curve


def drawn(curve: Curve, width: int = 40, height: int = 8) -> str:
    chart = Chart()
    chart.glyphs = UNICODE
    chart.curve = curve
    return "\n".join("".join(piece.text for piece in row) for row in chart.draw(width, height))


def test_the_goal_is_named_where_the_curve_is_not() -> None:
    steps = [float(step) for step in range(41)]
    fall = [1.0] * 18 + [0.002] * 4 + [0.05] * 19
    text = drawn(Curve(steps, fall, log=True, goal=0.002))
    row = next(line for line in text.splitlines() if "goal" in line)
    assert " goal 0.002 " in row and re.search("[\u2801-\u28ff]", row), "the curve is in that row too"
    # Nowhere to go: the number is whole all the same.
    assert " goal 0.002 " in drawn(Curve(steps, [0.002] * 41, log=True, goal=0.002))


def test_every_row_of_a_chart_is_as_wide_as_it() -> None:
    steps, values = [0.0, 1.0, 2.0], [1.0, 0.1, 0.01]
    for width in (20, 33, 60):
        rows = drawn(Curve(steps, values, log=True, goal=0.02), width).splitlines()
        assert {len(row) for row in rows} == {width}
