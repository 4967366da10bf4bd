"""Which columns the list has, and in which order: seen in the list behind while they are chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from mofsim.tui.column_choice import ColumnChoice
from mofsim.tui.looks import CURSOR, DIM, KEY, PLAIN, Glyphs
from mofsim.tui.task_columns import Offer
from mofsim.tui.widgets.lines import Lines, Row, piece

#: Lines of the dialog that are not names: frame, question, hint and what is between them.
AROUND = 6


class Names(Lines, can_focus=True):
    """The columns by name; those that are shown have a mark."""

    def __init__(self, glyphs: Glyphs, choice: ColumnChoice, offers: Mapping[str, Offer]) -> None:
        super().__init__(id="columns")
        self.glyphs = glyphs
        self.cursor = 0
        self._choice = choice
        self._offers = offers
        self._top = 0

    @property
    def name_under_cursor(self) -> str:
        return self._choice.names[self.cursor]

    def go(self, index: int) -> None:
        height = max(1, self.content_size.height)
        self.cursor = max(0, min(index, len(self._choice.names) - 1))
        self._top = min(max(self._top, self.cursor - height + 1), self.cursor)
        self.redraw()

    def draw(self, width: int, height: int) -> Iterable[Row]:
        shown = set(self._choice.shown)
        for index, name in enumerate(self._choice.names[self._top : self._top + height], self._top):
            offer, here = self._offers[name], index == self.cursor
            mark = self.glyphs.mark if name in shown else " "
            style = CURSOR if here else PLAIN if name in shown else DIM
            yield piece(f"{mark} ", KEY), piece(f"{offer.column.title:<11} {offer.help}".ljust(width - 2), style)

    def on_resize(self, event: events.Resize) -> None:
        self.go(self.cursor)
        super().on_resize(event)

    def on_click(self, event: events.Click) -> None:
        self.go(self._top + event.y)


class Columns(ModalScreen[None]):
    """`apply` is told each choice at once."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q,v,backspace", "close", "close", id="columns.close", tooltip="Back to the list"),
        Binding("down,j", "go(1)", show=False, id="columns.down", tooltip="Next column"),
        Binding("up,k", "go(-1)", show=False, id="columns.up", tooltip="The column before"),
        Binding("space", "switch", "show", id="columns.toggle", tooltip="Show the column, or not"),
        Binding("J,shift+down,greater_than_sign", "move(1)", "later", id="columns.later", tooltip="Further right"),
        Binding("K,shift+up,less_than_sign", "move(-1)", "earlier", id="columns.earlier", tooltip="Further left"),
        Binding("r", "reset", "usual ones", id="columns.reset", tooltip="The usual columns"),
    ]

    def __init__(
        self, glyphs: Glyphs, offers: Sequence[Offer], chosen: Sequence[str], apply: Callable[[Sequence[str]], None]
    ) -> None:
        super().__init__()
        usual = [offer.name for offer in offers if offer.usual]
        self._choice = ColumnChoice([offer.name for offer in offers], usual, chosen)
        self._names = Names(glyphs, self._choice, {offer.name: offer for offer in offers})
        self._apply = apply

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Static("Columns; the last go first where there is no room", id="question", markup=False)
            yield self._names
            yield Static("space shows or hides   J K move   r the usual ones   esc closes", id="hint", markup=False)

    def on_mount(self) -> None:
        self._names.focus()

    def on_resize(self, event: events.Resize) -> None:
        """As many lines as there is room for; a longer list scrolls."""
        self._names.styles.height = max(3, min(len(self._choice.names), event.size.height - AROUND))

    def _changed(self) -> None:
        self._names.redraw()
        self._apply(self._choice.chosen)

    def action_go(self, by: int) -> None:
        self._names.go(self._names.cursor + by)

    def action_switch(self) -> None:
        self._choice.toggle(self._names.name_under_cursor)
        self._changed()

    def action_move(self, by: int) -> None:
        self._choice.move(self._names.name_under_cursor, by)
        self._names.go(self._names.cursor + by)
        self._changed()

    def action_reset(self) -> None:
        self._choice.reset()
        self._names.go(0)
        self._changed()

    def action_close(self) -> None:
        self.dismiss(None)
