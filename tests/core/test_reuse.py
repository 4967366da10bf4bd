"""A finished result is given to an equal task, and to no other one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from mofsim.core import environments, estimates, explain, leases, queries, reuse, steering, submission
from mofsim.core.hashing import sha256
from mofsim.core.leases import Outcome
from mofsim.core.storage import Storage
from mofsim.db.engine import Database
from mofsim.db.tables import Event, Model, Structure, Task, TaskResult, WebhookDelivery
from mofsim.schemas.submission import BatchSubmit, OptimizationSubmit
from mofsim.vocabulary import TaskStatus, TaskType

FILES = {"optimized.cif": b"data_x\n", "series.csv": b"step\n0\n"}
BODY: dict[str, Any] = {"structure": {"source": "builtin", "name": "MOF-5"}, "preset": "quick"}


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "weights.pth"
    path.write_bytes(b"weights")
    return path


@pytest.fixture
def storage(tmp_path: Path, structure: Structure) -> Storage:
    storage = Storage(tmp_path)
    storage.create()
    normalised = storage.structures / structure.normalised_path
    normalised.parent.mkdir(parents=True)
    normalised.write_bytes(b"the structure")
    return storage


@pytest.fixture
def session(database: Database, weights: Path):
    config = {"d3": True, "dtype": "float32", "options": {}, "python": ""}
    with database.write() as session:
        session.add(
            Model(
                name="mine",
                framework="sevenn",
                file_path=str(weights),
                is_available=True,
                is_validated=True,
                config=config,
            )
        )
        yield session


@pytest.fixture
def submit(session: Session, storage: Storage) -> Callable[..., Task]:
    def submit(*, allowed: bool = True, parameters: dict[str, Any] | None = None, **changed: Any) -> Task:
        options = {"reuse": allowed} | changed.pop("options", {})
        body = OptimizationSubmit.model_validate(BODY | changed | {"options": options, "parameters": parameters or {}})
        defaults = submission.Defaults("mine", 3600.0, 3, private_callbacks=True)
        return submission.submit(session, TaskType.OPTIMIZATION, body, defaults, reuse=reuse.Reuse(storage))

    return submit


@pytest.fixture
def finished(session: Session, storage: Storage, submit: Callable[..., Task], weights: Path) -> Task:
    submit(allowed=False)
    claimed = leases.claim(session, "box:cpu0", gpu_id=None, loaded_models=[], lease_seconds=30, affinity_seconds=0)
    assert claimed is not None
    lease, task = claimed
    leases.start(session, lease, 10)
    folder = storage.attempt(task.id, 1)
    folder.mkdir(parents=True)
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    provenance = {
        "framework": "sevenn",
        "model_options": {},
        "dtype": "float32",
        "d3": {"method": "PBE"},
        "model_sha256": sha256(weights),
        "structure_sha256": sha256(storage.structures / task.structure.normalised_path),
        "parameters": task.parameters,
    }
    sizes = {name: len(content) for name, content in FILES.items()}
    leases.finish(session, lease, Outcome(TaskStatus.COMPLETED, {"energy_eV": -1.0}, sizes, {}, provenance))
    return task


def test_an_estimate_says_whose_result_a_task_would_be_given_and_keeps_no_task(session, storage, finished) -> None:
    body = OptimizationSubmit.model_validate(BODY)
    task = submission.check(session, TaskType.OPTIMIZATION, body, submission.Defaults("mine", 3600.0, 3))
    found = estimates.estimate(session, task, reuse.Reuse(storage))
    assert found.reused_from == finished.id
    assert found.sentence == f"nothing is computed: task {finished.id} has its result"
    assert estimates.estimate(session, task).reused_from is None
    session.flush()
    assert list(session.scalars(select(Task.id))) == [finished.id]


def test_an_equal_task_is_completed_at_once_with_files_of_its_own(session, storage, submit, finished) -> None:
    task = submit()
    assert (task.status, task.reused_from, task.attempt) == (TaskStatus.COMPLETED, finished.id, 0)
    result = session.get_one(TaskResult, task.id)
    assert result.result_data == {"energy_eV": -1.0}
    assert result.provenance["reused_from_task"] == finished.id
    steering.remove(session, finished.id)
    storage.forget_task(finished.id)
    for name, content in FILES.items():
        assert (storage.attempt(task.id, 0) / name).read_bytes() == content
    assert queries.counts_by_status(session)[TaskStatus.COMPLETED] == 1
    assert f"task {finished.id} had the same result" in explain.explain(session, task.id).sentence
    created = session.scalar(select(Event).where(Event.task_id == task.id))
    assert created.data["task"]["reused_from"] == finished.id and created.data["task"]["status"] == "COMPLETED"


def test_it_is_taken_only_when_the_request_allows_it(submit, finished) -> None:
    assert submit(allowed=False).status == TaskStatus.QUEUED


def test_its_receiver_is_told_as_of_any_other_task(session, submit, finished) -> None:
    callback = {"url": "http://127.0.0.1:9/", "events": ["task.completed"]}
    task = submit(options={"callback": callback})
    [told] = session.scalars(select(WebhookDelivery))
    assert (told.task_id, told.event) == (task.id, "task.completed")


def test_other_parameters_are_computed(submit, finished) -> None:
    assert submit(parameters={"fmax_eV_per_A": 0.01}).status == TaskStatus.QUEUED


def test_another_preset_is_computed(submit, finished) -> None:
    assert submit(preset="mofsimbench").status == TaskStatus.QUEUED


def test_weights_that_were_replaced_under_the_same_name_are_computed(submit, finished, weights) -> None:
    weights.write_bytes(b"other weights")
    assert submit().status == TaskStatus.QUEUED


def test_a_model_whose_weights_can_not_be_seen_is_computed(submit, finished, weights) -> None:
    weights.unlink()
    assert submit().status == TaskStatus.QUEUED


@pytest.mark.parametrize("where", ["environment", "shared with it", "python of the settings"])
def test_weights_inside_a_package_of_another_interpreter_are_found(
    session, storage, submit, finished, weights, where: str
) -> None:
    model = session.get_one(Model, "mine")
    model.file_path = "package:toy/pretrained/weights.pth"
    # Its package is not installed here, and there is no other interpreter.
    assert submit().status == TaskStatus.QUEUED
    own = storage.root / "envs" / "sevenn" / "lib" / "python3.11" / "site-packages"
    if where == "python of the settings":
        own = storage.root / "opt" / "lib" / "python3.12" / "site-packages"
        model.config = model.config | {"python": str(storage.root / "opt" / "bin" / "python")}
    own.mkdir(parents=True)
    folder = own
    if where == "shared with it":
        folder = storage.root / "shared"
        (own / environments.SHARED).write_text(f"{storage.root / 'nothing'}\n{folder}\n")
    file = folder / "toy" / "pretrained" / "weights.pth"
    file.parent.mkdir(parents=True)
    file.write_bytes(weights.read_bytes())
    session.flush()
    assert submit().reused_from == finished.id
    file.write_bytes(b"of another version of the package")
    assert submit().status == TaskStatus.QUEUED


@pytest.mark.parametrize("changed", [{"d3": False}, {"dtype": "float64"}, {"options": {"modal": "pbe"}}])
def test_a_model_with_other_settings_is_computed(session, submit, finished, changed) -> None:
    model = session.get_one(Model, "mine")
    model.config = model.config | changed
    session.flush()
    assert submit().status == TaskStatus.QUEUED


def test_a_structure_file_that_was_changed_is_computed(submit, finished, storage) -> None:
    (storage.structures / finished.structure.normalised_path).write_bytes(b"moved by a hair")
    assert submit().status == TaskStatus.QUEUED


def test_a_result_whose_files_are_gone_is_computed_again(submit, finished, storage) -> None:
    (storage.attempt(finished.id, 1) / "series.csv").unlink()
    assert submit().status == TaskStatus.QUEUED


def test_in_a_batch_only_what_is_missing_is_computed(session, storage, finished) -> None:
    items = [
        BODY | {"task_type": "optimization", "options": {"reuse": True}},
        BODY | {"task_type": "optimization", "options": {"reuse": True}, "parameters": {"fmax_eV_per_A": 0.01}},
    ]
    defaults = submission.Defaults("mine", 3600.0, 3)
    body = BatchSubmit.model_validate({"tasks": items})
    _, tasks = submission.submit_batch(session, body, defaults, reuse=reuse.Reuse(storage))
    assert [task.status for task in tasks] == [TaskStatus.COMPLETED, TaskStatus.QUEUED]
