"""A comparison as lines of a given width: the first task always, of the others as many as there is room for.

Knows neither Textual nor HTTP.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.style import Style

from mofsim.tui import format
from mofsim.tui.comparison import LETTERS, Row
from mofsim.tui.looks import BOLD, DIM, PLAIN, STATE_STYLES, STATE_WORDS, Glyphs

if TYPE_CHECKING:
    from mofsim.schemas.tasks import Task

#: Columns narrower than this show less than a number and its unit.
NARROWEST, WIDEST = 15, 40
#: From so many cells on, the difference stands beside the value, else below it.
BESIDE = 32
_LONGEST_LABEL = 30

Line = Sequence[tuple[str, Style]]


class Layout:
    """`offset`: how many of the tasks after the first are left out at its left."""

    def __init__(self, tasks: Sequence[Task], rows: Sequence[Row], width: int, offset: int, glyphs: Glyphs) -> None:
        self._tasks = tasks
        self._rows = rows
        self._glyphs = glyphs
        longest = max((len(self._label(row)) for row in rows), default=10) + 2
        self._labels = min(longest, _LONGEST_LABEL, max(12, width // 3)) + 2
        room = width - self._labels
        fitting = max(1, min(len(tasks), room // NARROWEST))
        self.column = max(8, min(WIDEST, room // fitting))
        self.last_offset = max(0, len(tasks) - fitting)
        offset = min(offset, self.last_offset)
        self.shown = [0, *range(1 + offset, offset + fitting)]

    def head(self) -> list[Line]:
        """Which task is which: a letter, its number, its state; below, what it is."""
        names: list[tuple[str, Style]] = [(" " * self._labels, PLAIN)]
        states: list[tuple[str, Style]] = [(self._hidden(), DIM)]
        for index in self.shown:
            task = self._tasks[index]
            text = f"{LETTERS[index]} {task.id} {format.name(task)}"
            names.append((self._cell(text), BOLD))
            word = f"{self._glyphs.states[task.status]} {STATE_WORDS[task.status]}  {task.model}"
            states.append((self._cell(word), STATE_STYLES[task.status]))
        return [names, states]

    def _hidden(self) -> str:
        hidden = len(self._tasks) - len(self.shown)
        keys = "← →" if self._glyphs.braille else "[ ]"
        return set_cell_size(f"{hidden} more: {keys}" if hidden else "", self._labels)

    def body(self, marks: bool) -> list[Line]:
        """With `marks`, rows that differ have one, for others are there as well."""
        found: list[Line] = []
        section = ""
        for row in self._rows:
            if row.section != section:
                found += [[("", PLAIN)]] if section else []
                found.append([(row.section, BOLD)])
                section = row.section
            found += self._lines(row, marks)
        return found

    def _label(self, row: Row) -> str:
        return f"{row.label} ({row.unit})" if row.unit else row.label

    def _lines(self, row: Row, marks: bool) -> Iterator[Line]:
        unlike = "≠" if self._glyphs.braille else "!"
        mark = unlike if marks and row.differs else " "
        label = set_cell_size(f"{mark} {self._short(self._label(row), self._labels - 3)}", self._labels)
        style = DIM if marks and not row.differs else PLAIN
        deltas = {index: " ".join(part for part in row.delta(index) if part) for index in self.shown}
        beside = self.column >= BESIDE
        values = [(self._value(row, index, deltas[index] if beside else ""), style) for index in self.shown]
        yield [(label, style), *values]
        if not beside and any(deltas.values()):
            yield [(" " * self._labels, PLAIN), *((self._cell(deltas[index]), DIM) for index in self.shown)]

    def _value(self, row: Row, index: int, delta: str) -> str:
        text = row.text(index)
        return self._cell(f"{text}   {delta}" if delta else text)

    def _cell(self, text: str) -> str:
        return set_cell_size(self._short(text, self.column - 2), self.column)

    def _short(self, text: str, width: int) -> str:
        return text if cell_len(text) <= width else format.shorten(text, width, self._glyphs)
