"""What workers tell of the log of the processes; as in `messages`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from mofsim.schemas.logs import SystemLogLine
    from mofsim.tui.system_log import LogFilter


@dataclass
class SystemLinesCame(Message):
    """Lines that were written, oldest first; `missed` when there are more between them and what is known."""

    wanted: LogFilter
    lines: Sequence[SystemLogLine]
    missed: bool = False


@dataclass
class OlderLinesCame(Message):
    """A page of lines, newest first, and where the next one begins; None: there are no older ones."""

    wanted: LogFilter
    lines: Sequence[SystemLogLine]
    cursor: str | None


@dataclass
class SystemLogRefused(Message):
    """The server does not tell; with scope, because of the key."""

    wanted: LogFilter
    reason: str
    by_key: bool = False


@dataclass
class StreamEnded(Message):
    """No lines come any more, until they are asked for again."""

    wanted: LogFilter
