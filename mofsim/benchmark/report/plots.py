"""The plots of a report besides scatter.py: errors by metal, and the curves of a structure."""

from collections.abc import Callable, Sequence

from mofsim.benchmark.curves import Points
from mofsim.benchmark.report.markup import Markup, element
from mofsim.benchmark.report.numbers import tick_labels, with_unit
from mofsim.benchmark.report.svg import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    Frame,
    axes,
    colour,
    extent,
    frame,
    line_mark,
    marker,
    picture,
    polyline,
    text_mark,
)
from mofsim.schemas.scores import MetalErrors

#: room that a number beside a bar takes for each letter
_LETTER = 5.6


def by_metal(errors: Sequence[MetalErrors], series: dict[str, int], title: str) -> Markup | None:
    """A bar for each metal and column. A column of which nothing is known for a metal says so."""
    metals = sorted({each.metal for each in errors})
    sizes = [each.mean_absolute_error for each in errors if each.mean_absolute_error is not None]
    if not sizes:
        return None
    columns = [column for column in series if any(each.column == column for each in errors)]
    found = {(each.metal, each.column): each for each in errors}
    bar, gap, width = 13, 10, 560
    height = TOP + BOTTOM + len(metals) * (len(columns) * bar + gap)
    beside = _LETTER * max(len(_told(each)) for each in errors) + 8
    room = width - LEFT - RIGHT
    f = frame(width, height, (0.0, max(sizes) * room / (room - beside) or 1.0), (0.0, 1.0))
    marks = [_scale(f, f"{title}, {errors[0].unit}")]
    y = float(TOP + gap / 2)
    for metal in metals:
        marks.append(text_mark(metal, f.x.start - 6, y + len(columns) * bar / 2 + 4, "tick", "end"))
        for column in columns:
            marks += _bar(f, found.get((metal, column)), series[column], y, bar)
            y += bar
        y += gap
    return picture(f, title, *marks)


def _scale(f: Frame, name: str) -> Markup:
    """The axis of bars: numbers below, and none on the left."""
    marks = [line_mark(f.x.start, f.y.end, f.x.start, f.y.start, "zero")]
    values = f.x.ticks()
    for value, label in zip(values, tick_labels(values), strict=True):
        at = f.x.at(value)
        marks.append(line_mark(at, f.y.end, at, f.y.start, "grid"))
        marks.append(text_mark(label, at, f.y.start + 15, "tick", anchor="middle"))
    marks.append(text_mark(name, (f.x.start + f.x.end) / 2, f.height - 8, "axis", anchor="middle"))
    return element("g", *marks)


def _bar(f: Frame, errors: MetalErrors | None, series: int, y: float, height: int) -> list[Markup]:
    start = f.x.start
    if errors is None or errors.mean_absolute_error is None:
        return [text_mark("no value", start + 5, y + height - 3, "name")]
    end = f.x.at(errors.mean_absolute_error)
    told = _told(errors)
    bar = element(
        "rect", element("title", f"{errors.metal}: {told}"), x=start, y=y + 1, width=max(end - start, 0.5),
        height=height - 2, class_=f"bar {colour(series)}",
    )  # fmt: skip
    return [bar, text_mark(told, end + 5, y + height - 3, "name")]


def _told(errors: MetalErrors) -> str:
    failed = f", {errors.failures} failed" if errors.failures else ""
    return f"{with_unit(errors.mean_absolute_error, errors.unit)} (n {errors.n}{failed})"


def curves(
    lines: dict[int, Points],
    x_name: str,
    y_name: str,
    title: str,
    *,
    reference: Points | None = None,
    with_points: bool = True,
    through: Callable[[Points], Points] = lambda points: points,
) -> Markup | None:
    """One curve for each series, and that of the reference, or its only point, in the colour of the text.

    `through` gives the curve that is drawn through the points of one.
    """
    everything = [*lines.values(), *([reference] if reference else [])]
    if not lines:
        return None
    f = frame(
        430, 290, extent([x for each in everything for x in each.x]), extent([y for each in everything for y in each.y])
    )
    marks = [axes(f, x_name, y_name)]
    for series, points in lines.items():
        marks.append(polyline(f, through(points), colour(series)))
        if with_points:
            marks += [marker(series, f.x.at(x), f.y.at(y), size=3) for x, y in zip(points.x, points.y, strict=True)]
    if reference:
        if len(reference.x) > 1:
            marks.append(polyline(f, through(reference), "reference"))
        marks += [_reference(f, x, y) for x, y in zip(reference.x, reference.y, strict=True)]
    return picture(f, title, *marks)


def _reference(f: Frame, x: float, y: float) -> Markup:
    return element("circle", element("title", "reference"), cx=f.x.at(x), cy=f.y.at(y), r=4.5, class_="reference")


def key(series: int | None, text: str) -> Markup:
    """What a colour and a shape stand for; None is the reference."""
    mark = element("circle", cx=8, cy=8, r=4.5, class_="reference") if series is None else marker(series, 8, 8)
    return element("span", element("svg", mark, width=16, height=16, viewBox="0 0 16 16"), " ", text, class_="key")
