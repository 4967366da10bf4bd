"""A list to search in: typing narrows it, arrows move in it, enter takes what is under the cursor."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from mofsim.tui.widgets.options import Options

T = TypeVar("T")


class Finder(ModalScreen[T]):
    """Subclasses give `options`, and what choosing one means."""

    CSS_PATH = "dialogs.tcss"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "close", id="finder.close", tooltip="Back"),
        Binding("down", "move(1)", show=False, id="finder.down", tooltip="Next"),
        Binding("up", "move(-1)", show=False, id="finder.up", tooltip="Previous"),
        Binding("pagedown", "page(1)", show=False, id="finder.page_down", tooltip="A page down"),
        Binding("pageup", "page(-1)", show=False, id="finder.page_up", tooltip="A page up"),
    ]

    def __init__(self, placeholder: str, note: str = "") -> None:
        super().__init__()
        self.search = Input(placeholder=placeholder, id="search", compact=True)
        self.search.cursor_blink = False
        self.list = Options(id="found", compact=True)
        self.list.can_focus = False
        self._note = note

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield self.search
            yield self.list
            if self._note:
                yield Static(self._note, id="note", markup=False)

    def on_mount(self) -> None:
        self._fill("")
        self.search.focus()

    def options(self, typed: str) -> Iterable[Option]:
        raise NotImplementedError

    def choose(self, option: Option) -> None:
        raise NotImplementedError

    def on_input_changed(self, event: Input.Changed) -> None:
        self._fill(event.value)

    def on_input_submitted(self) -> None:
        if self.list.highlighted is not None:
            self.choose(self.list.get_option_at_index(self.list.highlighted))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.choose(event.option)

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_move(self, by: int) -> None:
        self.list.action_cursor_down() if by > 0 else self.list.action_cursor_up()

    def action_page(self, by: int) -> None:
        for _ in range(max(1, self.list.content_size.height - 1)):
            self.action_move(by)

    def _fill(self, typed: str) -> None:
        self.list.clear_options()
        self.list.add_options(self.options(typed))
        self.list.action_first()
