"""The keys of the screen it was opened on, to search in; enter runs the one under the cursor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from mofsim.tui.actions import Action, Context, Scope
from mofsim.tui.looks import DIM, KEY
from mofsim.tui.registry import in_scopes
from mofsim.tui.widgets.bars import key_name

FILTERS = (
    "The filter takes words, and field:value with status, type, model, structure, since, batch, gpu, priority, id; "
    "a,b means either; ! in front inverts. The server filters. What it can not (!, gpu, priority, id) is applied to "
    "the rows as they are read, of at most the newest 5 000."
)


class Help(ModalScreen[str]):
    """Dismissed with the id of the action to run."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "close", id="help.close", tooltip="Back"),
        Binding("down", "move(1)", show=False, id="help.down"),
        Binding("up", "move(-1)", show=False, id="help.up"),
        Binding("pagedown", "move(10)", show=False, id="help.page_down"),
        Binding("pageup", "move(-10)", show=False, id="help.page_up"),
    ]

    def __init__(self, scopes: Sequence[Scope], context: Context) -> None:
        super().__init__()
        self._scopes = scopes
        self._situation = context
        self._list = OptionList(id="keys", compact=True)
        self._search = Input(placeholder="search the keys; enter runs one, esc closes", id="search", compact=True)

    def compose(self) -> ComposeResult:
        self._search.cursor_blink = False
        self._list.can_focus = False
        with Vertical(id="dialog"):
            yield self._search
            yield self._list
            yield Static(FILTERS, id="filters", markup=False)

    def on_mount(self) -> None:
        self._fill("")
        self._search.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._fill(event.value)

    def on_input_submitted(self) -> None:
        if self._list.highlighted is not None:
            self._choose(self._list.get_option_at_index(self._list.highlighted))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self._choose(event.option)

    def _choose(self, option: Option) -> None:
        self.dismiss(option.id)

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_move(self, by: int) -> None:
        for _ in range(abs(by)):
            self._list.action_cursor_down() if by > 0 else self._list.action_cursor_up()

    def _fill(self, search: str) -> None:
        words = search.lower().split()
        self._list.clear_options()
        self._list.add_options(self._options(words))
        if self._list.option_count:
            self._list.action_first()

    def _options(self, words: Sequence[str]) -> Iterator[Option]:
        scope = None
        for action in in_scopes(self._scopes):
            heap = f"{action.keys} {action.label} {action.help} {action.scope}".lower()
            if not all(word in heap for word in words):
                continue
            if action.scope is not scope:
                scope = action.scope
                yield Option(Text(f"{scope}", "bold"), disabled=True)
            yield Option(self._line(action), id=action.id)

    def _line(self, action: Action) -> Text:
        keys = " ".join(key_name(key) for key in action.keys.split(","))
        line = Text.assemble(f"{keys:>12}", ("  ", ""), (action.help, ""))
        line.stylize(KEY, 0, 12)
        why_not = action.why_not(self._situation)
        if why_not or not action.applies(self._situation):
            line.append(f" ({why_not})" if why_not else " (not here, now)")
            line.stylize(DIM, 12)
        return line
