"""The log of mofsim's processes as far as it was read: from the newest line back, and on as lines come.

Knows neither Textual nor HTTP.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mofsim.tui.log_buffer import LogBuffer, Rows
from mofsim.vocabulary import LogLevel

if TYPE_CHECKING:
    from mofsim.schemas.logs import SystemLogLine

#: Rows that are kept while the end is followed; of more the oldest go, and are read again when somebody goes there.
KEPT = 100_000
#: Of so many newest lines it is known which they are, so that none is taken twice.
RECENT = 4000
#: Room for the name of a process: `worker-gpu0`, `worker-cpu10`.
PROCESS_WIDTH = 12
LEVEL_WIDTH = 7


@dataclass(frozen=True)
class LogFilter:
    """Which lines; the server filters. An empty value leaves all through."""

    level: LogLevel = LogLevel.DEBUG
    process: str = ""
    task: int | None = None

    def __bool__(self) -> bool:
        return self != LogFilter()

    def arguments(self) -> dict[str, Any]:
        """Keyword arguments of the client's `system_logs` and `system_log_lines`."""
        level = self.level if self.level is not LogLevel.DEBUG else ""
        return {"level": level, "process": self.process, "task": self.task}

    def with_next_level(self) -> LogFilter:
        levels = list(LogLevel)
        return replace(self, level=levels[(levels.index(self.level) + 1) % len(levels)])

    @property
    def words(self) -> Sequence[str]:
        level = f"{self.level} and above" if self.level not in (LogLevel.DEBUG, LogLevel.ERROR) else str(self.level)
        return [
            *([level] if self.level is not LogLevel.DEBUG else []),
            *([f"of {self.process}"] if self.process else []),
            *([f"about task {self.task}"] if self.task is not None else []),
        ]


class SystemLog(LogBuffer):
    """Lines have no numbers: what comes twice is told by its time, its process and its words."""

    def __init__(self) -> None:
        super().__init__()
        #: the task that each row is about; 0: none
        self._tasks: array[int] = array("q")
        #: where the search for older lines goes on; None: at the oldest line that is kept
        self.cursor: str | None = None
        #: times of the oldest and newest line
        self.oldest: datetime | None = None
        self.newest: datetime | None = None
        self.processes: set[str] = set()
        #: lines with the time of the oldest one, and the newest lines
        self._at_oldest: set[object] = set()
        self._recent: dict[object, None] = {}

    def task(self, index: int) -> int | None:
        """The task that a row is about."""
        return self._tasks[index] or None if 0 <= index < len(self._tasks) else None

    def process(self, index: int) -> str:
        """The process that wrote a row."""
        while index > 0 and self._rows.times[index] != self._rows.times[index]:
            index -= 1
        return self.texts[index][:PROCESS_WIDTH].strip() if len(self) else ""

    def came(self, lines: Sequence[SystemLogLine]) -> int:
        """Lines that follow, oldest first, some perhaps known already. How many rows came."""
        fresh = [line for line in lines if _key(line) not in self._recent]
        if not fresh:
            return 0
        if self.oldest is None:
            self.oldest = fresh[0].timestamp
        for line in fresh:
            self._mark_newest(line)
        self._at_oldest |= {_key(line) for line in fresh if line.timestamp == self.oldest}
        return self._put(self._rows, self._tasks, fresh)

    def came_before(self, lines: Iterable[SystemLogLine], cursor: str | None) -> int:
        """A page of older lines, newest first, and where the next one is. How many rows came in front."""
        older = [line for line in reversed(list(lines)) if _key(line) not in self._at_oldest]
        self.cursor, self.from_start = cursor, cursor is None
        if not older:
            return 0
        if self.newest is None:
            for line in older:
                self._mark_newest(line)
        self.oldest = older[0].timestamp
        self._at_oldest = {_key(line) for line in older if line.timestamp == self.oldest}
        head, tasks = Rows.none(), array("q")
        self._put(head, tasks, older)
        tasks.extend(self._tasks)
        self._tasks = tasks
        return self._put_before(head)

    def trim(self) -> int:
        """Let the oldest rows go when there are too many; how many went."""
        surplus = len(self) - KEPT
        if surplus <= KEPT // 10:
            return 0
        rows = self._rows
        # A line is let go whole.
        while rows.times[surplus] != rows.times[surplus]:
            surplus += 1
        self.oldest = datetime.fromtimestamp(rows.times[surplus], self.newest.tzinfo if self.newest else None)
        for column in (rows.texts, rows.levels, rows.times, self._tasks):
            del column[:surplus]
        # What has that very time is read again: rather a line twice than one too few.
        self._at_oldest, self.cursor, self.from_start = set(), None, False
        return surplus

    def _mark_newest(self, line: SystemLogLine) -> None:
        """Those of several processes may come a little out of order."""
        if self.newest is None or line.timestamp > self.newest:
            self.newest = line.timestamp
        self._recent[_key(line)] = None
        if len(self._recent) > RECENT:
            del self._recent[next(iter(self._recent))]

    def _put(self, rows: Rows, tasks: array[int], lines: Iterable[SystemLogLine]) -> int:
        came = 0
        for line in lines:
            self.processes.add(line.process)
            n = rows.add(line.level, line.timestamp, said(line))
            tasks.extend([line.task_id or 0] * n)
            came += n
        return came


def said(line: SystemLogLine) -> str:
    """Process, level and words of a line, with all else that was told behind; a traceback below."""
    about = {"task": line.task_id, "gpu": line.gpu_id, **line.extra}
    more = " ".join(f"{name}={value}" for name, value in about.items() if value is not None)
    first = f"{line.process:<{PROCESS_WIDTH}}{_level(line.level):<{LEVEL_WIDTH}} {line.message}"
    traceback = "".join(f"\n    {row}" for row in (line.exception or "").splitlines())
    return f"{first}  {more}".rstrip() + traceback


def _level(level: LogLevel) -> str:
    """Usual lines are not told apart by a word."""
    return "" if level is LogLevel.INFO else str(level)


def _key(line: SystemLogLine) -> object:
    return line.timestamp, line.process, line.message
