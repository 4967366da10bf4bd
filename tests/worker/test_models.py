"""Models that are loaded and unloaded on request, and what is learnt of them."""

import sys
from pathlib import Path
from typing import Any

import pytest

from mofsim.core import models, workers
from mofsim.core.errors import Conflict, NotFound
from mofsim.db.tables import Model, Worker
from mofsim.vocabulary import TaskStatus, TaskType, WorkerState

from .box import Box, children_of, wait_until


def wish(box: Box, name: str, wanted: Any, worker: str | None = None) -> None:
    with box.database.write() as session:
        models.wish(session, name, wanted, worker)


def wait_until_done(box: Box) -> Worker:
    """The worker when it has no wish left."""
    return wait_until(
        lambda: worker if not (worker := box.workers()[0]).model_wishes else None,
        lambda: f"wishes: {[w.model_wishes for w in box.workers()]}",
    )


def unload_all(box: Box) -> None:
    for name in box.workers()[0].loaded_models:
        wish(box, name, "unload")
    assert wait_until_done(box).loaded_models == []


def test_an_idle_worker_loads_and_unloads_what_is_wanted(working_box: Box) -> None:
    box = working_box
    unload_all(box)
    wish(box, "lj", "load")
    wish(box, "slow", "load")
    assert wait_until_done(box).loaded_models == ["lj", "slow"]
    wish(box, "lj", "unload")
    worker = wait_until_done(box)
    assert (worker.loaded_models, worker.note) == (["slow"], "")


def test_what_can_not_be_loaded_is_told_and_the_worker_goes_on(working_box: Box) -> None:
    box = working_box
    wish(box, "broken", "load")
    worker = wait_until_done(box)
    assert "broken was not loaded" in worker.note and "calculators:NoSuchClass" in worker.note
    assert box.wait_for_end(box.submit("lj", TaskType.SINGLE_POINT)).status == TaskStatus.COMPLETED
    wish(box, "lj", "load")
    assert wait_until_done(box).note == ""


def test_a_model_that_never_ends_to_load_holds_no_device_for_ever(box: Box) -> None:
    box.environment["MOFSIM_WORKER__LOAD_TIMEOUT_SECONDS"] = "1"
    box.start()
    box.wait_until_idle()
    task = box.wait_for_end(box.submit("endless", TaskType.SINGLE_POINT, max_attempts=2))
    reason = "the model was not loaded after worker.load_timeout_seconds = 1"
    assert task.status == TaskStatus.FAILED and reason in task.error_message
    assert [attempt.outcome for attempt in box.attempts(task.id)] == ["LOST", "LOST"]
    wish(box, "endless", "load")
    assert reason in wait_until_done(box).note
    # Loading another model may take longer than that second too, on a busy machine.
    task = box.wait_for_end(box.submit("lj", TaskType.SINGLE_POINT, max_attempts=20))
    assert task.status == TaskStatus.COMPLETED


def test_a_busy_worker_does_it_after_its_task_and_before_the_next_one(working_box: Box) -> None:
    box = working_box
    first = box.submit("slow", parameters={"max_steps": 30, "fmax_eV_per_A": 1e-9})
    box.wait_for_step(first, 2)
    wish(box, "hungry", "load")
    second = box.submit("slow", parameters={"max_steps": 30, "fmax_eV_per_A": 1e-9})
    assert box.workers()[0].model_wishes == {"hungry": "load"}
    box.wait_for_step(second, 1)
    worker = box.workers()[0]
    assert worker.model_wishes == {} and "hungry" in worker.loaded_models


def test_a_wish_needs_a_model_and_a_worker(box: Box) -> None:
    with pytest.raises(Conflict, match="no worker is online"):
        wish(box, "lj", "load")
    with pytest.raises(NotFound, match="no model 'nothing'"):
        wish(box, "nothing", "load")
    box.start()
    box.wait_until_idle()
    with pytest.raises(NotFound, match="no worker 'elsewhere'"):
        wish(box, "lj", "load", "elsewhere")


def test_a_drained_worker_loads_it_when_it_is_resumed(working_box: Box) -> None:
    box = working_box
    unload_all(box)
    [worker] = box.workers()
    with box.database.write() as session:
        workers.drain(session, worker.id)
    box.wait_for_worker("cpu0", WorkerState.DRAINED)
    wish(box, "lj", "load")
    with box.database.write() as session:
        workers.resume(session, worker.id)
    assert wait_until_done(box).loaded_models == ["lj"]


def test_what_an_executor_told_of_a_model_is_kept_until_the_model_is_another_one(working_box: Box) -> None:
    box = working_box
    box.wait_for_end(box.submit("lj", TaskType.SINGLE_POINT))
    with box.database.read() as session:
        facts = session.get_one(Model, "lj").facts
    assert facts["versions"]["ase"] and facts["load_seconds"] > 0 and facts["weights_sha256"] is None
    changed = box.settings.models["lj"].model_copy(update={"options": {"rc": 2.0}})
    with box.database.write() as session:
        models.synchronise(session, box.settings.models)
        assert session.get_one(Model, "lj").facts == facts
        models.synchronise(session, {**box.settings.models, "lj": changed})
        assert session.get_one(Model, "lj").facts == {}
        models.synchronise(session, box.settings.models)


def test_a_model_without_python_runs_in_its_environment(box: Box) -> None:
    """A script stands for the interpreter of an environment; the executor bears its mark."""
    folder = box.storage.root / "envs" / "ase" / "bin"
    folder.mkdir(parents=True)
    (folder / "python").write_text('#!/bin/sh\nexport MOFSIM_TEST_ENVIRONMENT=yes\nexec "$REAL_PYTHON" "$@"\n')
    (folder / "python").chmod(0o755)
    box.environment["REAL_PYTHON"] = sys.executable
    box.start()
    task = box.wait_for_end(box.submit("lj", TaskType.SINGLE_POINT))
    assert task.status == TaskStatus.COMPLETED, task.error_message
    [executor] = children_of(box.device_pid())
    assert b"MOFSIM_TEST_ENVIRONMENT=yes" in Path(f"/proc/{executor}/environ").read_bytes()
