"""Uploaded models in a real executor: the sound are used, the wrong, the replaced and the hostile are not."""

import os
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mofsim.cli import ports
from mofsim.client import Client, ServerUnreachable
from mofsim.core import custom_models
from mofsim.core.custom_models import NewModel
from mofsim.core.errors import Invalid
from mofsim.core.hashing import sha256
from mofsim.core.submission import Defaults
from mofsim.db.tables import Model
from mofsim.vocabulary import TaskStatus, TaskType

from .box import Box, wait_until

DEFAULTS = Defaults("lj", 600.0, 3)
ALL_CHECKS = {"finite", "forces", "stress", "translation", "net_force", "response"}

#: A framework of another package. Its file is pickled, as those of torch are; a `scale` beside 1 makes forces wrong.
TOY = """
import pickle
from ase.calculators.lj import LennardJones
from mofsim_toy import Built

class Scaled(LennardJones):
    scale = 1.0
    def calculate(self, *args, **kwargs):
        super().calculate(*args, **kwargs)
        self.results["forces"] = self.results["forces"] * self.scale

def build(entry):
    from pathlib import Path
    weights = Path(entry["checkpoint"])
    calculator = Scaled(sigma=1.0, epsilon=1.0, rc=6.0, smooth=True)
    calculator.scale = pickle.loads(weights.read_bytes())["scale"]
    return Built(calculator, None, (), weights)
"""


class Hostile:
    """As it is unpickled, it runs a command of a shell, and ends the process with `status`."""

    def __init__(self, command: str, status: int | None = None) -> None:
        self.command, self.status = command, status

    def __reduce__(self) -> Any:
        code = f"__import__('os').system({self.command!r})"
        code += f"; __import__('os')._exit({self.status})" if self.status is not None else ""
        return exec, (code,)


@pytest.fixture(scope="module")
def toy_box(tmp_path_factory: pytest.TempPathFactory, builtins: tuple[list, Path]) -> Iterator[Box]:
    """A box whose worker runs, with the framework `toy` of an installed package, as pip would leave it."""
    box = Box(tmp_path_factory.mktemp("toy"))
    box.fill(*builtins)
    site = box.folder / "site"
    about = site / "toy-1.0.dist-info"
    about.mkdir(parents=True)
    (site / "toy_framework.py").write_text(TOY.replace("mofsim_toy", "mofsim.simulations.calculators"))
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[mofsim.calculators]\ntoy = toy_framework:build\n")
    box.environment["PYTHONPATH"] += f":{site}"
    box.start()
    yield box
    box.close()


@pytest.fixture
def toy(toy_box: Box) -> Iterator[Box]:
    """The box that tests share. Each has its own model `mine`, which is gone afterwards."""
    toy_box.wait_until_idle()
    yield toy_box
    with toy_box.database.write() as session:
        custom_models.remove(session, toy_box.storage, "mine")


def upload(box: Box, content: bytes, name: str = "mine", framework: str = "toy", **config: Any) -> int:
    """What the route does; the task that validates it."""
    file = box.folder / "uploaded.pth"
    file.write_bytes(content)
    config = {"d3": False, "dtype": "float32", "options": {}, "elements": []} | config
    with box.database.write() as session:
        model = custom_models.add(session, NewModel(name, framework, config, file.name), sha256(file))
        task_id = custom_models.validate(session, name, DEFAULTS).id
        custom_models.keep(session, box.storage, model, file)
    box.tickets.issue()
    return task_id


def weights_of(box: Box, name: str = "mine") -> Path:
    return box.storage.root / model_of(box, name).file_path


def model_of(box: Box, name: str = "mine") -> Model:
    with box.database.read() as session:
        return session.get_one(Model, name)


def assert_not_usable(box: Box, words: str, name: str = "mine") -> None:
    assert not model_of(box, name).is_validated
    with pytest.raises(Invalid, match=words):
        box.submit(name, TaskType.SINGLE_POINT)


def test_a_sound_model_is_validated_and_used(toy: Box) -> None:
    task = toy.wait_for_end(upload(toy, pickle.dumps({"scale": 1.0})))
    assert task.status == TaskStatus.COMPLETED, task.error_message
    model = model_of(toy)
    assert model.is_validated and model.validation is not None
    assert set(model.validation["checks"]) == ALL_CHECKS
    assert model.validation["task_id"] == task.id
    assert toy.result(task.id).result_data["checks"] == model.validation["checks"]
    assert toy.wait_for_end(toy.submit("mine", TaskType.SINGLE_POINT)).status == TaskStatus.COMPLETED


@pytest.mark.parametrize(("scale", "expected"), [(-1.0, {"forces"}), (float("nan"), ALL_CHECKS)])
def test_a_model_with_wrong_forces_is_refused(toy: Box, scale: float, expected: set[str]) -> None:
    task = toy.wait_for_end(upload(toy, pickle.dumps({"scale": scale})))
    assert task.status == TaskStatus.COMPLETED, task.error_message
    validation = model_of(toy).validation
    assert validation is not None and not validation["passed"]
    failed = {name for name, check in validation["checks"].items() if not check["passed"]}
    assert failed == expected
    assert_not_usable(toy, "failed the checks")


def test_a_file_that_is_no_model_fails_and_says_why(toy: Box) -> None:
    task = toy.wait_for_end(upload(toy, b"no pickle"))
    assert (task.status, task.error_type) == (TaskStatus.FAILED, "ModelLoadFailed")
    assert toy.task(task.id).attempt == 1, "a wrong file is not tried again"
    assert_not_usable(toy, "could not be loaded: UnpicklingError")


def test_a_replaced_file_is_never_opened(toy: Box) -> None:
    toy.wait_for_end(upload(toy, pickle.dumps({"scale": 1.0})))
    (trap := toy.folder / "trap").unlink(missing_ok=True)
    weights_of(toy).chmod(0o600)
    weights_of(toy).write_bytes(pickle.dumps(Hostile(f"touch {trap}")))
    # Other models push the loaded one out.
    for name in ("lj", "slow"):
        toy.wait_for_end(toy.submit(name, TaskType.SINGLE_POINT))
    task = toy.wait_for_end(toy.submit("mine", TaskType.SINGLE_POINT))
    assert (task.status, task.error_type) == (TaskStatus.FAILED, "ModelLoadFailed")
    assert "Somebody replaced the file" in (task.error_message or "") and not trap.exists()


def test_a_hostile_file_reaches_an_executor_only_and_is_never_usable(toy: Box) -> None:
    """It writes where it runs, and kills that process: each attempt is lost, and then the task has failed."""
    marks, port = toy.folder / "marks", ports.free("127.0.0.1")
    toy.environment["MOFSIM_SERVER__PORT"] = str(port)
    (toy.folder / "best.pth").write_bytes(pickle.dumps(Hostile(f"echo $PPID >> {marks}", status=9)))
    server = toy.start([sys.executable, "-m", "mofsim", "serve"])
    with Client(f"http://127.0.0.1:{port}") as client:
        wait_until(lambda: answers(client), lambda: "the server does not answer")
        model = client.add_model(toy.folder / "best.pth", "mine", "toy")
        assert model.validation_task
        task = toy.wait_for_end(model.validation_task)
        assert (task.status, task.error_type, task.attempt) == (TaskStatus.FAILED, "AttemptsExhausted", 3)
        assert not client.model("mine").is_validated and client.health().status
    pids = [int(pid) for pid in marks.read_text().split()]
    assert len(pids) == 3 and not {os.getpid(), server.pid, toy.device_pid()} & set(pids)
    assert server.poll() is None
    assert_not_usable(toy, "attempts were lost")
    assert toy.wait_for_end(toy.submit("lj", TaskType.SINGLE_POINT)).status == TaskStatus.COMPLETED


def answers(client: Client) -> bool:
    try:
        return bool(client.health().status)
    except ServerUnreachable:
        return False


@pytest.mark.slow
def test_the_weights_of_sevennet_under_another_name_are_validated_and_compute_the_same(toy_box: Box) -> None:
    box = toy_box
    sevenn = pytest.importorskip("sevenn")
    entry = box.settings.models["7net-0"]
    content = (Path(sevenn.__file__).parent / entry.checkpoint.removeprefix("package:sevenn/")).read_bytes()
    config = entry.model_dump(include={"d3", "dtype", "options", "elements"})
    task_id = upload(box, content, "my-7net", "sevenn", **config)
    task = box.wait_for(task_id, TaskStatus.COMPLETED, TaskStatus.FAILED, seconds=200)
    validation = model_of(box, "my-7net").validation
    assert validation is not None and validation["passed"], (task.error_message, validation)
    # Closer than others need to be.
    checks = validation["checks"]
    assert checks["forces"]["measured"] < 0.005 and checks["stress"]["measured"] < 0.01
    ended = [box.wait_for_end(box.submit(name, TaskType.SINGLE_POINT)) for name in ("my-7net", "7net-0")]
    assert [each.status for each in ended] == [TaskStatus.COMPLETED] * 2
    energies = [box.result(each.id).result_data["energy_eV"] for each in ended]
    assert energies[0] == energies[1] < -100
