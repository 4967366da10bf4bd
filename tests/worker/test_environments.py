"""Environments of models: made for real, with the packages of CHGNet and MACE, and computed with.

What they share, and where they are kept, is in conftest.py; those of ORB, MatterSim and fairchem in
test_more_environments.py.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mofsim.core import environments
from mofsim.models_builtin import BUILTIN_MODELS
from mofsim.settings import ModelSettings
from mofsim.vocabulary import TaskStatus, TaskType
from mofsim.worker.environments import EnvironmentFailed, check, create, remove

from .box import Box
from .elsewhere import Environment, ask, entry

CHGNET = ModelSettings.model_validate(BUILTIN_MODELS["chgnet"])


@dataclass(frozen=True)
class Foreign:
    """A model, and what its framework says of Mg-MOF-74 under the interpreter of its environment, without a worker."""

    model: ModelSettings
    energy_eV: float
    #: by the precision
    checks: dict[str, dict[str, Any]]


@pytest.fixture(scope="session")
def structure(builtins: tuple[list, Path]) -> str:
    return str(next(builtins[1].glob("*Mg-MOF-74*.extxyz")))


@pytest.fixture(scope="session")
def chgnet(environment: Environment, structure: str) -> Foreign:
    about = entry("chgnet", CHGNET)
    energy, checks = say(environment("chgnet"), structure, ("energy", about), ("validate", about))
    return Foreign(CHGNET, energy["energy_eV"], {CHGNET.dtype: checks})


@pytest.fixture(scope="session")
def mace(environment: Environment, structure: str, tmp_path_factory: pytest.TempPathFactory) -> Foreign:
    path = tmp_path_factory.mktemp("mace") / "random[1].model"
    model = ModelSettings(framework="mace", checkpoint=str(path))
    validations = [("validate", entry("mace-random", model) | {"dtype": dtype}) for dtype in ("float32", "float64")]
    work = [("make_mace", str(path)), ("energy", entry("mace-random", model)), *validations]
    _, energy, single, double = say(environment("mace"), structure, *work)
    return Foreign(model, energy["energy_eV"], {"float32": single, "float64": double})


def say(environment: Path, structure: str, *work: tuple[str, Any]) -> list[Any]:
    """What `foreign.py` says under the interpreter of the environment."""
    found: list[Any] = ask(environment, structure, json.dumps(work))
    return found


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_one_worker_computes_with_models_of_three_environments(
    box: Box, root: Path, chgnet: Foreign, mace: Foreign
) -> None:
    (box.storage.root / "envs").symlink_to(root / "envs")
    with (box.folder / "settings.toml").open("a") as file:
        file.write(f"[models.mace-random]\nframework = 'mace'\ncheckpoint = '{mace.model.checkpoint}'\n")
    box.reload_settings()
    box.start()
    names = ["chgnet", "mace-random", "7net-0"]
    tasks = {name: box.submit(name, TaskType.SINGLE_POINT) for name in names}
    for name, task_id in tasks.items():
        task = box.wait_for(task_id, *(status for status in TaskStatus if status.is_final), seconds=200)
        assert task.status == TaskStatus.COMPLETED, f"{name}: {task.error_message}"
    results = {name: box.result(task_id) for name, task_id in tasks.items()}
    assert {"chgnet", "pymatgen"} <= set(results["chgnet"].provenance["versions"])
    assert results["mace-random"].provenance["versions"]["e3nn"] == "0.4.4"
    assert results["7net-0"].provenance["versions"]["e3nn"] != "0.4.4"
    for name, plain in (("chgnet", chgnet), ("mace-random", mace)):
        # In float32 the order of a sum changes the sixth digit.
        assert results[name].result_data["energy_eV"] == pytest.approx(plain.energy_eV, rel=3e-6), name


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_forces_and_stress_of_chgnet_are_those_of_its_energy(chgnet: Foreign) -> None:
    [found] = chgnet.checks.values()
    assert all(each["passed"] for each in found.values()), found
    assert found["stress"]["measured"] < 0.01


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_forces_and_stress_of_mace_are_those_of_its_energy(mace: Foreign, dtype: str) -> None:
    found = mace.checks[dtype]
    assert all(each["passed"] for each in found.values()), found
    # Closer than others need to be; what rounding leaves depends on the precision.
    assert found["forces"]["measured"] < (1e-2 if dtype == "float32" else 1e-4)
    assert found["stress"]["measured"] < (1e-2 if dtype == "float32" else 1e-4)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_check_says_what_the_model_computed_and_why_it_can_not(environment: Environment, mace: Foreign) -> None:
    checked = check(environment("mace"), "mace-random", mace.model)
    assert checked.versions["mace-torch"] == "0.3.16" and checked.fmax_eV_per_A > 0
    with pytest.raises(EnvironmentFailed, match="mofsim models env create chgnet"):
        check(environment("mace"), "chgnet", CHGNET)


def test_an_environment_that_can_not_be_made_leaves_nothing_behind_and_clears_away_what_a_killed_one_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = tmp_path / "envs" / ".nothing.building-999999999"
    left.mkdir(parents=True)
    assert environments.names(tmp_path) == []
    recipe = environments.Recipe(("no-such-package-of-mofsim==1",), is_tested=False)
    monkeypatch.setitem(environments.RECIPES, "nothing", recipe)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(EnvironmentFailed, match="pip could not install it"):
        create(tmp_path, "nothing", "nothing", {}, share=True)
    assert list((tmp_path / "envs").iterdir()) == []


def test_an_environment_is_removed_by_its_name_only(tmp_path: Path) -> None:
    python = environments.interpreter(environments.folder_of(tmp_path, "mace"))
    python.parent.mkdir(parents=True)
    python.touch()
    assert environments.python_for(tmp_path, "mace-mp", "mace", "") == str(python)
    assert environments.python_for(tmp_path, "mace-mp", "mace", "/opt/python") == "/opt/python"
    with pytest.raises(EnvironmentFailed, match="no environment 'chgnet'"):
        remove(tmp_path, "chgnet")
    remove(tmp_path, "mace")
    assert list((tmp_path / "envs").iterdir()) == []
    assert environments.python_for(tmp_path, "mace-mp", "mace", "") == ""


def test_the_versions_of_environments_are_those_that_were_tested_together() -> None:
    pinned = (Path(__file__).parents[2] / "constraints.txt").read_text().splitlines()
    assert set(environments.COMMON) <= set(pinned)
    assert set(environments.RECIPES["sevenn"].requirements) <= set(pinned)
