"""Themes: what is drawn in the terminal's sixteen colours, in others."""

from pathlib import Path

import pytest
from rich.segment import Segment
from rich.style import Style
from textual.color import Color

from mofsim.tui.actions import Context, Scope
from mofsim.tui.app import Console
from mofsim.tui.commands import commands
from mofsim.tui.paint import NAMES, PAINTS, TERMINAL, Painted
from mofsim.tui.remembered import Remembered, recall
from tests.tui.conftest import Driver, Run

BLACK = Color(0, 0, 0)


def backgrounds(c: Driver) -> set[int | None]:
    """Of all that is on the screen."""
    styles = [s.style for strip in c.app.screen._compositor.render_strips() for s in strip if s.style and s.text]
    return {style.bgcolor.number if style.bgcolor else None for style in styles}


def luminance(number: int) -> float:
    from rich.color import Color as RichColor

    def linear(value: float) -> float:
        return value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(value / 255) for value in RichColor.from_ansi(number).get_truecolor())
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: int, two: int) -> float:
    light, dark = sorted((luminance(one), luminance(two)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("paint", PAINTS.values(), ids=PAINTS)
def test_every_colour_that_means_something_can_be_read(paint) -> None:  # type: ignore[no-untyped-def]
    """WCAG: 4.5 for text; 7 in the theme that is made for contrast; 3 for what is dimmed."""
    least = 7.0 if paint.name == "contrast" else 4.5
    used = {"foreground": paint.foreground, "red": 1, "green": 2, "yellow": 3, "blue": 4, "cyan": 6}
    numbers = {name: n if name == "foreground" else paint.colours[n] for name, n in used.items()}
    assert {name: n for name, n in numbers.items() if contrast(n, paint.background) < least} == {}
    assert contrast(paint.dim, paint.background) >= (7.0 if paint.name == "contrast" else 3.0)
    assert contrast(paint.colours[6], paint.colours[0]) >= 4.5, "the cursor of a list in a dialog"


def test_a_theme_changes_colours_and_nothing_else() -> None:
    painted = Painted(PAINTS["dark"])
    styles = [Style(color="red", bold=True), Style(dim=True), Style(reverse=True), Style(color="cyan", dim=True), None]
    found = painted.apply([Segment("x", style) for style in styles], BLACK)
    assert [s.text for s in found] == ["x"] * 5
    numbers = [
        (s.style.color.number, s.style.bgcolor.number) for s in found if s.style and s.style.color and s.style.bgcolor
    ]
    dark = PAINTS["dark"]
    assert numbers == [
        (dark.colours[1], dark.background),
        (dark.dim, dark.background),
        (dark.foreground, dark.background),
        (dark.colours[6], dark.background),
        (dark.foreground, dark.background),
    ]
    assert found[0].style and found[0].style.bold and found[2].style and found[2].style.reverse
    assert not (found[1].style and found[1].style.dim)


async def test_the_palette_chooses_a_theme_which_is_remembered(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "console.toml"
    async with run(remembered=Remembered(file)) as c:
        assert backgrounds(c) <= {None}
        await c.press("colon")
        await c.type("theme li")
        await c.sees("theme light", "dark ink on light grey")
        await c.press("enter")
        await c.until(lambda: None not in backgrounds(c))
        assert PAINTS["light"].background in backgrounds(c)
        for key in "1345":
            await c.press(key)
            await c.until(lambda: PAINTS["light"].background in backgrounds(c))
            assert None not in backgrounds(c)
    again, problems = recall(file)
    assert (again.theme, problems) == ("light", [])
    async with run(remembered=again) as c:
        await c.until(lambda: PAINTS["light"].background in backgrounds(c))


async def test_a_screen_that_was_seen_before_has_the_new_theme_too(run: Run) -> None:
    async with run() as c:
        await c.press("5", "2", "T")
        await c.sees("theme dark")
        await c.press("5")
        await c.until(lambda: PAINTS["dark"].background in backgrounds(c) and None not in backgrounds(c))


async def test_t_goes_through_all_of_them(run: Run) -> None:
    async with run() as c:
        seen = []
        for _ in NAMES:
            seen.append(c.app.session.theme)
            await c.press("T")
        assert seen == list(NAMES) and c.app.session.theme == TERMINAL
        await c.until(lambda: backgrounds(c) <= {None})


async def test_without_colours_a_theme_is_named_and_not_shown(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with run(remembered=Remembered(theme="light")) as c:
        await c.sees("8125")
        assert backgrounds(c) <= {None}
        await c.press("T")
        await c.sees("NO_COLOR is set")
        assert backgrounds(c) <= {None}


def test_the_command_line_tells_all_themes_and_what_they_are_for() -> None:
    found = commands("theme", (Scope.CONSOLE,), Context())
    assert [c.argument for c in found if c.kind == "theme"] == list(NAMES)


def test_a_theme_that_is_not_known_any_more_is_the_terminals() -> None:
    app = Console("", lambda: None, remembered=Remembered(theme="mauve"))  # type: ignore[arg-type, return-value]
    assert app.session.theme == TERMINAL
