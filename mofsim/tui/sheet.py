"""Values with their labels, under titles, laid out as lines of a given width. Knows neither Textual nor HTTP."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.style import Style

from mofsim.tui.looks import BOLD, DIM, PLAIN

#: Labels that are longer push their value to the right alone.
LONGEST_LABEL = 30
_GAP = 2
#: Of the width, what labels may take at most.
_LABELS = 0.5


@dataclass(frozen=True)
class Entry:
    """A label with its value; without a label a text of its own, which is wrapped unless it is `rigid`."""

    label: str = ""
    value: str = ""
    style: Style = PLAIN
    #: a heading: the cursor does not stand on it
    title: bool = False
    #: a row of a table, which is cut where there is no room
    rigid: bool = False
    #: what copying takes, where that is not the value
    copied: str = ""
    #: the output file that it stands for; `*` for all of them
    file: str = ""

    @property
    def stands(self) -> bool:
        """Whether the cursor can stand on it."""
        return not self.title and bool(self.label or self.value)

    @property
    def copy(self) -> str:
        return self.copied or self.value

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is about, so that the cursor finds it again when its value has changed."""
        return self.label, self.file, "" if self.label or self.file else self.value


BLANK = Entry()


@dataclass(frozen=True)
class Laid:
    """One line on the screen, of the entry with this index."""

    index: int
    parts: Sequence[tuple[str, Style]]


def title(text: str) -> Entry:
    return Entry(value=text, title=True)


def block(heading: str, entries: Iterable[Entry]) -> Iterator[Entry]:
    """The entries under their title, and an empty line; nothing where there are none."""
    found = list(entries)
    if found:
        yield title(heading)
        yield from found
        yield BLANK


def lay(entries: Sequence[Entry], width: int) -> list[Laid]:
    """Values begin in one column, behind the longest of the labels that are not too long."""
    longest = max((len(entry.label) for entry in entries if len(entry.label) <= LONGEST_LABEL), default=0)
    column = min(longest, int(width * _LABELS)) + _GAP if longest else 0
    return [Laid(index, parts) for index, entry in enumerate(entries) for parts in _lines(entry, column, width)]


def _lines(entry: Entry, column: int, width: int) -> Iterator[Sequence[tuple[str, Style]]]:
    if entry.title:
        yield ((entry.value, BOLD),)
    elif entry.rigid:
        yield ((entry.value[:width], entry.style),)
    elif not entry.label:
        for line in textwrap.wrap(entry.value, max(10, width)) or [""]:
            yield ((line, entry.style),)
    else:
        yield from _labelled(entry, max(column, len(entry.label) + _GAP), column, width)


def _labelled(entry: Entry, first: int, column: int, width: int) -> Iterator[Sequence[tuple[str, Style]]]:
    """The label and the value beside it; a value that is too long goes on below where values begin."""
    room = max(10, width - first)
    lines = textwrap.wrap(entry.value, room) or [""]
    yield (entry.label.ljust(first), DIM), (lines[0], entry.style)
    rest = entry.value[len(lines[0]) :].strip() if len(lines) > 1 else ""
    for line in textwrap.wrap(rest, max(10, width - column)):
        yield (" " * column, PLAIN), (line, entry.style)
