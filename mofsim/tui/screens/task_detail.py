"""One task: its curves, log, result, inputs and history, live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from textual.timer import Timer
from textual.widgets import ContentSwitcher

from mofsim.tui import format, history, inputs, jobs, messages, stock_jobs, stock_messages
from mofsim.tui.actions import Context, Scope
from mofsim.tui.log_buffer import LogBuffer
from mofsim.tui.registry import bindings
from mofsim.tui.screens.log_keys import LogKeys
from mofsim.tui.screens.moving import Movable, Moving
from mofsim.tui.screens.result_keys import ResultKeys
from mofsim.tui.screens.viewing import Viewing
from mofsim.tui.session import Session
from mofsim.tui.store import Change, Line
from mofsim.tui.task_columns import state
from mofsim.tui.widgets.lines import piece
from mofsim.tui.widgets.log_view import LogView
from mofsim.tui.widgets.panes import PANES, PaneBar, PlotPane, title
from mofsim.tui.widgets.result_pane import ResultPane
from mofsim.tui.widgets.result_sheet import Sheet
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


class TaskDetail(Viewing, Moving, ResultKeys, LogKeys):
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
        self.structure = StructurePane(session)
        self.view = self.structure.view
        self.result_pane = ResultPane(session.glyphs)
        self.inputs, self.history = Sheet(session.glyphs, "inputs"), Sheet(session.glyphs, "history")
        self.sheets = {"result": self.result_pane.sheet, "inputs": self.inputs, "history": self.history}
        panes = self.plot, self.log_view, self.structure, self.result_pane, self.inputs, self.history
        self.switcher = ContentSwitcher(*panes, initial=pane, id="switcher")
        self.pane = pane
        self._asking: Timer | None = None
        self._last_asks = 3
        self._ended = _end(task)
        self._state = _state(task)
        self._inputs: messages.InputsCame | None = None
        self._past: history.Past | None = None
        self._structure_at = float("-inf")

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

    def compared(self) -> Sequence[Task]:
        """This task, and those that are selected in the list."""
        others = [task for task in super().compared() if task.id != self.task_id]
        return [*self.targets(), *others]

    def situation(self) -> Context:
        pictured = self.pane == "structure" and self.view.molecule is not None
        return replace(super().situation(), pane=self.pane, finding=bool(self.log_view.needle), pictured=pictured)

    def changed(self, change: Change) -> None:
        task = self.shown
        if task is None:
            return
        if change.missed:
            self.ask(jobs.task, self.task_id, group="task")
        # A task that is tried again may have ended again before we look.
        ended = task.status.is_final and self._ended != _end(task)
        happened = self._state != _state(task)
        for sheet in self.sheets.values():
            sheet.stale = self.store.line is Line.LOST
        self._ended, self._state = _end(task), _state(task)
        if ended:
            self.structure.ask_again()
        if change.missed or change.line or ended:
            self.ask_all()
        elif happened:
            self._ask_past()
        if self.task_id in change.rows and not ended:
            self._ask_in(SERIES_EVERY)
        self.draw(task)

    def _tick(self) -> None:
        """The running time goes on, also between steps."""
        if self.is_active and self.shown and self.shown.status.is_active and self.store.online:
            self.draw(self.shown)

    def draw(self, task: Task) -> None:
        self.header.trail = title(task)
        self.header.status = self._status(task)
        self.header.redraw()
        self.plot.draw(task)
        self.structure.draw(task)
        self.result_pane.draw(task)
        self._draw_inputs(task)
        self.history.show(history.entries(task, self._past, self.session.now()))

    def _draw_inputs(self, task: Task) -> None:
        came = self._inputs
        known = (came.structure, came.model, came.told) if came else (None, None, None)
        self.inputs.show(inputs.entries(task, _preset(task), *known, self.session.glyphs, self.session.now()))

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
        self._ask_past()
        if self.shown and self._inputs is None:
            self.ask(jobs.inputs, self.shown, group="inputs")

    def _ask_past(self) -> None:
        if self.store.online:
            self.ask(jobs.past, self.task_id, group="past")

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
        if not self.store.online or not self.is_active or self.store.paused:
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
            self.result_pane.plot(message.series)
            self.session.changed.publish(self.store.series(task, message.series))
            self.draw(task)

    def on_result_came(self, message: messages.ResultCame) -> None:
        if message.result is not None or self.store.online:
            self.result_pane.came(message.result, message.files)
            self._draw_again()

    def on_inputs_came(self, message: messages.InputsCame) -> None:
        self._inputs = message
        self._draw_again()

    def on_past_came(self, message: messages.PastCame) -> None:
        self._past = message.past
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
        return self.sheets.get(self.pane) or self.plot.log_tail

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
        elif self.pane in self.sheets:
            self.copy_entry(self.sheets[self.pane].entry)
        else:
            super().do_task_copy()


def _end(task: Task) -> object:
    """None while it goes on; another one each time that it ends."""
    return (task.status, task.attempt, task.completed_at) if task.status.is_final else None


def _state(task: Task) -> object:
    """What the history tells of, so that it is read again when something of it changes."""
    return task.status, task.attempt, task.priority, task.stop_requested, task.held, task.awaits_parent


def _preset(task: Task) -> dict[str, Any]:
    """All parameters as the task's preset alone sets them."""
    from mofsim.schemas.simulations import resolve

    return resolve(task.task_type, task.preset, {})
