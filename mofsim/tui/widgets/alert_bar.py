"""One line about the most urgent alert that nobody looks after, and the keys for it; else it takes no room."""

from __future__ import annotations

from collections.abc import Iterable

from mofsim.tui import format
from mofsim.tui.looks import ALERT_STYLES, KEY
from mofsim.tui.session import Session
from mofsim.tui.widgets.bars import length, spread
from mofsim.tui.widgets.lines import Lines, Row, piece

OPEN, ACKNOWLEDGE = ("console.alerts", "!", "open"), ("alert.acknowledge", "a", "ack")


class AlertBar(Lines):
    def __init__(self, session: Session) -> None:
        super().__init__(id="alert-bar")
        self.glyphs = session.glyphs
        self._session = session
        self.display = False

    def update(self) -> None:
        self.display = self._session.store.alerts.first is not None
        self.redraw()

    def draw(self, width: int, height: int) -> Iterable[Row]:
        book = self._session.store.alerts
        alert = book.first
        if alert is None:
            return
        keys = []
        for action, key, word in (OPEN, ACKNOWLEDGE) if self._session.store.online else (OPEN,):
            # A keymap may give them others.
            own = self._session.keymap.get(action, key).split(",")[0]
            keys += [piece(own, KEY), piece(f" {word}  ")]
        more = f"  +{book.unheeded - 1} more" if book.unheeded > 1 else ""
        room = width - length(keys) - len(more) - 5
        text = f"{alert.level} {alert.message}"
        said = f" {self.glyphs.levels[alert.level]} {format.shorten(text, room, self.glyphs)}{more}"
        yield spread([piece(said, ALERT_STYLES[alert.level])], keys, width)
