"""Where to save something: a path on this machine, with what comes of it said while it is typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Input, Static

from mofsim.tui import destinations
from mofsim.tui.destinations import Verdict
from mofsim.tui.looks import Glyphs
from mofsim.tui.widgets.fields import Note


class Paths(Suggester):
    """Names in the folder that is being typed."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        return destinations.completion(value)


class PathInput(Input):
    """tab completes, as in a shell; where there is nothing to complete it goes on to the next field."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", show=False, id="path.complete", tooltip="Complete the name"),
        Binding("down", "app.focus_next", show=False, id="path.next", tooltip="The next field"),
        Binding("up", "app.focus_previous", show=False, id="path.previous", tooltip="The field before"),
    ]

    def __init__(self, value: str, id: str = "path") -> None:
        super().__init__(value, compact=True, id=id, suggester=Paths(), select_on_focus=False)
        self.cursor_blink = False

    def action_complete(self) -> None:
        completed = destinations.completion(self.value)
        if completed and completed != self.value:
            self.value = completed
            self.cursor_position = len(completed)
        else:
            self.app.action_focus_next()


class Destination(ModalScreen[str]):
    """Dismissed with the path that was typed, which `judge` has found good."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "back", id="destination.leave", tooltip="Save nothing")
    ]

    def __init__(self, glyphs: Glyphs, question: str, path: str, judge: Callable[[str], Verdict]) -> None:
        super().__init__()
        self._question = question
        self._judge = judge
        self.input = PathInput(path)
        self.note = Note(glyphs)

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Static(self._question, id="question", markup=False)
            yield self.input
            yield self.note
            yield Static("enter saves   tab completes   esc goes back", id="hint", markup=False)

    def on_mount(self) -> None:
        self.input.focus()
        self.input.cursor_position = len(self.input.value)

    def on_input_changed(self, event: Input.Changed) -> None:
        self._tell()

    def _tell(self) -> Verdict:
        verdict = self._judge(self.input.value)
        self.note.say(verdict.note)
        self.note.complain(verdict.problem)
        return verdict

    def on_input_submitted(self) -> None:
        if not self._tell().problem:
            self.dismiss(self.input.value.strip())

    def action_leave(self) -> None:
        self.dismiss(None)
