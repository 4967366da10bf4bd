"""Everything that a key can do, once: bindings, footer, command palette and help are made from this list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from textual.binding import BindingType

from mofsim.tui.actions import Action, Context, Refusal
from mofsim.tui.actions import Scope as S
from mofsim.tui.alert_words import task_of
from mofsim.vocabulary import FINAL, WAITING, Priority, TaskStatus


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


RETRIED = frozenset({TaskStatus.FAILED, TaskStatus.CANCELLED, TaskStatus.TIMEOUT})
_alive = _some(set(TaskStatus) - FINAL, "only what waits or runs can be cancelled")
_ended_without_result = _some(RETRIED, "only what failed, was cancelled or timed out can be tried again")
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


def _in_log(context: Context) -> bool:
    return context.pane == "log"


def _finding(context: Context) -> bool:
    return context.pane == "log" and context.finding


# A table: one action reads as one entry, not as ten lines of arguments.
# fmt: off
ACTIONS: tuple[Action, ...] = (
    Action("log.follow", "f", "follow", "Follow the newest line, or stop following", S.LOG, applies=_in_log, footer=2),
    Action("log.find", "/", "find", "Find text in the log", S.LOG, applies=_in_log, footer=3),
    Action("log.next", "n", "next", "Next line that has the text", S.LOG, applies=_finding, footer=4),
    Action("log.previous", "N", "previous", "Previous line that has the text", S.LOG, applies=_finding, footer=5),
    Action("log.wrap", "w", "wrap", "Wrap long lines, or cut them", S.LOG, applies=_in_log, footer=6),
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
    Action("form.submit", "ctrl+s", "submit", "Check the form and submit the task", S.FORM, acts=True, footer=1),
    Action("form.back", "escape", "back", "Back, without submitting", S.FORM, footer=2),
    Action("task.new", "n", "new task", "Fill in the form for a new task", S.CONSOLE, acts=True, footer=6),
    Action("alert.acknowledge", "a", "ack", "Acknowledge: you look after the alert, and its level rises no more",
           S.CONSOLE, acts=True, applies=lambda c: bool(c.alerts), refusal=_can_acknowledge, footer=2, counts=True),
    Action("console.tasks", "2", "tasks", "The tasks", S.CONSOLE, applies=lambda c: c.mode != "tasks", footer=20),
    Action("console.alerts", "5,!", "alerts", "The alerts, and the rules that raise them", S.CONSOLE,
           applies=lambda c: c.mode != "alerts", footer=21),
    Action("console.pause", "p", "pause live", "Hold the picture still, or go on", S.CONSOLE, footer=40),
    Action("console.commands", ":,ctrl+p", "cmd", "Commands by name; `tasks status:failed` filters", S.CONSOLE,
           footer=91),
    Action("console.help", "?", "help", "These keys; enter runs one", S.CONSOLE, footer=92),
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
