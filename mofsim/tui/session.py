"""What every screen is given: the state, the client, and how things look."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mofsim.tui.looks import Glyphs, glyphs_for
from mofsim.tui.paint import TERMINAL
from mofsim.tui.remembered import Remembered
from mofsim.tui.store import Change, Store

if TYPE_CHECKING:
    from textual.signal import Signal

    from mofsim.client import AsyncClient
    from mofsim.schemas.tasks import Task


@dataclass(frozen=True)
class Mode:
    """A screen of its own that a key brings to the front."""

    name: str
    key: str
    title: str
    #: where room is short; "" when the title is short enough
    short: str = ""
    #: named in the header while it is shown, and not before
    quiet: bool = False


MODES = (
    Mode("dashboard", "1", "Dashboard", "Dash"),
    Mode("tasks", "2", "Tasks"),
    Mode("workers", "3", "GPUs"),
    Mode("logs", "4", "Logs"),
    Mode("alerts", "5", "Alerts"),
    Mode("models", "6", "Models"),
    Mode("structures", "7", "Structures", "Structs"),
    Mode("benchmarks", "8", "Benchmarks", "Bench", quiet=True),
)


def _utc() -> datetime:
    return datetime.now(UTC)


@dataclass
class Session:
    """`changed` tells screens what to draw again; `client` is there once the libraries for it are loaded."""

    changed: Signal[Change]
    store: Store = field(default_factory=Store)
    client: AsyncClient | None = None
    glyphs: Glyphs = field(default_factory=glyphs_for)
    #: what was cancelled last, and until when (on the monotonic clock) that can be taken back
    cancelled: Sequence[Task] = ()
    undo_until: float = 0.0
    #: how far a change to many things is, in words; empty when there is none
    working: str = ""
    #: the user's keys, by action
    keymap: Mapping[str, str] = field(default_factory=dict)
    remembered: Remembered = field(default_factory=Remembered)
    theme: str = TERMINAL
    #: all is simulated, which every screen says
    demo: bool = False
    #: two clocks, so that a test can hold them still
    now: Callable[[], datetime] = _utc
    monotonic: Callable[[], float] = monotonic

    @property
    def undoable(self) -> bool:
        return bool(self.cancelled) and self.monotonic() < self.undo_until

    @property
    def place(self) -> str:
        """The server's address as the header shows it."""
        if self.demo:
            return "the demo"
        return urlsplit(self.store.server).netloc or self.store.server
