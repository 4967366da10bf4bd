"""The lines of a log that were read, in little memory. Knows neither Textual nor HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from mofsim.vocabulary import LogLevel

if TYPE_CHECKING:
    from mofsim.schemas.tasks import LogLine

LEVELS = list(LogLevel)
#: A program's log may hold anything; to a terminal these are commands.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class LogBuffer:
    def __init__(self) -> None:
        self.texts: list[str] = []
        self._levels = bytearray()
        #: ids of the first and last line that were read
        self.first_id: int | None = None
        self.last_id = 0
        #: whether nothing stands before the first line
        self.from_start = False
        #: lines from the start on, until they reach those that are known
        self._head: tuple[list[str], bytearray] = ([], bytearray())

    def __len__(self) -> int:
        return len(self.texts)

    def level(self, index: int) -> LogLevel:
        return LEVELS[self._levels[index]]

    def add(self, lines: Iterable[LogLine]) -> int:
        """Lines that follow; those known already are left out. How many rows came."""
        fresh = [line for line in lines if line.id > self.last_id]
        if not fresh:
            return 0
        self.last_id = fresh[-1].id
        if self.first_id is None:
            self.first_id = fresh[0].id
        texts, levels = _rows(fresh)
        self.texts += texts
        self._levels += levels
        return len(texts)

    def add_before(self, lines: Iterable[LogLine], complete: bool) -> int:
        """Lines from the start of the log on, `complete` with those that reach the first one known.

        How many rows came in front: none before it is complete, for a gap in a log would mislead.
        """
        texts, levels = _rows(lines)
        self._head[0].extend(texts)
        self._head[1].extend(levels)
        if not complete:
            return 0
        head, self._head = self._head, ([], bytearray())
        self.from_start = True
        self.texts[:0] = head[0]
        self._levels[:0] = head[1]
        return len(head[0])

    def find(self, text: str, start: int, step: int) -> int | None:
        """The nearest row with `text`, in any case, from row `start` on in steps of +1 or -1; goes round once."""
        wanted = text.lower()
        count = len(self.texts)
        places = ((start + step * i) % count for i in range(count))
        return next((place for place in places if wanted in self.texts[place].lower()), None)


def _rows(lines: Iterable[LogLine]) -> tuple[list[str], bytearray]:
    """A message of several lines becomes as many rows; only the first has the time."""
    texts, levels = [], bytearray()
    for line in lines:
        level = LEVELS.index(line.level)
        name = "" if line.level is LogLevel.INFO else f"{line.level} "
        first, *more = line.message.expandtabs(4).splitlines() or [""]
        for text in (f"{line.time.astimezone():%H:%M:%S} {name}{first}", *(f"         {rest}" for rest in more)):
            texts.append(_CONTROL.sub("·", text))
            levels.append(level)
    return texts, levels
