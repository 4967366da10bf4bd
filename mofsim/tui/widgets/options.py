"""A list to choose from, whose cursor is seen in every theme, also while a text field above it has the focus."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widgets import OptionList

from mofsim.tui.looks import CURSOR


class Options(OptionList):
    """The line under the cursor is reversed whole, as in the tables."""

    DEFAULT_CSS = """
    Options > .option-list--option-highlighted, Options:focus > .option-list--option-highlighted {
        color: $foreground;
        background: $background;
        text-style: none;
    }
    """

    def render_line(self, y: int) -> Strip:
        strip = super().render_line(y)
        here = self.highlighted is not None and any(
            segment.style is not None and segment.style.meta.get("option") == self.highlighted for segment in strip
        )
        return Strip([_over(segment.style, segment.text) for segment in strip]) if here else strip


def _over(style: Style | None, text: str) -> Segment:
    """One colour for the whole line; what a click means stays with it."""
    return Segment(text, CURSOR if style is None else Style.from_meta(style.meta) + CURSOR)
