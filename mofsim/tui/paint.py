"""Themes: everything is drawn in the terminal's sixteen colours, and a theme may put others in their place.

Colours of a theme are those of the 256 that nearly all terminals have: they cost fewer bytes on a slow line than
others, and a picture of them is the same everywhere. Knows nothing of screens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from rich.color import Color as RichColor
from rich.color import ColorType
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

_NO_DIM: Final = Style(dim=False)


@dataclass(frozen=True)
class Paint:
    """`colours` are numbers of 256, in the order of the sixteen: black red green yellow blue magenta cyan white, and
    the bright ones; `dim` is what less important text has in place of the foreground."""

    name: str
    help: str
    foreground: int
    background: int
    dim: int
    colours: Sequence[int]


#: The terminal's own colours, which no paint is put over.
TERMINAL: Final = "terminal"
TERMINAL_HELP: Final = "the terminal's own 16 colours, light or dark as it is; fewest bytes over SSH"
PAINTS: Final[Mapping[str, Paint]] = {
    paint.name: paint
    for paint in (
        Paint("dark", "soft colours on dark grey", 252, 234, 244,
              (234, 174, 114, 179, 110, 176, 80, 252, 240, 210, 150, 222, 153, 182, 123, 255)),
        Paint("light", "dark ink on light grey", 236, 255, 243,
              (255, 124, 22, 94, 25, 90, 24, 255, 246, 160, 34, 136, 32, 126, 37, 255)),
        Paint("contrast", "white and pure colours on black, nothing dimmed", 231, 16, 253,
              (16, 210, 120, 227, 117, 213, 51, 231, 250, 217, 157, 229, 153, 219, 123, 231)),
    )
}  # fmt: skip
NAMES: Final = (TERMINAL, *PAINTS)


def help_of(name: str) -> str:
    return PAINTS[name].help if name in PAINTS else TERMINAL_HELP


class Painted(LineFilter):
    """Puts the colours of a theme in the place of the sixteen, and its fore- and background where there is none."""

    def __init__(self, paint: Paint) -> None:
        super().__init__()
        self.paint = paint
        self._style = lru_cache(2048)(self._painted)

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            segment if segment.control else Segment(segment.text, self._style(segment.style or Style.null()))
            for segment in segments
        ]

    def _painted(self, style: Style) -> Style:
        paint = self.paint
        foreground = self._colour(style.color, paint.foreground)
        background = self._colour(style.bgcolor, paint.background)
        if style.dim:
            # A colour that is dimmed keeps its meaning; plain text gets the theme's grey.
            foreground = foreground if _is_colour(style.color) else RichColor.from_ansi(paint.dim)
        return style + Style.from_color(foreground, background) + (_NO_DIM if style.dim else Style.null())

    def _colour(self, colour: RichColor | None, default: int) -> RichColor:
        if colour is None or colour.is_default:
            return RichColor.from_ansi(default)
        if colour.type is ColorType.STANDARD and colour.number is not None:
            return RichColor.from_ansi(self.paint.colours[colour.number])
        return colour


def _is_colour(colour: RichColor | None) -> bool:
    return colour is not None and not colour.is_default
