"""What can be done to tasks, on whichever screen they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mofsim.tui import format, jobs
from mofsim.tui.actions import Context
from mofsim.tui.registry import RETRIED
from mofsim.tui.screens.base import ConsoleScreen
from mofsim.tui.screens.copying import Copying
from mofsim.tui.why import would_be_lost
from mofsim.vocabulary import Priority

if TYPE_CHECKING:
    from mofsim.schemas.tasks import Task
    from mofsim.tui.query import Query

#: What the server allows by default; it has the last word.
UNDO_SECONDS = 10.0


class TaskScreen(Copying, ConsoleScreen):
    """Subclasses tell which tasks an action takes."""

    def targets(self) -> Sequence[Task]:
        raise NotImplementedError

    def situation(self) -> Context:
        return self.picture(tasks=self.targets(), compared=self.compared(), undoable=self.session.undoable)

    def compared(self) -> Sequence[Task]:
        """The selected ones, in the order in which they were."""
        return list(self.store.selected.values())

    def do_task_cancel(self) -> None:
        from mofsim.tui.screens.confirm import Confirm

        tasks = [task for task in self.targets() if not task.status.is_final and not task.stop_requested]
        # Those that lose most are named first.
        tasks.sort(key=lambda task: not task.status.is_active)
        many = format.grouped(len(tasks))
        title = f"Cancel task {tasks[0].id}?" if len(tasks) == 1 else f"Cancel {many} tasks?"
        items = [f"{task.id} {format.name(task)}: {would_be_lost(task, self._elapsed(task))}" for task in tasks]
        yes = "cancel it" if len(tasks) == 1 else f"cancel these {many}"

        def answered(confirmed: bool | None) -> None:
            if confirmed:
                self.session.cancelled = tasks
                self.session.undo_until = self.session.monotonic() + UNDO_SECONDS
                self.ask(jobs.cancel, tasks)

        hint = "What it wrote so far is kept." if any(task.status.is_active for task in tasks) else ""
        if len(tasks) > jobs.PER_SECOND * UNDO_SECONDS:
            hint = f"{hint} Of so many, z takes only those back that were cancelled last.".strip()
        self.app.push_screen(Confirm(title, items, hint, keep="keep", yes=yes), answered)

    def do_task_undo(self) -> None:
        tasks, self.session.cancelled = self.session.cancelled, ()
        self.ask(jobs.undo_cancel, tasks)

    def do_task_retry(self) -> None:
        tasks = [task for task in self.targets() if task.status in RETRIED]
        self.ask(jobs.retry, tasks)

    def do_task_hold(self) -> None:
        self.ask(jobs.hold, [task for task in self.targets() if not task.status.is_final and not task.held])

    def do_task_release(self) -> None:
        self.ask(jobs.release, [task for task in self.targets() if not task.status.is_final and task.held])

    def do_task_raise(self) -> None:
        self._change_priority(-1)

    def do_task_lower(self) -> None:
        self._change_priority(+1)

    def _change_priority(self, by: int) -> None:
        wanted = [
            (task, Priority(task.priority + by))
            for task in self.targets()
            if task.status.is_waiting and Priority.CRITICAL <= task.priority + by <= Priority.LOW
        ]
        self.ask(jobs.set_priority, wanted)

    def do_task_duplicate(self) -> None:
        from mofsim.tui.screens.submit import SubmitForm

        self.app.push_screen(SubmitForm(self.session, self.targets()[0]))

    def listed(self) -> tuple[Query, int | None] | None:
        """The list that is shown, and how many tasks it has where that is known; None where there is no list."""
        return None

    def do_task_compare(self) -> None:
        from mofsim.tui.screens.compare import Compare

        self.app.push_screen(Compare(self.session, self.compared()))

    def do_task_export(self) -> None:
        from mofsim.tui.screens.export import ExportForm

        self.app.push_screen(ExportForm(self.session, self.targets(), self.listed()))

    def do_task_why(self) -> None:
        from mofsim.tui.screens.why import Why

        self.app.push_screen(Why(self.session, self.targets()[0]))

    def do_task_copy(self) -> None:
        ids = [str(task.id) for task in self.targets()]
        self.copy(" ".join(ids), f"{'id' if len(ids) == 1 else f'{len(ids)} ids'} {', '.join(ids[:3])}")

    def _elapsed(self, task: Task) -> float | None:
        return (self.session.now() - task.started_at).total_seconds() if task.started_at else None
