"""A question before something that can not be taken back: `keep` has the focus, `y` confirms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

#: Items that are named; of the rest the number is told.
NAMED = 5


class Confirm(ModalScreen[bool]):
    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "confirm", "confirm", id="confirm.yes", tooltip="Do it"),
        Binding("n,escape,q,backspace", "keep", "keep", id="confirm.no", tooltip="Leave all as it is"),
        Binding("left,up,shift+tab", "app.focus_previous", show=False, id="confirm.previous"),
        Binding("right,down", "app.focus_next", show=False, id="confirm.next"),
    ]

    def __init__(self, title: str, items: Sequence[str], hint: str = "", *, keep: str, yes: str) -> None:
        super().__init__()
        self._question = title
        self._items = items
        self._hint = hint
        self._keep = keep
        self._yes = yes

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Static(self._question, id="question", markup=False)
            yield Static("\n".join(self._named()), id="items", markup=False)
            with Horizontal(id="buttons"):
                yield Button(f"{self._keep} (n)", id="keep", compact=True)
                yield Button(f"{self._yes} (y)", id="yes", compact=True)

    def on_mount(self) -> None:
        self.query_one("#keep").focus()

    def _named(self) -> Sequence[str]:
        more = len(self._items) - NAMED
        hint = ["", self._hint] if self._hint else []
        return [*self._items[:NAMED], *([f"+{more} more"] if more > 0 else []), *hint]

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_confirm(self) -> None:
        self.dismiss(True)

    def action_keep(self) -> None:
        self.dismiss(False)
