"""One task: its curves, log, result, inputs and history, live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from textual.timer import Timer
from textual.widgets import ContentSwitcher

from mofsim.tui import format, jobs, messages, stock_jobs, stock_messages, summary
from mofsim.tui.actions import Context, Scope
from mofsim.tui.log_buffer import LogBuffer
from mofsim.tui.registry import bindings
from mofsim.tui.screens.log_keys import LogKeys
from mofsim.tui.screens.moving import Movable, Moving
from mofsim.tui.screens.viewing import Viewing
from mofsim.tui.session import Session
from mofsim.tui.store import Change
from mofsim.tui.task_columns import state
from mofsim.tui.widgets.lines import piece
from mofsim.tui.widgets.log_view import LogView
from mofsim.tui.widgets.panes import PANES, PaneBar, PlotPane, title
from mofsim.tui.widgets.scroll_text import ScrollText
from mofsim.tui.widgets.structure_pane import StructurePane

if TYPE_CHECKING:
    from rich.segment import Segment
    from textual.widget import Widget

    from mofsim.schemas.tasks import Task

#: Seconds between questions for the series of a running task, and for its log when no step is made.
SERIES_EVERY = 1.0
LOG_EVERY = 3.0
#: The same for the atoms of a running task, which are many.
STRUCTURE_EVERY = 3.0


class TaskDetail(Viewing, Moving, LogKeys):
    SCOPES = (Scope.LOG, Scope.VIEW, Scope.MOVE, Scope.DETAIL, Scope.TASK, Scope.CONSOLE)
    BINDINGS = bindings(SCOPES)
    AUTO_FOCUS = ""
    CSS_PATH = "task_detail.tcss"

    def __init__(self, session: Session, task: Task, pane: str = "plot") -> None:
        super().__init__(session)
        self.task_id = task.id
        self.store.watch(task)
        self.buffer = LogBuffer()
        self.panes = PaneBar(session.glyphs)
        self.plot = PlotPane(session, self.buffer)
        self.log_view = LogView(self.buffer, session.glyphs, "log")
        self.texts = {name: ScrollText(session.glyphs, name) for name in ("result", "inputs", "history")}
        self.structure = StructurePane(session)
        self.view = self.structure.view
        panes = (self.plot, self.log_view, self.structure, *self.texts.values())
        self.switcher = ContentSwitcher(*panes, initial=pane, id="switcher")
        self.pane = pane
        self._asking: Timer | None = None
        self._last_asks = 3
        self._ended = task.status.is_final
        self._structure_at = float("-inf")
        self._result: messages.ResultCame | None = None
        self._attempts: messages.AttemptsCame | None = None

    @property
    def shown(self) -> Task | None:
        return self.store.task(self.task_id)

    def body(self) -> Sequence[Widget]:
        return self.panes, self.switcher, self.find_bar

    def on_mount(self) -> None:
        self.show_pane(self.pane)
        self.set_interval(LOG_EVERY, self._ask_log)
        self.set_interval(1.0, self._tick)

    def on_unmount(self) -> None:
        self.store.unwatch(self.task_id)

    def targets(self) -> Sequence[Task]:
        return [self.shown] if self.shown else []

    def situation(self) -> Context:
        pictured = self.pane == "structure" and self.view.molecule is not None
        return replace(super().situation(), pane=self.pane, finding=bool(self.log_view.needle), pictured=pictured)

    def changed(self, change: Change) -> None:
        task = self.shown
        if task is None:
            return
        if change.missed:
            self.ask(jobs.task, self.task_id, group="task")
        ended = task.status.is_final and not self._ended
        self._ended = task.status.is_final
        if ended:
            self.structure.ask_again()
        if change.missed or change.line or ended:
            self.ask_all()
        elif self.task_id in change.rows:
            self._ask_in(SERIES_EVERY)
        self.draw(task)

    def _tick(self) -> None:
        """The running time goes on, also between steps."""
        if self.is_current and self.shown and self.shown.status.is_active and self.store.online:
            self.draw(self.shown)

    def draw(self, task: Task) -> None:
        self.header.trail = title(task)
        self.header.status = self._status(task)
        self.header.redraw()
        self.plot.draw(task)
        self.structure.draw(task)
        now = self.session.now()
        if self._result is not None:
            self.texts["result"].show(summary.result(self._result.result, self._result.files, task))
        if self._attempts is not None:
            self.texts["history"].show(summary.history(self._attempts.attempts, now))
        self.texts["inputs"].show(summary.inputs(task, _preset(task)))

    def _status(self, task: Task) -> Sequence[Segment]:
        """For the header: state, device, step, time left."""
        parts = [piece(*state(task, self.session.glyphs))]
        slot = format.device(task)
        if slot:
            parts.append(piece(f"   {f'GPU {slot}' if slot.isdecimal() else slot}"))
        if task.progress.step is not None:
            parts.append(piece(f"   step {task.progress.step}"))
        seconds = self.store.seconds_left(task)
        if seconds is not None:
            parts.append(piece(f"   ~{format.rough(seconds)} left"))
        return parts

    def ask_all(self) -> None:
        self._last_asks = 3
        if not self.store.online:
            return
        self._ask_series()
        self.ask(jobs.result, self.task_id, group="result")
        self.ask(jobs.attempts, self.task_id, group="attempts")

    def _ask_in(self, seconds: float) -> None:
        if self._asking is None:
            self._asking = self.set_timer(seconds, self._ask_series)

    def _ask_series(self) -> None:
        self._asking = None
        if self.store.online:
            self.ask(jobs.series, self.task_id, self.plot.points, group="series")
            self._ask_structure()
            self._ask_log()

    def _ask_structure(self) -> None:
        """Only while it is looked at, and of what has ended only once."""
        task, now = self.shown, self.session.monotonic()
        if task is None or self.pane != "structure" or not self.store.online:
            return
        if self.structure.is_final or (now < self._structure_at + STRUCTURE_EVERY and not task.status.is_final):
            return
        self._structure_at = now
        self.ask(stock_jobs.task_molecules, task.id, self.structure.initial, task.status.is_final, group="structure")

    def on_task_molecules_came(self, message: stock_messages.TaskMoleculesCame) -> None:
        if self.shown:
            self.structure.tell(message, self.shown)
            self.refresh_keys()

    def _ask_log(self) -> None:
        """Lines that are new; no event tells of them. When the task has ended, a few more times for the last ones."""
        task = self.shown
        if not self.store.online or not self.is_current or self.store.paused:
            return
        if task and task.status.is_final:
            if not self._last_asks:
                return
            self._last_asks -= 1
        if self.buffer.first_id is None:
            self.ask(jobs.log_newest, self.task_id, group="log")
        else:
            self.ask(jobs.log_after, self.task_id, self.buffer.last_id, group="log")

    def on_series_came(self, message: messages.SeriesCame) -> None:
        task = self.shown
        if task and message.task_id == self.task_id:
            self.plot.plot(message.series)
            self.session.changed.publish(self.store.series(task, message.series))
            self.draw(task)

    def on_result_came(self, message: messages.ResultCame) -> None:
        self._result = message
        self._draw_again()

    def on_attempts_came(self, message: messages.AttemptsCame) -> None:
        self._attempts = message
        self._draw_again()

    def _draw_again(self) -> None:
        if self.shown:
            self.draw(self.shown)

    def log_drawn(self) -> None:
        super().log_drawn()
        self.plot.log_tail.grown()

    def show_pane(self, pane: str) -> None:
        self.pane = self.switcher.current = pane
        self.panes.show(pane)
        self._ask_structure()
        self.refresh_keys()

    def moved(self) -> Movable:
        if self.pane == "log":
            return self.log_view
        if self.pane == "structure":
            return self.view
        return self.texts.get(self.pane) or self.plot.log_tail

    def do_detail_back(self) -> None:
        self.dismiss()

    def do_detail_next_pane(self) -> None:
        self._step_pane(1)

    def do_detail_previous_pane(self) -> None:
        self._step_pane(-1)

    def _step_pane(self, by: int) -> None:
        self.show_pane(PANES[(PANES.index(self.pane) + by) % len(PANES)])

    def do_detail_before_after(self) -> None:
        if self.shown and self.structure.switch():
            self.structure.draw(self.shown)
        else:
            self.app.notify("there is only what was submitted yet", timeout=2)

    def do_detail_log(self) -> None:
        self.show_pane("log")

    def do_detail_maximise(self) -> None:
        self.toggle_class("-maximised")

    def do_detail_next(self) -> None:
        self._step_task(+1)

    def do_detail_previous(self) -> None:
        self._step_task(-1)

    def _step_task(self, by: int) -> None:
        window = self.store.window
        index = window.index_of(self.task_id)
        task = window.at(index + by) if index is not None and 0 <= index + by < len(window) else None
        if task is None:
            self.app.notify("no more tasks in the list this way", timeout=2)
        else:
            self.app.switch_screen(TaskDetail(self.session, task, self.pane))

    def do_task_copy(self) -> None:
        if self.pane == "log":
            self.copy(self.log_view.line_to_copy, "the line")
        elif self.pane == "result" and self._result and self._result.files:
            urls = [f"{self.store.server}{file.url}" for file in self._result.files]
            self.copy("\n".join(urls), f"{len(urls)} addresses")
        else:
            super().do_task_copy()


def _preset(task: Task) -> dict[str, Any]:
    """What the task's preset sets."""
    from mofsim.schemas.simulations import PRESETS

    return PRESETS[task.task_type][task.preset]
