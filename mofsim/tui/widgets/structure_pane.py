"""The pane of a task's structure: it turns, and beside it stands what became of the cell and of the atoms."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal

from mofsim.tui.molecule import Molecule
from mofsim.tui.session import Session
from mofsim.tui.widgets.peek import TextLines
from mofsim.tui.widgets.structure_view import StructureView

if TYPE_CHECKING:
    from mofsim.schemas.tasks import Task
    from mofsim.tui.stock_messages import TaskMoleculesCame


class StructurePane(Horizontal):
    """Shows the latest atoms, or those that were submitted."""

    def __init__(self, session: Session) -> None:
        super().__init__(id="structure")
        self._session = session
        self.view = StructureView(session.glyphs, "task-view")
        self.facts = TextLines(session.glyphs, "structure-facts")
        self.initial_shown = False
        self.came: TaskMoleculesCame | None = None

    def compose(self) -> ComposeResult:
        yield self.view
        yield self.facts

    def on_mount(self) -> None:
        self.facts.caption = "before → after" if self._session.glyphs.braille else "before and after"

    @property
    def is_final(self) -> bool:
        """What came is all that will."""
        return self.came is not None and self.came.is_final

    def ask_again(self) -> None:
        """The task ended, perhaps once more: what came is no longer all."""
        if self.came is not None:
            self.came.is_final = False

    @property
    def initial(self) -> Molecule | None:
        """What was submitted does not change: it is asked for once."""
        return self.came.initial if self.came else None

    def tell(self, came: TaskMoleculesCame, task: Task) -> None:
        self.came = came
        self.draw(task)

    def switch(self) -> bool:
        """Before or after; False while there is only one of them."""
        if self.came is None or self.came.latest is None or self.came.initial is None:
            return False
        self.initial_shown = not self.initial_shown
        return True

    def draw(self, task: Task) -> None:
        came = self.came
        if came is None:
            waits = f"reading {self._session.glyphs.dots}" if self._session.store.online else "no line to the server"
            self.view.show(None, (waits,))
            self.facts.show(())
            return
        first = self.initial_shown or came.latest is None
        self.view.show(came.initial if first else came.latest, (came.problem or "no atoms to show",))
        self.view.caption = f"{self._title(first, task)}{self.view.hint}"
        wrapped = textwrap.wrap(came.problem, max(20, self.facts.content_size.width - 1))
        self.facts.show([*came.facts, "", *wrapped] if came.problem else came.facts)

    def _title(self, first: bool, task: Task) -> str:
        if first:
            return "as submitted"
        return "as it ended" if task.status.is_final else "as it is now"
