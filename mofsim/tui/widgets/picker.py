"""A text field with suggestions below it while it has the focus."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import DescendantBlur, DescendantFocus
from textual.message import Message
from textual.widgets import Input

from mofsim.tui import form
from mofsim.tui.looks import CURSOR, DIM, Glyphs
from mofsim.tui.widgets.lines import Lines, Row, piece

if TYPE_CHECKING:
    from mofsim.schemas.resources import Structure


class PickInput(Input):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "step(1)", show=False, id="picker.down", tooltip="Next suggestion"),
        Binding("up", "step(-1)", show=False, id="picker.up", tooltip="Suggestion before"),
    ]

    @dataclass
    class Step(Message):
        by: int

    def action_step(self, by: int) -> None:
        self.post_message(self.Step(by))


class Suggestions(Lines):
    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(classes="suggestions")
        self.glyphs = glyphs
        self.found: Sequence[Structure] = ()
        self.index: int | None = None

    def show(self, found: Sequence[Structure], index: int | None) -> None:
        self.found, self.index = found, index
        self.redraw()

    def draw(self, width: int, height: int) -> Iterable[Row]:
        first = max(0, min((self.index or 0) - height // 2, len(self.found) - height))
        names = max((len(form.label(s)) for s in self.found), default=0)
        for index, structure in enumerate(self.found[first : first + height], first):
            text = f"{form.label(structure):<{min(names, 30)}}  {structure.n_atoms:>5} atoms  {structure.formula}"
            yield (piece(text, CURSOR) if index == self.index else piece(text, DIM),)
        if not self.found:
            yield (piece("no structure is called so; a path uploads the file", DIM),)


class Picker(Vertical):
    """Tells what is chosen whenever that changes."""

    @dataclass
    class Changed(Message):
        chosen: form.Chosen

    def __init__(self, glyphs: Glyphs, id: str) -> None:
        super().__init__(id=id)
        self.input = PickInput(placeholder="name, or path of a file", compact=True, select_on_focus=True)
        self.input.cursor_blink = False
        self.list = Suggestions(glyphs)
        self.structures: Sequence[Structure] = ()

    def compose(self) -> ComposeResult:
        yield self.input
        yield self.list

    def on_mount(self) -> None:
        self.list.display = False

    def offer(self, structures: Sequence[Structure]) -> None:
        self.structures = structures
        self._suggest()
        self._tell()

    @property
    def chosen(self) -> form.Chosen:
        return form.choose(self.input.value, self.structures)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        self._suggest()

    def on_descendant_blur(self, event: DescendantBlur) -> None:
        self.list.display = False

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._suggest()
        self._tell()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self.list.display and self.list.index is not None:
            self._take(self.list.found[self.list.index])
        self.app.action_focus_next()

    def on_pick_input_step(self, message: PickInput.Step) -> None:
        found = self.list.found
        if found and self.list.display:
            index = self.list.index
            self.list.show(found, 0 if index is None else (index + message.by) % len(found))

    def _take(self, structure: Structure) -> None:
        self.input.value = form.label(structure)

    def _suggest(self) -> None:
        text = self.input.value
        exact = bool(text) and not self.chosen.problem
        found = form.suggestions("" if exact else text, self.structures)
        at = next((i for i, s in enumerate(found) if self.chosen.structure is s), None)
        self.list.show(found, at if exact else 0 if text and found else None)
        self.list.display = self.input.has_focus and bool(self.structures)

    def _tell(self) -> None:
        self.post_message(self.Changed(self.chosen))
