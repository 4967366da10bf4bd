from typing import Any

from mofsim.schemas.envelope import Page
from mofsim.schemas.resources import Health, Queue
from mofsim.schemas.tasks import Task
from mofsim.tui.news import Missed, News, TaskGone, TaskMoved, TaskSeen
from mofsim.tui.query import parse
from mofsim.tui.store import Change, Line, Store
from mofsim.vocabulary import TaskStatus, TaskType
from tests.tui.fake import NOW, falling, some_tasks, task


def filled(tasks: list[Task] | None = None) -> Store:
    store = Store()
    answer(store, some_tasks() if tasks is None else tasks)
    return store


def answer(store: Store, tasks: list[Task]) -> Change:
    fetch = store.wanted(0, 19)
    assert fetch is not None
    items = sorted(tasks, key=lambda t: -t.id)
    return store.page(fetch, Page[Task](items=items, next_cursor=None, total=len(items)))


def health(**by_status: int) -> Health:
    queue = Queue(by_status=by_status, queued_by_priority={})
    more: dict[str, Any] = {"workers_online": 1, "workers_busy": 0, "last_event_id": 7}
    return Health(status="ok", version="0", database="ok", queue=queue, **more)


def test_a_change_of_state_changes_one_row() -> None:
    change = filled().told([TaskSeen(task(8128, TaskStatus.RUNNING))])
    assert (change.rows, change.list, change.recount) == ({8128}, False, True)


def test_a_new_task_changes_the_list() -> None:
    assert filled().told([TaskSeen(task(9000), new=True)]).list


def test_progress_reaches_the_row_without_a_new_count() -> None:
    store = filled()
    change = store.told([TaskMoved(8125, {"step": 150, "fmax_eV_per_A": 0.1}, 1.0)])
    found = store.task(8125)
    assert found is not None and (found.progress.step, found.progress.fmax_eV_per_A) == (150, 0.1)
    assert (change.rows, change.recount) == ({8125}, False)


def test_the_forecast_grows_out_of_progress_alone() -> None:
    store = filled()
    moves: list[News] = [
        TaskMoved(8125, {"step": i, "fmax_eV_per_A": 2.0 * 2 ** (-i / 10)}, float(i)) for i in range(30)
    ]
    store.told(moves)
    found = store.task(8125)
    assert found is not None
    ahead = store.forecast(found)
    assert ahead is not None and ahead.goal_step == 67


def test_the_forecast_takes_the_force_that_decides() -> None:
    """With a relaxed cell that is the filter's, which in this series is 1.2 times that of the atoms."""
    store = filled()
    running = store.task(8125)
    assert running is not None
    store.series(running, falling(8125))
    with_cell = store.forecast(running)
    store.series(running, falling(8125).model_copy(update={"columns": _without_filter()}))
    atoms_only = store.forecast(running)
    assert with_cell and atoms_only and with_cell.goal_step > atoms_only.goal_step


def _without_filter() -> dict[str, list[float | None]]:
    return {name: column for name, column in falling(8125).columns.items() if "filter" not in name}


def test_a_goal_beyond_the_limit_of_steps_is_no_forecast() -> None:
    limited = task(1, TaskStatus.RUNNING, parameters={"fmax_eV_per_A": 1e-6, "max_steps": 200})
    store = filled([limited])
    store.series(limited, falling(1))
    assert store.forecast(limited) is None


def test_the_old_list_stays_until_the_first_page_of_the_new_one() -> None:
    store = filled()
    store.show(parse("status:failed", now=NOW))
    assert len(store.window) == 10
    assert answer(store, [task(8119, TaskStatus.FAILED)]).list
    assert [row.id for row in store.window] == [8119]


def test_an_answer_for_an_abandoned_list_changes_nothing() -> None:
    store = filled()
    store.show(parse("a", now=NOW))
    late = store.wanted(0, 19)
    store.show(parse("ab", now=NOW))
    assert late is not None
    assert not store.page(late, Page[Task](items=[], next_cursor=None, total=0)).list
    assert len(store.window) == 10


def test_missed_events_make_the_list_be_read_again() -> None:
    store = filled()
    change = store.told([Missed()])
    assert change.missed and store.coming is not None and store.wanted(0, 19) is not None


def test_a_deleted_task_leaves_the_list_and_the_selection() -> None:
    store = filled()
    store.toggle(task(8128))
    assert store.told([TaskGone(8128)]).list
    assert store.selected == {} and 8128 not in store.window


def test_the_selection_knows_tasks_as_they_are_now() -> None:
    store = filled()
    store.toggle(task(8128))
    store.told([TaskSeen(task(8128, TaskStatus.RUNNING))])
    assert store.selected[8128].status is TaskStatus.RUNNING


def test_a_watched_task_is_kept_up_to_date_beyond_the_list() -> None:
    store = filled([])
    store.watch(task(5))
    store.told([TaskSeen(task(5, TaskStatus.RUNNING))])
    found = store.task(5)
    assert found is not None and found.status is TaskStatus.RUNNING


def test_while_paused_nothing_changes_and_nothing_is_lost() -> None:
    store = filled()
    store.pause(True)
    store.told([TaskSeen(task(9000), new=True)])
    assert 9000 not in store.window
    assert store.pause(False).list
    assert 9000 in store.window


def test_counts_put_states_together() -> None:
    store = Store()
    store.connected(health(RUNNING=2, ASSIGNED=1, QUEUED=4, PENDING=1, FAILED=1, TIMEOUT=1, COMPLETED=9))
    assert store.counts is not None
    assert (store.counts.running, store.counts.waiting, store.counts.failed) == (3, 5, 2)


def test_a_line_that_never_stood_is_not_lost() -> None:
    store = Store()
    store.lost("nothing listens there", now=1.0, retry_at=1.5)
    assert store.line is Line.CONNECTING
    store.connected(health())
    store.lost("broke", now=5.0, retry_at=5.5)
    store.lost("broke", now=9.0, retry_at=10.0)
    assert (store.line, store.lost_at, store.retry_at) == (Line.LOST, 5.0, 10.0)


def test_what_has_no_goal_for_its_forces_has_the_time_left_that_the_simulation_tells() -> None:
    dynamics = task(1, TaskStatus.RUNNING, task_type=TaskType.STABILITY)
    store = filled([dynamics])
    store.told([TaskMoved(1, {"step": 1, "stage": "relaxation", "remaining_seconds": None}, 2.0)])
    found = store.task(1)
    assert found is not None and store.seconds_left(found) is None
    store.told([TaskMoved(1, {"step": 40, "stage": "NPT", "remaining_seconds": 120.0}, 80.0)])
    found = store.task(1)
    assert found is not None and store.seconds_left(found) == 120.0
