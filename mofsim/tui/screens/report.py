"""Lines that are too many for a message: read, scroll, close."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from mofsim.tui.looks import Glyphs
from mofsim.tui.widgets.scroll_text import ScrollText


class Report(ModalScreen[None]):
    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q,backspace", "close", "close", id="report.close", tooltip="Close"),
        Binding("j,down", "move(1)", show=False, id="report.down", tooltip="Next line"),
        Binding("k,up", "move(-1)", show=False, id="report.up", tooltip="Previous line"),
        Binding("pagedown,ctrl+d", "page(1)", show=False, id="report.page_down", tooltip="A page down"),
        Binding("pageup,ctrl+u", "page(-1)", show=False, id="report.page_up", tooltip="A page up"),
    ]

    def __init__(self, glyphs: Glyphs, title: str, lines: Sequence[str]) -> None:
        super().__init__()
        self._title = title
        self._lines = lines
        self.text = ScrollText(glyphs, "report")

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Static(self._title, id="question", markup=False)
            yield self.text
            yield Static("esc closes", id="hint", markup=False)

    def on_mount(self) -> None:
        width = min(94, self.app.size.width - 6)
        lines = [part for line in self._lines for part in textwrap.wrap(line, max(20, width), subsequent_indent="  ")]
        self.text.styles.height = min(len(lines), self.app.size.height - 8)
        self.text.show(lines)
        self.text.focus()

    def action_close(self) -> None:
        self.dismiss(None)

    def action_move(self, by: int) -> None:
        self.text.move(by)

    def action_page(self, by: int) -> None:
        self.text.page_by(by)
