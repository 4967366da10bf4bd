from collections.abc import Sequence

import pytest

from mofsim.tui.actions import Context, Scope
from mofsim.tui.commands import commands
from mofsim.tui.keymap import load
from mofsim.tui.registry import ACTIONS, BY_ID, possible
from mofsim.tui.screens.alerts import AlertsScreen
from mofsim.tui.screens.benchmark import BenchmarkScreen
from mofsim.tui.screens.benchmarks import BenchmarksScreen
from mofsim.tui.screens.compare import Compare
from mofsim.tui.screens.dashboard import Dashboard
from mofsim.tui.screens.logs import LogsScreen
from mofsim.tui.screens.many import ManyForm
from mofsim.tui.screens.model_upload import ModelUpload
from mofsim.tui.screens.models import ModelsScreen
from mofsim.tui.screens.structure_import import StructureImport
from mofsim.tui.screens.structures import StructuresScreen
from mofsim.tui.screens.submit import SubmitForm
from mofsim.tui.screens.task_detail import TaskDetail
from mofsim.tui.screens.tasks import TasksScreen
from mofsim.tui.screens.workers import WorkersScreen
from mofsim.vocabulary import Priority, StopReason, TaskStatus
from tests.tui.fake import task

LIST = (Scope.MOVE, Scope.LIST, Scope.TASK, Scope.CONSOLE)
#: Same bytes as another key, or a multiplexer's own.
FORBIDDEN = {"ctrl+a", "ctrl+b", "ctrl+h", "ctrl+i", "ctrl+j", "ctrl+m", *(f"f{n}" for n in range(1, 13))}


def why_not(action: str, *tasks: object, online: bool = True) -> str | None:
    return BY_ID[action].why_not(Context(tasks, online=online))  # type: ignore[arg-type]


def test_every_action_has_an_id_a_label_and_a_help_text_of_its_own() -> None:
    assert len(BY_ID) == len(ACTIONS)
    assert all(action.label and action.help for action in ACTIONS)


SCREENS = [
    TasksScreen,
    TaskDetail,
    SubmitForm,
    AlertsScreen,
    Compare,
    Dashboard,
    WorkersScreen,
    ModelsScreen,
    LogsScreen,
    StructuresScreen,
    ModelUpload,
    StructureImport,
    ManyForm,
    BenchmarksScreen,
    BenchmarkScreen,
]


@pytest.mark.parametrize("screen", SCREENS)
def test_every_action_of_a_screen_is_done_by_a_method(screen: type[TasksScreen]) -> None:
    missing = [a.handler for a in ACTIONS if a.scope in screen.SCOPES and not hasattr(screen, a.handler)]
    assert missing == []


def test_no_action_has_a_key_that_means_something_else_to_a_terminal() -> None:
    keys = {key for action in ACTIONS for key in action.keys.split(",")}
    assert not keys & FORBIDDEN


def test_cancel_does_not_differ_from_a_safe_key_by_a_modifier_only() -> None:
    """But from `C`, which the design has for comparing: a slip there only opens a question (test_compare)."""
    keys = {
        key for action in ACTIONS for key in action.keys.split(",") if action.id not in ("task.cancel", "task.compare")
    }
    assert not keys & {"C", "ctrl+c", "alt+c", "shift+c"}


def test_only_what_lives_can_be_cancelled() -> None:
    assert why_not("task.cancel", task(1, TaskStatus.RUNNING)) is None
    assert "task 2 is COMPLETED" in (why_not("task.cancel", task(2, TaskStatus.COMPLETED)) or "")
    stopping = task(3, TaskStatus.RUNNING, stop_requested=StopReason.CANCELLED)
    assert why_not("task.cancel", stopping) == "it is stopping already"


def test_an_action_takes_those_of_a_selection_that_it_can() -> None:
    assert why_not("task.cancel", task(1, TaskStatus.COMPLETED), task(2)) is None
    refused = why_not("task.retry", task(1), task(2))
    assert refused is not None and "none of the 2 is" in refused


def test_priorities_end_at_both_ends() -> None:
    assert why_not("task.raise", task(1, priority=Priority.CRITICAL)) == "it has the highest priority already"
    assert why_not("task.lower", task(1, priority=Priority.LOW)) == "it has the lowest priority already"
    assert why_not("task.raise", task(1, TaskStatus.RUNNING)) is not None


def test_without_a_server_only_looking_works() -> None:
    waiting = task(1)
    acting = [a.id for a in possible(LIST, Context([waiting], online=False)) if a.acts]
    assert acting == []
    assert "does not answer" in (why_not("task.cancel", waiting, online=False) or "")


def named(selected: int) -> Sequence[str]:
    return [a.id for a in possible(LIST, Context([task(1)], selected=selected)) if "-" in a.keys.split(",")]


def test_minus_clears_a_selection_where_there_is_one_else_lowers_the_priority() -> None:
    assert named(selected=0) == ["task.lower"]
    assert named(selected=2)[0] == "list.none"


def test_n_finds_the_next_line_only_while_something_is_looked_for() -> None:
    scopes = (Scope.LOG, Scope.CONSOLE)
    finding = [a.id for a in possible(scopes, Context(pane="log", finding=True)) if a.keys == "n"]
    reading = [a.id for a in possible(scopes, Context(pane="log")) if a.keys == "n"]
    assert (finding, reading) == (["log.next"], ["task.new"])


def test_the_command_line_filters_opens_and_does() -> None:
    context = Context([task(1)])
    best = [commands(typed, LIST, context)[0] for typed in ("tasks status:failed", "8125", "canc")]
    assert [(c.kind, c.argument) for c in best] == [
        ("tasks", "status:failed"),
        ("task", "8125"),
        ("do", "task.cancel"),
    ]


def test_a_keymap_changes_keys_and_says_what_is_wrong_with_it(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "keys.toml"
    path.write_text('"task.cancel" = "x"\n"task.cancle" = "y"\n"task.retry" = 3\n')
    keys, problems = load(path)
    assert keys == {"task.cancel": "x"}
    assert [p.split(": ")[1] for p in problems] == [
        "task.cancle is no action; ? lists their keys",
        "task.retry wants a text",
    ]
    assert load(tmp_path / "none.toml") == ({}, [])
