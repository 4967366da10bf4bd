"""Models and their environments on the command line."""

import hashlib
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from mofsim.client import Client
from mofsim.core import models, steering, submission
from mofsim.db.engine import Database
from mofsim.db.tables import Worker
from mofsim.schemas.submission import SUBMIT, BuiltinStructure
from mofsim.settings import Settings
from mofsim.vocabulary import TaskStatus, TaskType, WorkerState
from tests.client.running import Hands

from .conftest import Mofsim


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What looks like an environment for CHGNet; nothing can be computed in it."""
    monkeypatch.setenv("MOFSIM_STORAGE__ROOT", str(tmp_path / "data"))
    folder = tmp_path / "data" / "envs" / "chgnet"
    about = folder / "lib" / "python3.11" / "site-packages" / "torch-2.13.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 2.13.0\n")
    (folder / "bin").mkdir()
    (folder / "bin" / "python").symlink_to("/bin/false")
    return folder


def test_environments_are_listed_with_the_models_that_use_them(command: Mofsim, environment: Path) -> None:
    [found] = command("models", "env", "list", "--json").document
    assert found["name"] == "chgnet" and found["models"] == ["chgnet"]
    assert found["versions"] == {"torch": "2.13.0"}
    assert "2.13.0" in command("models", "env", "list").stdout
    checks = {check["name"]: check for check in command("doctor", "--json").document["checks"]}
    assert checks["environment chgnet"]["verdict"] == "ok"
    assert "environment chgnet" in checks["model chgnet"]["found"]


def test_a_model_without_its_environment_says_how_to_make_it(
    command: Mofsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOFSIM_STORAGE__ROOT", str(tmp_path / "data"))
    checks = {check["name"]: check for check in command("doctor", "--json").document["checks"]}
    assert checks["model chgnet"]["verdict"] == "note"
    assert checks["model chgnet"]["advice"] == "mofsim models env create chgnet"


def test_an_environment_in_which_nothing_runs_fails_its_check(command: Mofsim, environment: Path) -> None:
    said = command("models", "env", "check", "chgnet", "--json")
    assert said.status == 1 and "runs no executor" in said.document["error"]["detail"]
    assert environment.exists()


def test_an_environment_is_removed(command: Mofsim, environment: Path) -> None:
    assert command("models", "env", "rm", "chgnet", "--json").document == {"name": "chgnet"}
    assert not environment.exists()
    said = command("models", "env", "rm", "chgnet")
    assert said.status == 1 and "there is no environment" in said.stderr


def test_an_environment_that_somebody_needs_is_kept(command: Mofsim, environment: Path, settings: Settings) -> None:
    database = Database(settings.database_url)
    body = SUBMIT[TaskType.SINGLE_POINT](model="chgnet", structure=BuiltinStructure(source="builtin", name="MOF-5"))
    defaults = submission.Defaults("chgnet", 3600.0, 3)
    with database.write() as session:
        tasks = [submission.submit(session, TaskType.SINGLE_POINT, body, defaults).id for _ in range(2)]
    said = command("models", "env", "rm", "chgnet", "--json")
    assert said.status == 1 and environment.exists()
    assert f"task {tasks[0]}, and 1 more, with model chgnet have not ended" in said.document["error"]["detail"]
    with database.write() as session:
        for task_id in tasks:
            steering.request_cancel(session, task_id)
        worker = Worker(id="box:cpu0", host="box", slot="cpu0", pid=1, incarnation="a", loaded_models=["chgnet"])
        worker.state = WorkerState.IDLE
        session.add(worker)
    assert "worker box:cpu0 has its model chgnet loaded" in command("models", "env", "rm", "chgnet").stderr
    with database.write() as session:
        session.get_one(Worker, "box:cpu0").loaded_models = ["7net-0"]
        session.get_one(Worker, "box:cpu0").model_wishes = {"chgnet": "load"}
    assert command("models", "env", "rm", "chgnet").status == 1 and environment.exists()
    database.close()
    assert command("models", "env", "rm", "chgnet", "--force").status == 0
    assert not environment.exists()


def test_an_environment_is_kept_where_nobody_can_read_who_needs_it(
    command: Mofsim, environment: Path, tmp_path: Path
) -> None:
    (tmp_path / "data" / "mofsim.db").write_bytes(b"no database" * 1000)
    said = command("models", "env", "rm", "chgnet")
    assert said.status == 1 and "can not be read" in said.stderr and environment.exists()


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [("nonsense", 2, "no framework; there are: sevenn, chgnet"), ("chgnet", 1, "there is an environment chgnet")],
)
def test_what_can_not_be_made_is_refused(
    command: Mofsim, environment: Path, name: str, status: int, words: str
) -> None:
    said = command("models", "env", "create", name)
    assert said.status == status and words in said.stderr


def test_a_model_is_shown_and_wanted_somewhere(mofsim: Mofsim) -> None:
    shown = mofsim("models", "show", "lj")
    assert shown.status == 0 and "that of the worker" in shown.stdout
    said = mofsim("models", "load", "lj", "--worker", "elsewhere")
    assert said.status == 1 and "there is no worker 'elsewhere'" in said.stderr
    assert mofsim("models", "unload", "nothing").status == 1


CHECKS = {
    "forces": {"measured": 0.0007, "limit": 0.05, "unit": "eV/Å", "passed": True},
    "stress": {"measured": None, "limit": 0.05, "unit": "GPa", "passed": False},
    "response": {"measured": 0.0, "limit": 0.05, "at_least": True, "unit": "eV/Å", "passed": False},
}


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    file = tmp_path / "best.pth"
    file.write_bytes(b"weights")
    return file


def play(client: Client, hands: Hands, weights: Path, passed: bool) -> None:
    """What a worker does, as soon as there is a validation."""
    while not client.tasks().items:
        time.sleep(0.02)
    lease = hands.take()
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    hands.end(lease, result={"passed": passed, "checks": CHECKS}, provenance={"model_sha256": digest})


@pytest.mark.parametrize(("passed", "status"), [(True, 0), (False, 1)])
def test_an_added_model_is_waited_for_until_its_checks_are_made(
    own_mofsim: Mofsim, own_client: Client, hands: Hands, weights: Path, passed: bool, status: int
) -> None:
    worker = threading.Thread(target=play, args=(own_client, hands, weights, passed))
    worker.start()
    arguments: list[Any] = ["--name", "mine", "--framework", "sevenn", "--d3", "--element", "Mg", "--element", "O"]
    arguments += ["--element", "C", "--element", "H", "--options", '{"modal": "mpa"}', "--wait"]
    said = own_mofsim("models", "add", weights, *arguments, "--json")
    worker.join()
    assert said.status == status, said.stderr
    model = said.document
    assert (model["is_validated"], model["d3"], model["elements"]) == (passed, True, ["Mg", "O", "C", "H"])
    shown = own_mofsim("models", "show", "mine").stdout
    assert ("passed" if passed else "failed: see the checks") in shown
    [line] = [line for line in shown.splitlines() if line.startswith("stress")]
    assert line.split() == ["stress", "–", "0.05", "GPa", "NO"]
    [line] = [line for line in shown.splitlines() if line.startswith("response")]
    assert line.split() == ["response", "0", "≥", "0.05", "eV/Å", "NO"]
    assert "0.0007" in shown
    with hands.database.read() as session:
        config = session.get_one(models.Model, "mine").config
    assert config["options"] == {"modal": "mpa"}


def test_a_model_is_added_validated_later_and_removed(own_mofsim: Mofsim, own_client: Client, weights: Path) -> None:
    added = own_mofsim("models", "add", weights, "--name", "mine", "--framework", "sevenn", "--no-validate")
    assert added.status == 0 and "model mine: not validated yet" in added.stdout
    assert "(not validated)" in own_mofsim("models", "list").stdout
    refused = own_mofsim("submit", "single-point", "--structure", "MOF-5", "--model", "mine")
    assert refused.status == 2 and "mofsim models validate mine" in refused.stderr
    assert "task 1 validates it" in own_mofsim("models", "validate", "mine").stdout
    assert own_mofsim("models", "rm", "mine").status == 1
    assert own_client.cancel(1).status is TaskStatus.CANCELLED
    assert [each.name for each in own_client.custom_models()] == ["mine"]
    assert own_mofsim("models", "rm", "mine", "--json").document == {"name": "mine"}
    assert own_client.custom_models() == []


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--name", "7net-0", "--framework", "sevenn"], 1, "choose another name"),
        (["--name", "mine", "--framework", "ase"], 2, "must be one of chgnet"),
        (["--name", "mine", "--framework", "sevenn", "--options", "[1]"], 2, "JSON object"),
        (["--name", "mine", "--framework", "sevenn", "--wait", "--no-validate"], 2, "--wait"),
    ],
)
def test_what_can_be_no_model_is_refused(
    mofsim: Mofsim, weights: Path, arguments: list[str], status: int, words: str
) -> None:
    said = mofsim("models", "add", weights, *arguments)
    assert said.status == status and words in said.stderr
