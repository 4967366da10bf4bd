"""Everything that a key can do, once: bindings, footer, command palette and help are made from this list."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from textual.binding import BindingType

from mofsim.tui.actions import Action, Context, Refusal
from mofsim.tui.actions import Scope as S
from mofsim.tui.alert_words import task_of
from mofsim.vocabulary import FINAL, OPEN_CELLS, SILENT_CELLS, WAITING, CellState, Priority, TaskStatus, WorkerState


def _any_task(context: Context) -> str | None:
    return None if context.tasks else "there is no task under the cursor"


def _some(wanted: Iterable[TaskStatus], what: str) -> Refusal:
    statuses = frozenset(wanted)

    def refusal(context: Context) -> str | None:
        if not context.tasks:
            return "there is no task under the cursor"
        if any(task.status in statuses for task in context.tasks):
            return None
        first = context.tasks[0]
        if len(context.tasks) == 1:
            return f"{what}, and task {first.id} is {first.status}"
        return f"{what}, and none of the {len(context.tasks)} is"

    return refusal


#: How many tasks can stand side by side.
FEWEST, MOST = 2, 6


def _few(context: Context) -> str | None:
    n = len(context.compared)
    if n < FEWEST:
        return f"space selects tasks: {FEWEST} to {MOST} of them can be compared"
    return f"{n} are too many to compare; {MOST} can stand side by side" if n > MOST else None


#: Cells of a benchmark that somebody should look at.
NOT_WELL = frozenset({CellState.FAILED, CellState.LOST})
RETRIED = frozenset({TaskStatus.FAILED, TaskStatus.CANCELLED, TaskStatus.TIMEOUT})
_alive = _some(set(TaskStatus) - FINAL, "only what waits or runs can be cancelled")
_ended_without_result = _some(RETRIED, "only what failed, was cancelled or timed out can be tried again")
_can_hold = _some(set(TaskStatus) - FINAL, "only what waits or runs can be held")
_waiting = _some(WAITING, "only a waiting task's priority can change")


def _can_cancel(context: Context) -> str | None:
    stopping = all(task.stop_requested for task in context.tasks if not task.status.is_final)
    return _alive(context) or ("it is stopping already" if stopping else None)


def _can_raise(context: Context) -> str | None:
    highest = all(task.priority is Priority.CRITICAL for task in context.tasks if task.status in WAITING)
    return _waiting(context) or ("it has the highest priority already" if highest else None)


def _can_lower(context: Context) -> str | None:
    lowest = all(task.priority is Priority.LOW for task in context.tasks if task.status in WAITING)
    return _waiting(context) or ("it has the lowest priority already" if lowest else None)


def _is_held(context: Context) -> bool:
    """All of them that could be held; the key that holds the others lets these go on."""
    alive = [task for task in context.tasks if not task.status.is_final]
    return bool(alive) and all(task.held for task in alive)


def _active_alert(context: Context) -> str | None:
    if not context.alerts:
        return "there is no alert under the cursor"
    return f"alert {context.alerts[0].id} is over" if all(alert.resolved for alert in context.alerts) else None


def _can_acknowledge(context: Context) -> str | None:
    by = next((alert.acknowledged_by for alert in context.alerts), None)
    acknowledged = all(alert.acknowledged_at for alert in context.alerts)
    return _active_alert(context) or (f"{by or 'somebody'} has acknowledged it already" if acknowledged else None)


def _has_task(context: Context) -> bool:
    return len(context.alerts) == 1 and task_of(context.alerts[0]) is not None


def _among_alerts(context: Context) -> bool:
    return context.pane in ("active", "history")


def _among_rules(context: Context) -> bool:
    return context.pane == "rules"


def _any_rule(context: Context) -> str | None:
    return None if context.rule else "there is no rule under the cursor"


def _any_worker(context: Context) -> str | None:
    return None if context.workers else "there is no worker under the cursor"


def _can_drain(context: Context) -> str | None:
    drained = all(worker.drain for worker in context.workers)
    return _any_worker(context) or ("it takes no tasks already; r resumes it" if drained else None)


def _can_resume(context: Context) -> str | None:
    drained = any(worker.drain for worker in context.workers)
    return _any_worker(context) or (None if drained else "it takes tasks already; d drains it")


def _can_load(context: Context) -> str | None:
    gone = all(worker.state in (WorkerState.STOPPED, WorkerState.LOST) for worker in context.workers)
    return _any_worker(context) or ("it is not there; start it with `mofsim worker`" if gone else None)


def _can_unload(context: Context) -> str | None:
    loaded = any(worker.loaded_models for worker in context.workers)
    return _any_worker(context) or (None if loaded else "no model is loaded there")


def _something(context: Context) -> str | None:
    return None if context.chosen else "there is nothing under the cursor"


def _any_model(context: Context) -> str | None:
    return None if context.model else "there is no model under the cursor"


def _can_use(context: Context) -> str | None:
    """By tasks, and so by a worker that loads it."""
    model = context.model
    usable = model is None or model.model.is_validated
    return _any_model(context) or (None if usable else "it can be used when its validation has passed; v validates it")


def _is_loaded(context: Context) -> str | None:
    return _any_model(context) or (None if context.holders else "no worker has it in memory")


def _is_uploaded(context: Context) -> str | None:
    model = context.model
    uploaded = model is None or model.model.is_custom
    return _any_model(context) or (None if uploaded else "it comes with the settings; only uploaded ones can go")


def _can_validate(context: Context) -> str | None:
    model = context.model
    if model is None:
        return _any_model(context)
    if not model.model.is_custom:
        return "only uploaded models are validated; those of the settings are trusted"
    task_id = model.detail.validation_task if model.detail else None
    return f"task {task_id} does that already" if task_id is not None else None


def _any_structure(context: Context) -> str | None:
    return None if context.structure else "there is no structure under the cursor"


def _can_remove(context: Context) -> str | None:
    built_in = context.structure is not None and context.structure.is_builtin
    return _any_structure(context) or ("built-in structures stay" if built_in else None)


def _any_benchmark(context: Context) -> str | None:
    return None if context.benchmark else "there is no benchmark under the cursor"


def _has_cells(states: Collection[CellState], none: str) -> Refusal:
    def refusal(context: Context) -> str | None:
        counts = context.benchmark.counts if context.benchmark else {}
        return _any_benchmark(context) or (None if any(counts.get(state) for state in states) else none)

    return refusal


def _cell_has_task(context: Context) -> str | None:
    if context.cell is None:
        return "there is no cell under the cursor"
    return None if context.cell.task_id is not None else f"it has no task: {context.cell.reason or context.cell.state}"


def _pictured(context: Context) -> bool:
    return context.pictured


def _of_task(context: Context) -> bool:
    return context.pictured and context.pane == "structure"


def _in_log(context: Context) -> bool:
    return context.pane == "log"


def _finding(context: Context) -> bool:
    return context.pane == "log" and context.finding


def _some_line(context: Context) -> str | None:
    return None if context.process_of_line else "there is no line under the cursor"


def _line_has_task(context: Context) -> str | None:
    if context.task_of_line is not None:
        return _some_line(context)
    return _some_line(context) or "the line under the cursor is about no task"


def _line_has_task_or_filter(context: Context) -> str | None:
    return None if context.filtered else _line_has_task(context)


# A table: one action reads as one entry, not as ten lines of arguments.
# fmt: off
ACTIONS: tuple[Action, ...] = (
    Action("log.follow", "f", "follow", "Follow the newest line, or stop following", S.LOG, applies=_in_log, footer=2),
    Action("log.find", "/", "find", "Find text in the log", S.LOG, applies=_in_log, footer=3),
    Action("log.next", "n", "next", "Next line that has the text", S.LOG, applies=_finding, footer=4),
    Action("log.previous", "N", "previous", "Previous line that has the text", S.LOG, applies=_finding, footer=5),
    Action("log.wrap", "w", "wrap", "Wrap long lines, or cut them", S.LOG, applies=_in_log, footer=6),
    Action("log.time", "t", "time", "Show the time of lines, with their day, or no time", S.LOG, applies=_in_log,
           footer=7),
    Action("logs.task", "enter", "open task", "Open the task that the line under the cursor is about", S.SYSTEM_LOG,
           refusal=_line_has_task, footer=1),
    Action("logs.level", "l", "level", "Lines of all levels, of INFO, WARNING or ERROR and above", S.SYSTEM_LOG,
           footer=8),
    Action("logs.process", "s", "source", "Only lines of one process: server, supervisor, chores, a worker",
           S.SYSTEM_LOG, footer=9),
    Action("logs.about", "o", "this task", "Only lines about the task of the line under the cursor, or all again",
           S.SYSTEM_LOG, refusal=_line_has_task_or_filter, footer=10),
    Action("logs.clear", "escape", "all lines", "Show all lines again", S.SYSTEM_LOG, applies=lambda c: c.filtered,
           footer=3),
    Action("logs.copy", "y", "copy", "Copy the line under the cursor to the terminal's clipboard", S.SYSTEM_LOG,
           refusal=_some_line, footer=11),
    Action("view.left", "left,shift+left", "turn", "Turn the structure to the left", S.VIEW, applies=_pictured,
           footer=8),
    Action("view.right", "right,shift+right", "turn right", "Turn the structure to the right", S.VIEW,
           applies=_pictured),
    Action("view.up", "shift+up", "tilt up", "Turn the structure up; where no list moves, ↑ does too", S.VIEW,
           applies=_pictured),
    Action("view.down", "shift+down", "tilt down", "Turn the structure down; where no list moves, ↓ does too", S.VIEW,
           applies=_pictured),
    Action("view.larger", "+,=", "larger", "Larger", S.VIEW, applies=_pictured, footer=9),
    Action("view.smaller", "-,_", "smaller", "Smaller", S.VIEW, applies=_pictured),
    Action("view.reset", "0", "reset", "As it was seen first", S.VIEW, applies=_pictured),
    Action("view.repeat", "x", "cells", "Repeat the cell along each edge, or not", S.VIEW, applies=_pictured,
           footer=10),
    Action("view.bonds", "b", "bonds", "Show the bonds, or only the atoms", S.VIEW, applies=_pictured, footer=14),
    Action("view.letters", "m", "letters", "Symbols of the elements in place of marks, or marks again", S.VIEW,
           applies=_pictured, footer=15),
    Action("move.down", "j,down", "down", "Next row or line", S.MOVE),
    Action("move.up", "k,up", "up", "Previous row or line", S.MOVE),
    Action("move.page_down", "pagedown,ctrl+d", "page down", "A page down", S.MOVE),
    Action("move.page_up", "pageup,ctrl+u", "page up", "A page up", S.MOVE),
    Action("move.first", "g,home", "first", "First row or line", S.MOVE),
    Action("move.last", "G,end", "last", "Last row or line, however many there are", S.MOVE),
    Action("list.open", "enter", "open", "Open the task under the cursor", S.LIST, refusal=_any_task, footer=1),
    Action("list.select", "space", "select", "Select the task, or not; an action then takes all that are selected",
           S.LIST, refusal=_any_task, footer=2),
    Action("list.all", "*", "select all", "Select all tasks that the filter matches", S.LIST,
           acts=True, refusal=_any_task),
    Action("list.none", "-", "select none", "Select none", S.LIST, applies=lambda c: c.selected > 0, footer=3),
    Action("list.filter", "/", "filter", "Filter as you type: words, field:value, ! inverts; esc clears",
           S.LIST, footer=90),
    Action("list.clear", "escape", "clear", "Clear the selection, then the filter", S.LIST,
           applies=lambda c: c.filtered or c.selected > 0),
    Action("list.sort", "s", "sort", "Sort by the next column: id, priority, state, model, type", S.LIST,
           acts=True, footer=30),
    Action("list.reverse", "S", "reverse", "Reverse the order", S.LIST, acts=True),
    Action("list.columns", "v", "columns", "Choose the columns and their order; they are remembered",
           S.LIST, footer=31),
    Action("list.log", "l", "log", "Open the log of the task", S.LIST, refusal=_any_task, footer=9),
    Action("detail.back", "escape,backspace", "back", "Back to the list; backspace is quicker than esc over SSH",
           S.DETAIL, footer=1),
    Action("detail.next_pane", "tab", "next pane", "Next pane", S.DETAIL, footer=8),
    Action("detail.previous_pane", "shift+tab", "previous pane", "Previous pane", S.DETAIL),
    Action("detail.maximise", "z", "maximise", "Give the charts the whole screen, or give it back", S.DETAIL,
           applies=lambda c: c.pane == "plot" and not c.undoable, footer=10),
    Action("detail.log", "l", "log", "The log of this task", S.DETAIL),
    Action("result.save", "enter", "save file", "Save the file under the cursor on this machine", S.DETAIL,
           acts=True, applies=lambda c: c.pane == "result", footer=2),
    Action("detail.previous", "[", "previous task", "The task above in the list", S.DETAIL),
    Action("detail.next", "]", "next task", "The task below in the list", S.DETAIL),
    Action("detail.before_after", "i", "before/after", "The structure as it was submitted, or as it is", S.DETAIL,
           applies=_of_task, footer=2),
    Action("compare.back", "escape,backspace", "back", "Back to where you came from", S.COMPARE, footer=1),
    Action("compare.all", "=", "all rows", "Show all rows, or only those that differ", S.COMPARE, footer=2),
    Action("compare.left", "left,[", "left", "Tasks that there is no room for, at the left", S.COMPARE),
    Action("compare.right", "right,]", "right", "Tasks that there is no room for, at the right", S.COMPARE),
    Action("compare.curves", "z", "curves", "Give the curves the whole screen, or give it back", S.COMPARE,
           applies=lambda c: c.pane == "curves", footer=3),
    Action("compare.copy", "y", "copy", "Copy what is shown as CSV to the terminal's clipboard", S.COMPARE, footer=5),
    Action("compare.export", "e", "export", "Save what is shown as CSV on this machine", S.COMPARE, footer=4),
    Action("task.cancel", "c", "cancel", "Cancel: asks first, and says what would be lost", S.TASK,
           acts=True, refusal=_can_cancel, footer=4, counts=True),
    Action("task.undo", "z", "undo", "Take the last cancel back, within the seconds that the server allows", S.TASK,
           acts=True, applies=lambda c: c.undoable, footer=3),
    Action("task.retry", "r", "retry", "Queue again what failed, was cancelled or timed out", S.TASK,
           acts=True, refusal=_ended_without_result, footer=5, counts=True),
    Action("task.hold", "h", "hold", "Keep it from running; one that runs stops, and goes on later where it was",
           S.TASK, acts=True, applies=lambda c: not _is_held(c), refusal=_can_hold, counts=True),
    Action("task.release", "h", "let go on", "Let what is held run again", S.TASK,
           acts=True, applies=_is_held, counts=True),
    Action("task.why", "w", "why", "Why the task is where it is, and what would move it", S.TASK,
           refusal=_any_task, footer=7),
    Action("task.duplicate", "d", "duplicate", "Open the form with this task's values", S.TASK,
           acts=True, refusal=_any_task, footer=11),
    Action("task.raise", "+", "raise", "Raise the priority of waiting tasks", S.TASK,
           acts=True, refusal=_can_raise, footer=12, counts=True),
    Action("task.lower", "-,_", "lower", "Lower the priority of waiting tasks (_ also while some are selected)", S.TASK,
           acts=True, refusal=_can_lower, counts=True),
    Action("task.copy", "y", "copy", "Copy to the terminal's clipboard: ids, the log line, the result's addresses",
           S.TASK, refusal=_any_task, footer=13, counts=True),
    Action("task.compare", "C", "compare", "Compare the selected tasks side by side: what differs, curves overlaid",
           S.TASK, refusal=_few, footer=8),
    Action("task.export", "e", "export", "Export to this machine: a table, JSON, or folders with all files", S.TASK,
           acts=True, refusal=_any_task, footer=14, counts=True),
    Action("alert.next_pane", "tab", "next pane", "What holds, what is over, the rules", S.ALERT, footer=8),
    Action("alert.previous_pane", "shift+tab", "previous pane", "The pane before", S.ALERT),
    Action("alert.task", "enter", "open task", "Open the task that the alert is about", S.ALERT,
           applies=_has_task, footer=1),
    Action("alert.select", "space", "select", "Select the alert, or not; an action then takes all that are selected",
           S.ALERT, applies=lambda c: c.pane == "active", refusal=_active_alert, footer=5),
    Action("alert.none", "-", "select none", "Select none", S.ALERT, applies=lambda c: c.selected > 0, footer=6),
    Action("alert.resolve", "r", "resolve", "Say that the alert is over: asks first", S.ALERT,
           acts=True, applies=_among_alerts, refusal=_active_alert, footer=3, counts=True),
    Action("alert.silence", "m", "mute", "Tell no channel of the alert for a time; it is listed all the same", S.ALERT,
           acts=True, applies=_among_alerts, refusal=_active_alert, footer=4, counts=True),
    Action("rule.switch", "o", "on/off", "Switch the rule on, or off, which ends its alerts", S.ALERT,
           acts=True, applies=_among_rules, refusal=_any_rule, footer=2),
    Action("rule.silence", "m", "mute", "Tell no channel of what the rule raises for a time", S.ALERT,
           acts=True, applies=_among_rules, refusal=_any_rule, footer=4),
    Action("device.task", "enter", "open task", "Open the task that runs there", S.DEVICE,
           refusal=lambda c: None if c.runs is not None else "no task runs there", footer=1),
    Action("device.select", "space", "select", "Select the worker, or not; an action then takes all that are selected",
           S.DEVICE, refusal=_any_worker, footer=6),
    Action("device.none", "-", "select none", "Select none", S.DEVICE, applies=lambda c: c.selected > 0, footer=7),
    Action("device.drain", "d", "drain", "Let it finish its task and take no other one: says what runs first", S.DEVICE,
           acts=True, refusal=_can_drain, footer=2, counts=True),
    Action("device.resume", "r", "resume", "Let it take tasks again", S.DEVICE,
           acts=True, refusal=_can_resume, footer=3, counts=True),
    Action("device.load", "l", "load model", "Load a model ahead of its tasks", S.DEVICE,
           acts=True, refusal=_can_load, footer=4, counts=True),
    Action("device.unload", "u", "unload", "Give back the memory of a model", S.DEVICE,
           acts=True, refusal=_can_unload, footer=5, counts=True),
    Action("device.span", "t", "time", "Charts of the last 5 minutes, hour or 6 hours", S.DEVICE, footer=8),
    Action("device.maximise", "z", "maximise", "Give the charts the whole screen, or give it back", S.DEVICE, footer=9),
    Action("dashboard.open", "enter", "go there", "Go to where it is dealt with: alert, worker, task or list of tasks",
           S.DASHBOARD, refusal=_something, footer=1),
    Action("dashboard.next", "tab", "next list", "What needs you, devices, queue, failures", S.DASHBOARD, footer=3),
    Action("dashboard.previous", "shift+tab", "previous list", "The list before", S.DASHBOARD),
    Action("model.tasks", "enter,t", "tasks", "The tasks of the model", S.MODEL, refusal=_any_model, footer=1),
    Action("model.submit", "n", "new task", "Fill in the form for a new task with the model", S.MODEL,
           acts=True, refusal=_can_use, footer=2),
    Action("model.load", "l", "load", "Load it on a worker, or on all, ahead of its tasks", S.MODEL,
           acts=True, refusal=_can_use, footer=3),
    Action("model.unload", "u", "unload", "Give back the memory that it has on a worker, or on all", S.MODEL,
           acts=True, refusal=_is_loaded, footer=4),
    Action("model.validate", "v", "validate", "Queue the validation of an uploaded model", S.MODEL,
           acts=True, refusal=_can_validate, footer=5),
    Action("model.upload", "i", "upload", "Upload a file with weights as a model of its own", S.MODEL,
           acts=True, footer=6),
    Action("model.remove", "delete,D", "remove", "Remove an uploaded model and its file: asks first", S.MODEL,
           acts=True, refusal=_is_uploaded, footer=7),
    Action("structure.maximise", "enter,z", "enlarge", "The picture of the structure as large as the screen, or not",
           S.STRUCTURE, refusal=_any_structure, footer=1),
    Action("structure.shrink", "escape,backspace", "back", "Back to the list; without a picture, clear the filter",
           S.STRUCTURE, applies=lambda c: c.pane == "picture" or c.filtered, footer=2),
    Action("structure.submit", "n", "new task", "Fill in the form for a new task with the structure", S.STRUCTURE,
           acts=True, refusal=_any_structure, footer=3),
    Action("structure.import", "i", "import", "Import a file or a folder of this machine", S.STRUCTURE,
           acts=True, footer=4),
    Action("structure.tasks", "t", "tasks", "The tasks with the structure", S.STRUCTURE,
           refusal=_any_structure, footer=5),
    Action("structure.remove", "delete,D", "remove", "Remove an uploaded structure: asks first", S.STRUCTURE,
           acts=True, refusal=_can_remove, footer=7),
    Action("structure.filter", "/", "filter", "Filter as you type: words, metal:zn, set:NAME, atoms:<300, ! inverts",
           S.STRUCTURE, footer=90),
    Action("structure.sort", "s", "sort", "Sort by name, atoms, volume, metals, time of upload", S.STRUCTURE,
           footer=36),
    Action("structure.reverse", "S", "reverse", "Reverse the order", S.STRUCTURE),
    Action("form.submit", "ctrl+s", "submit", "Check the form and submit it", S.FORM, acts=True, footer=1),
    Action("form.back", "escape", "back", "Back, without submitting", S.FORM, footer=2),
    Action("one.many", "ctrl+n", "many tasks", "Several structures, models or types at once, from what is chosen",
           S.ONE, footer=3),
    Action("many.filter", "/", "filter", "Filter the structures: words, metal:zn, set:NAME, atoms:<300, ! inverts",
           S.MANY, footer=3),
    Action("benchmark.open", "enter", "matrix", "The matrix of the benchmark: models × task types × structures",
           S.BENCHMARK_LIST, refusal=_any_benchmark, footer=1),
    Action("benchmark.new", "n", "new benchmark", "Score models: choose models, set, types; says what it takes first",
           S.BENCHMARK_LIST, acts=True, footer=2),
    Action("matrix.task", "enter", "open task", "Open the task of the cell", S.MATRIX,
           refusal=_cell_has_task, footer=1),
    Action("matrix.back", "escape,backspace", "back", "Back to the benchmarks", S.MATRIX, footer=2),
    Action("matrix.left", "left,h", "left", "The cell at the left", S.MATRIX),
    Action("matrix.right", "right", "right", "The cell at the right", S.MATRIX),
    Action("matrix.failed", "f", "next failed", "Go to the next cell that failed or was lost", S.MATRIX,
           refusal=_has_cells(NOT_WELL, "none failed"), footer=3),
    Action("benchmark.retry", "r", "retry", "Try again what a worker, a device, a disk or a person ended", S.BENCHMARK,
           acts=True, refusal=_has_cells(SILENT_CELLS, "nothing was lost or cancelled; R tries again what failed"),
           footer=4),
    Action("benchmark.retry_failed", "R", "retry failed", "Try again what failed by itself too: asks first",
           S.BENCHMARK, acts=True, refusal=_has_cells(NOT_WELL | SILENT_CELLS, "nothing failed"), footer=8),
    Action("benchmark.add", "m", "add model", "Compute the benchmark with another model too", S.BENCHMARK,
           acts=True, refusal=_any_benchmark, footer=5),
    Action("benchmark.save", "e", "save report", "Save the report on this machine: a page, text, or CSV",
           S.BENCHMARK, acts=True, refusal=_any_benchmark, footer=6),
    Action("benchmark.cancel", "c", "cancel", "Cancel all tasks of the benchmark that have not ended: asks first",
           S.BENCHMARK, acts=True, refusal=_has_cells(OPEN_CELLS, "all of it has ended"), footer=7),
    Action("console.benchmarks", "8", "benchmarks", "The benchmarks, each with its matrix", S.CONSOLE,
           applies=lambda c: c.mode != "benchmarks"),
    Action("task.new", "n", "new task", "Fill in the form for a new task", S.CONSOLE, acts=True, footer=6),
    Action("task.many", "N", "many tasks", "Submit several structures with several models and task types", S.CONSOLE,
           acts=True),
    Action("alert.acknowledge", "a", "ack", "Acknowledge: you look after the alert, and its level rises no more",
           S.CONSOLE, acts=True, applies=lambda c: bool(c.alerts), refusal=_can_acknowledge, footer=2, counts=True),
    Action("console.dashboard", "1", "dashboard", "The whole at a glance, with what needs you", S.CONSOLE,
           applies=lambda c: c.mode != "dashboard", footer=20),
    Action("console.tasks", "2", "tasks", "The tasks", S.CONSOLE, applies=lambda c: c.mode != "tasks", footer=21),
    Action("console.workers", "3", "GPUs", "Workers, GPUs and CPU slots", S.CONSOLE,
           applies=lambda c: c.mode != "workers", footer=22),
    Action("console.logs", "4", "logs", "What server, workers and chores log", S.CONSOLE,
           applies=lambda c: c.mode != "logs", footer=23),
    Action("console.alerts", "5,!", "alerts", "The alerts, and the rules that raise them", S.CONSOLE,
           applies=lambda c: c.mode != "alerts", footer=24),
    Action("console.models", "6", "models", "The models, where they are loaded, and whether tasks can use them",
           S.CONSOLE, applies=lambda c: c.mode != "models", footer=25),
    Action("console.structures", "7", "structures", "The structures, each with a picture that can be turned",
           S.CONSOLE, applies=lambda c: c.mode != "structures", footer=26),
    Action("console.pause", "p", "pause live", "Hold the picture still, or go on", S.CONSOLE, footer=40),
    Action("console.commands", ":,ctrl+p", "cmd", "Commands by name; `tasks status:failed` filters", S.CONSOLE,
           footer=91),
    Action("console.help", "?", "help", "These keys; enter runs one", S.CONSOLE, footer=92),
    Action("console.servers", "@", "servers", "Go to another server, or to the demo", S.CONSOLE, footer=45),
    Action("console.theme", "T", "theme", "The next theme; `:theme NAME` chooses one; it is remembered", S.CONSOLE),
    Action("console.suspend", "ctrl+z", "suspend", "Back to the shell; `fg` comes back here", S.CONSOLE),
    Action("console.quit", "q", "quit", "Leave the console; tasks keep running", S.CONSOLE, footer=93),
)
# fmt: on

NO_KEYS: Mapping[str, str] = MappingProxyType({})
BY_ID = {action.id: action for action in ACTIONS}


def in_scopes(scopes: Sequence[S], keymap: Mapping[str, str] = NO_KEYS) -> Iterator[Action]:
    """The actions of a screen, those of an earlier scope first, with the keys that the user's keymap gives them."""
    order = list(S)
    for action in sorted((a for a in ACTIONS if a.scope in scopes), key=lambda a: order.index(a.scope)):
        yield replace(action, keys=keymap[action.id]) if action.id in keymap else action


def bindings(scopes: Sequence[S]) -> list[BindingType]:
    return [action.binding() for action in in_scopes(scopes)]


def possible(scopes: Sequence[S], context: Context, keymap: Mapping[str, str] = NO_KEYS) -> Iterator[Action]:
    """What can be done now; where two actions share a key, the one that has it."""
    taken: set[str] = set()
    for action in in_scopes(scopes, keymap):
        if not action.applies(context):
            continue
        free = set(action.keys.split(",")) - taken
        taken |= free
        if free and action.why_not(context) is None:
            yield action
