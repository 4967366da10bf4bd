"""What is copied to the clipboard of the terminal, from any screen."""

from __future__ import annotations

import os

from mofsim.tui import format
from mofsim.tui.clipboard import passed_through
from mofsim.tui.screens.base import ConsoleScreen

#: Terminals and multiplexers cut longer ones, or drop them in silence.
CLIPBOARD_LIMIT = 70_000


class Copying(ConsoleScreen):
    def copy(self, text: str, what: str) -> None:
        """To the clipboard of the terminal, also over SSH, where the terminal allows it (OSC 52)."""
        if len(text) > CLIPBOARD_LIMIT:
            size = format.size(len(text))
            self.app.notify(f"too long for a terminal's clipboard ({size}); nothing was copied", severity="warning")
            return
        self.app.copy_to_clipboard(text)
        wrapped = passed_through(text, os.environ)
        if wrapped and self.app._driver:
            self.app._driver.write(wrapped)
        self.app.notify(f"copied {what}", markup=False, timeout=2)
