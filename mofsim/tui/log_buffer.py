"""The lines of a log that were read, in little memory. Knows neither Textual nor HTTP."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from math import isnan, nan
from typing import TYPE_CHECKING, NamedTuple

from mofsim.tui.packed import Packed
from mofsim.vocabulary import LogLevel

if TYPE_CHECKING:
    from mofsim.schemas.tasks import LogLine

LEVELS = list(LogLevel)
#: A program's log may hold anything; to a terminal these are commands.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
#: What is looked for with this alone may be a time.
_TIME = re.compile(r"[\d:-]*:[\d:-]*")


class Stamp(StrEnum):
    """How the time of a line is shown: local, or not at all."""

    CLOCK = "%H:%M:%S "
    DATE = "%m-%d %H:%M:%S "
    NONE = ""

    @property
    def next(self) -> Stamp:
        stamps = list(Stamp)
        return stamps[(stamps.index(self) + 1) % len(stamps)]


class Rows(NamedTuple):
    """What lines are drawn as: of a line with several rows only the first has a time, the others have none (NaN)."""

    texts: Packed
    levels: bytearray
    times: array[float]

    @classmethod
    def none(cls) -> Rows:
        return cls(Packed(), bytearray(), array("d"))

    def add(self, level: LogLevel, time: datetime, message: str) -> int:
        """How many rows came."""
        first, *more = message.expandtabs(4).splitlines() or [""]
        rows = [_CONTROL.sub("·", text) for text in (first, *more)]
        self.texts.extend(rows)
        self.levels.extend([LEVELS.index(level)] * len(rows))
        self.times.extend([time.timestamp(), *([nan] * len(more))])
        return len(rows)

    def extend(self, other: Rows) -> None:
        self.texts.join(other.texts)
        self.levels.extend(other.levels)
        self.times.extend(other.times)


class LogBuffer:
    def __init__(self) -> None:
        self.stamp = Stamp.CLOCK
        self._rows = Rows.none()
        #: ids of the first and last line that were read
        self.first_id: int | None = None
        self.last_id = 0
        #: whether nothing stands before the first line
        self.from_start = False
        #: lines from the start on, until they reach those that are known
        self._head = Rows.none()

    def __len__(self) -> int:
        return len(self._rows.texts)

    @property
    def texts(self) -> Packed:
        """The rows without their times."""
        return self._rows.texts

    def level(self, index: int) -> LogLevel:
        return LEVELS[self._rows.levels[index]]

    def time(self, index: int) -> str:
        """The time of a row as it is shown; spaces where it has none."""
        seconds = self._rows.times[index]
        if not self.stamp or isnan(seconds):
            return " " * len(datetime(2000, 1, 1).strftime(self.stamp))
        return datetime.fromtimestamp(seconds).strftime(self.stamp)

    def text(self, index: int) -> str:
        """A row as it is shown."""
        return f"{self.time(index)}{self.texts[index]}"

    def add(self, lines: Iterable[LogLine]) -> int:
        """Lines that follow; those known already are left out. How many rows came."""
        fresh = [line for line in lines if line.id > self.last_id]
        if not fresh:
            return 0
        self.last_id = fresh[-1].id
        if self.first_id is None:
            self.first_id = fresh[0].id
        return _put(self._rows, fresh)

    def add_before(self, lines: Iterable[LogLine], complete: bool) -> int:
        """Lines from the start of the log on, `complete` with those that reach the first one known.

        How many rows came in front: none before it is complete, for a gap in a log would mislead.
        """
        _put(self._head, lines)
        if not complete:
            return 0
        head, self._head = self._head, Rows.none()
        self.from_start = True
        return self._put_before(head)

    def _put_before(self, head: Rows) -> int:
        came = len(head.texts)
        head.extend(self._rows)
        self._rows = head
        return came

    def find(self, text: str, start: int, step: int, round: bool = True) -> int | None:
        """The nearest row with `text`, in any case, from row `start` on in steps of +1 or -1; goes `round` once."""
        wanted, count = text.lower(), len(self)
        with_time = bool(_TIME.fullmatch(wanted))
        places = ((start + step * i) % count for i in range(count)) if round else range(*_to_end(start, step, count))
        for place in places:
            if wanted in self.texts[place].lower() or (with_time and wanted in self.time(place)):
                return place
        return None


def _to_end(start: int, step: int, count: int) -> tuple[int, int, int]:
    return (min(start, count - 1), -1, step) if step < 0 else (max(start, 0), count, step)


def _put(rows: Rows, lines: Iterable[LogLine]) -> int:
    """A message of several lines becomes as many rows; only the first has the time."""
    came = 0
    for line in lines:
        name = "" if line.level is LogLevel.INFO else f"{line.level} "
        came += rows.add(line.level, line.time, f"{name}{line.message}")
    return came
