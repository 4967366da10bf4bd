"""A picture of a terminal: rows of runs, each with its looks."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from rich.color import Color, ColorType
from rich.segment import Segment
from rich.style import Style

#: A number of the terminal's 256 colours, or #rrggbb; None is its own fore- or background.
Colour = int | str | None


class Look(NamedTuple):
    foreground: Colour = None
    background: Colour = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    reverse: bool = False


class Run(NamedTuple):
    text: str
    look: Look


Row = tuple[Run, ...]
Picture = tuple[Row, ...]


def look_of(style: Style | None) -> Look:
    if style is None:
        return Look()
    return Look(
        _colour(style.color), _colour(style.bgcolor), bool(style.bold), bool(style.dim), bool(style.italic),
        bool(style.underline), bool(style.reverse),
    )  # fmt: skip


def _colour(colour: Color | None) -> Colour:
    if colour is None or colour.type is ColorType.DEFAULT:
        return None
    return colour.number if colour.number is not None else colour.get_truecolor().hex


def row_of(segments: Iterable[Segment]) -> Row:
    """Neighbours that look the same are one run."""
    return merged(Run(segment.text, look_of(segment.style)) for segment in segments if not segment.control)


def merged(runs: Iterable[Run]) -> Row:
    grouped = groupby((run for run in runs if run.text), key=lambda run: run.look)
    return tuple(Run("".join(run.text for run in same), look) for look, same in grouped)


def text_of(picture: Sequence[Row]) -> str:
    return "\n".join("".join(run.text for run in row).rstrip() for row in picture)


def placed(row: Row) -> Iterator[tuple[int, Run]]:
    """Each run with the column that it begins at; every character is one cell wide."""
    column = 0
    for run in row:
        yield column, run
        column += len(run.text)
