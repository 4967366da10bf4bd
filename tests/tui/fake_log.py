"""The log of the processes, as the server of `fake` tells of it."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from mofsim.client import Forbidden, ServerUnreachable
from mofsim.schemas.envelope import Page
from mofsim.schemas.logs import SystemLogLine
from mofsim.vocabulary import LogLevel
from tests.tui.fake_machines import NOW

LEVELS = list(LogLevel)


def line(n: int, **changes: Any) -> SystemLogLine:
    values: dict[str, Any] = {
        "timestamp": NOW + timedelta(seconds=n),
        "level": LogLevel.INFO,
        "logger": "mofsim.access",
        "message": f"request {n}",
        "process": "server",
        "extra": {"path": "/api/v1/tasks", "status": 200},
    }
    return SystemLogLine(**(values | changes))


def some_lines() -> list[SystemLogLine]:
    """Of several processes, oldest first."""
    lines = [line(n) for n in range(-40, 0)]
    lines[5] = line(-35, process="worker-gpu1", message="model loaded", task_id=8124, gpu_id="GPU-1", extra={})
    lines[20] = line(-20, process="worker-gpu1", message="a step is slow", level=LogLevel.WARNING, task_id=8125)
    lines[30] = line(
        -10, process="chores", message="can not compress", level=LogLevel.ERROR, extra={},
        exception="Traceback (most recent call last):\n  File retention.py\nOSError: no room",
    )  # fmt: skip
    lines[38] = line(-2, process="supervisor", message="gpu1 is back", extra={"after_s": 12})
    return lines


@dataclass
class SystemLog:
    lines: list[SystemLogLine] = field(default_factory=some_lines)
    page_lines: int = 500
    #: set to tell it only to other keys
    refusal: str = ""
    followers: int = 0
    #: queries that were answered
    asked: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._news = asyncio.Condition()
        self._ended = 0

    async def write(self, *lines: SystemLogLine) -> None:
        self.lines += lines
        async with self._news:
            self._news.notify_all()

    async def end(self) -> None:
        """All streams break."""
        self._ended += 1
        async with self._news:
            self._news.notify_all()

    def page(self, query: Any) -> Page[SystemLogLine]:
        self._refuse()
        self.asked.append(query)
        since, until = (datetime.fromisoformat(v) if (v := query.get(n)) else None for n in ("since", "until"))
        names = {name: query.get(name) for name in ("level", "process", "task")}
        fitting = [
            each
            for each in reversed(self.lines)
            if _fits(each, **names)
            and (since is None or each.timestamp >= since)
            and (until is None or each.timestamp <= until)
        ]
        start, limit = int(query.get("cursor") or 0), min(query["limit"], self.page_lines)
        more = start + limit < len(fitting)
        return Page(items=fitting[start : start + limit], next_cursor=str(start + limit) if more else None)

    async def follow(self, url: str, on_open: Callable[[], None], **wanted: Any) -> AsyncGenerator[SystemLogLine]:
        self._refuse()
        told, ended = len(self.lines), self._ended
        self.followers += 1
        on_open()
        try:
            while self._ended == ended:
                for each in self.lines[told:]:
                    if _fits(each, **wanted):
                        yield each
                told = len(self.lines)
                async with self._news:
                    await self._news.wait()
        finally:
            self.followers -= 1
        raise ServerUnreachable(url, "the connection broke")

    def _refuse(self) -> None:
        if self.refusal:
            raise Forbidden(self.refusal, code=403, type="ScopeTooSmall")


def _fits(found: SystemLogLine, level: Any = "", process: Any = "", task: Any = None) -> bool:
    least = LEVELS.index(LogLevel(level)) if level else 0
    return (
        LEVELS.index(found.level) >= least
        and (not process or found.process == process)
        and (task is None or found.task_id == task)
    )
