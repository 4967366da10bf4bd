"""What a task will need, from what tasks before it took."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from mofsim.core import estimates, expected, workers
from mofsim.core.estimates import Run
from mofsim.db.engine import Database
from mofsim.db.tables import MemoryNeed, Structure, Task, TaskResult, Worker
from mofsim.schemas.estimates import Estimate
from mofsim.vocabulary import TaskStatus, WorkerState

PARAMETERS = {"fmax_eV_per_A": 0.05, "max_steps": 100}


@pytest.fixture
def session(database: Database, structure: Structure):
    with database.write() as session:
        yield session


def needs(**peaks: float) -> list[MemoryNeed]:
    """`n106=1200.0` for what 106 atoms took on a CPU."""
    return [
        MemoryNeed(device="cpu", model_name="7net-0", n_atoms=int(name[1:]), peak_MB=MB) for name, MB in peaks.items()
    ]


def too_little(n_atoms: int, MB: float) -> MemoryNeed:
    return MemoryNeed(device="cpu", model_name="7net-0", n_atoms=n_atoms, too_little_MB=MB)


def add_worker(session: Session, slot: str, memory_MB: float | None = None, gpu: bool = False) -> Worker:
    worker = Worker(id=f"box:{slot}", host="box", slot=slot, pid=1, incarnation=slot, memory_MB=memory_MB, note="")
    worker.gpu_id = f"GPU-{slot}" if gpu else None
    workers.register(session, worker)
    return session.get_one(Worker, worker.id)


@pytest.fixture
def estimate(session: Session, new_task: Callable[..., Task]) -> Callable[..., Estimate]:
    def estimate(**changes: Any) -> Estimate:
        task = new_task(session)
        for name, value in changes.items():
            setattr(task, name, value)
        return estimates.estimate(session, task)

    return estimate


def test_memory_is_what_the_same_size_took() -> None:
    found = estimates.memory(needs(n106=1300.0, n276=3000.0), "cpu", 106)
    assert (found.memory_MB, found.learnt_from_atoms, found.is_limit) == (1300.0, [106], False)


def test_memory_between_known_sizes_is_on_the_line_between_the_nearest() -> None:
    found = estimates.memory(needs(n100=1000.0, n200=2000.0, n1000=90_000.0), "cpu", 150)
    assert (found.memory_MB, found.learnt_from_atoms) == (1500.0, [100, 200])


def test_memory_beyond_the_largest_goes_on_with_the_slope_of_all() -> None:
    # 5 MB an atom, with a middle that lies off the line by as much as the fit leaves the slope alone.
    found = estimates.memory(needs(n100=1000.0, n200=1700.0, n300=2000.0), "cpu", 400)
    assert (found.memory_MB, found.learnt_from_atoms) == (2500.0, [100, 200, 300])
    assert "5 MB more for each atom" in found.how


def test_memory_never_shrinks_with_more_atoms() -> None:
    assert estimates.memory(needs(n100=2000.0, n200=1000.0), "cpu", 400).memory_MB == 1000.0


def test_memory_from_one_size_is_in_proportion_above_it_and_says_so() -> None:
    found = estimates.memory(needs(n106=1300.0), "cpu", 212)
    assert found.memory_MB == 2600.0 and "in proportion" in found.how and "only size" in found.how


def test_memory_below_the_smallest_is_at_most_that_of_the_smallest() -> None:
    found = estimates.memory(needs(n106=1300.0, n276=3000.0), "cpu", 50)
    assert (found.memory_MB, found.is_limit, found.learnt_from_atoms) == (1300.0, True, [106])


def test_nothing_known_of_memory_is_null_and_said() -> None:
    found = estimates.memory(needs(n106=1300.0), "cuda", 106)
    assert (found.memory_MB, found.learnt_from_atoms) == (None, [])
    assert found.how == "not known yet: no task of this model has ended here on a GPU"


def test_memory_that_was_too_little_is_no_estimate() -> None:
    learnt = [*needs(n106=1300.0), too_little(150, 4000.0), too_little(300, 9000.0)]
    found = estimates.memory(learnt, "cpu", 212)
    assert (found.memory_MB, found.known_too_little_MB) == (None, 4000.0)
    assert expected.sentence(found, None).startswith("more than 4.0 GB; its time is not known yet")
    assert estimates.memory(learnt, "cpu", 106).known_too_little_MB is None


def runs(*seconds: float, n_atoms: int = 100, parameters: dict[str, Any] = PARAMETERS) -> list[Run]:
    return [Run(n_atoms, each, parameters) for each in seconds]


def test_time_is_the_median_scaled_by_atoms_with_its_range() -> None:
    found = estimates.running_time(runs(10, 20, 60), 200, PARAMETERS)
    assert found is not None
    assert (found.median, found.low, found.high, found.tasks) == (40.0, 20.0, 120.0, 3)


def test_the_range_of_many_leaves_the_extremes_out() -> None:
    found = estimates.running_time(runs(1, *[50] * 18, 10_000), 100, PARAMETERS)
    assert found is not None and (found.low, found.median, found.high, found.tasks) == (50, 50, 50, 20)


def test_tasks_of_a_like_size_tell_more_when_there_are_enough() -> None:
    others = runs(*[1.0] * 9, n_atoms=1000)
    few = estimates.running_time([*others, *runs(50, 50)], 100, PARAMETERS)
    enough = estimates.running_time([*others, *runs(50, 50, 50)], 100, PARAMETERS)
    assert few is not None and enough is not None
    assert (few.tasks, few.learnt_from_atoms) == (11, [100, 1000])
    assert (enough.median, enough.tasks, enough.learnt_from_atoms) == (50, 3, [100])


def test_tasks_with_the_same_parameters_come_first_and_others_are_told_apart() -> None:
    long = {**PARAMETERS, "max_steps": 5000}
    found = estimates.running_time([*runs(10, 20), *runs(900, parameters=long)], 100, long)
    assert found is not None and (found.median, found.tasks, found.same_parameters) == (900, 1, True)
    found = estimates.running_time(runs(10, 20), 100, long)
    assert found is not None and not found.same_parameters
    assert "learnt from 2 tasks with other parameters" in expected.sentence(None, found)


def test_no_run_is_no_time() -> None:
    assert estimates.running_time([], 100, PARAMETERS) is None


def test_an_estimate_tells_memory_and_time_in_a_sentence(complete: Callable, estimate: Callable, session) -> None:
    for seconds in (12, 30, 40, 50, 95):
        complete(seconds)
    add_worker(session, "cpu0", 16_000.0)
    found = estimate()
    assert found.seconds is not None and (found.device, found.fits, found.why_none) == ("cpu", ["box:cpu0"], None)
    assert (found.seconds.median, found.seconds.tasks, found.n_atoms) == (40, 5, 106)
    assert found.sentence == "about 1.3 GB and 40 s (12–95 s, learnt from 5 tasks)"


def test_only_tasks_of_the_same_kind_are_learnt_from(complete: Callable, session) -> None:
    complete(10)
    complete(1000).preset = "mofsimbench"
    complete(1000).task_type = "stability"
    complete(1000, model_name="other")
    complete(1000, gpu=True)
    complete(1000).reused_from = 1
    complete(1000).status = TaskStatus.FAILED
    session.flush()
    found = estimates.newest_runs(session, "7net-0", "optimization", "quick", "cpu")
    assert [(run.n_atoms, run.seconds) for run in found] == [(106, 10)]
    assert len(estimates.newest_runs(session, "7net-0", "optimization", "quick", "cuda")) == 1


def test_the_time_counts_what_attempts_before_the_last_one_took(complete: Callable, session) -> None:
    with_all, without = complete(500), complete(500)
    for task, metrics in ((with_all, {"duration_seconds": 500}), (without, {})):
        result = session.get_one(TaskResult, task.id)
        result.metrics, result.duration_seconds = metrics, 20.0
    session.flush()
    found = estimates.newest_runs(session, "7net-0", "optimization", "quick", "cpu")
    assert [run.seconds for run in found] == [20.0, 500]


def test_nothing_known_is_said_and_not_invented(estimate: Callable) -> None:
    found = estimate()
    assert (found.device, found.seconds, found.known, found.fits) == (None, None, False, [])
    assert [need.memory_MB for need in found.memory] == [None, None]
    assert "not known yet" in found.sentence and "`mofsim worker`" in found.why_none


def test_of_two_kinds_of_device_the_one_that_would_run_it_counts(complete: Callable, estimate, session) -> None:
    complete(400, 2000.0)
    complete(20, 3000.0, gpu=True)
    add_worker(session, "cpu0")
    assert estimate().sentence == "about 2.0 GB and 6.7 min (learnt from 1 task)"
    add_worker(session, "gpu0", gpu=True)
    found = estimate()
    assert found.device == "cuda" and found.sentence == "about 3.0 GB and 20 s (learnt from 1 task)"
    assert {need.device: need.memory_MB for need in found.memory} == {"cuda": 3000.0, "cpu": 2000.0}


def test_workers_that_can_not_take_it_are_left_out_and_the_reason_is_told(complete, estimate, session) -> None:
    complete(40, 20_000.0)
    worker = add_worker(session, "cpu0", 16_000.0)
    assert "it would be tried all the same" in estimate().why_none
    session.add(MemoryNeed(device="cpu", model_name="7net-0", n_atoms=50, too_little_MB=16_000.0))
    session.flush()
    assert estimate().why_none == (
        "7net-0 needs more than 16.0 GB on the CPU for 106 atoms; no worker that takes tasks now has more"
    )
    larger = add_worker(session, "cpu1", 64_000.0)
    assert (estimate().fits, estimate().why_none) == (["box:cpu1"], None)
    worker.state = larger.state = WorkerState.PAUSED
    larger.note = "the GPU is lost"
    assert "box:cpu1: the GPU is lost" in estimate().why_none
    worker.drain = larger.drain = True
    assert estimate().why_none.startswith("no worker takes tasks now")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_million_tasks_are_never_read_through(complete: Callable, session: Session) -> None:
    complete(10)
    session.flush()
    asked: list[tuple[str, Any]] = []
    event.listen(session.get_bind(), "before_cursor_execute", lambda *said: asked.append((said[2], said[3])))
    estimates.newest_runs(session, "7net-0", "optimization", "quick", "cpu")
    [(statement, values)] = asked
    connection = session.connection().connection.driver_connection
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)]
    assert any("ix_tasks_model_name_id" in step for step in plan) and any("ix_tasks_status_id" in step for step in plan)
    assert not [step for step in plan if step.startswith(("SCAN tasks", "SCAN task_results", "SCAN structures"))], plan


def test_a_backlog_of_the_model_does_not_hide_what_ran(complete, new_task, session, monkeypatch) -> None:
    monkeypatch.setattr(estimates, "WINDOW", 3)
    complete(10)
    for _ in range(5):
        new_task(session)
    assert len(estimates.newest_runs(session, "7net-0", "optimization", "quick", "cpu")) == 1


def test_other_models_do_not_hide_what_ran(complete, session, monkeypatch) -> None:
    monkeypatch.setattr(estimates, "WINDOW", 3)
    complete(10)
    for _ in range(5):
        complete(10, model_name="other")
    assert len(estimates.newest_runs(session, "7net-0", "optimization", "quick", "cpu")) == 1


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        pytest.param(0.42, "0.42 s", id="parts"),
        pytest.param(9.6, "9.6 s", id="seconds"),
        pytest.param(95, "95 s", id="many seconds"),
        pytest.param(480, "8 min", id="minutes"),
        pytest.param(9000, "2.5 h", id="hours"),
        pytest.param(4 * 86400, "4 d", id="days"),
    ],
)
def test_times_are_said_in_two_digits(seconds: float, said: str) -> None:
    assert expected.duration(seconds) == said


def test_a_range_names_its_unit_once_where_it_is_the_same() -> None:
    assert expected.duration_range(12, 95) == "12–95 s"
    assert expected.duration_range(40, 180) == "40 s–3 min"
