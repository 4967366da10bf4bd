"""Environments of models: made for real, with the packages of CHGNet and MACE, and computed with.

What they share, and where they are kept, is in conftest.py; those of ORB, MatterSim and fairchem in
test_more_environments.py.
"""

import json
from pathlib import Path

import pytest

from mofsim.core import environments
from mofsim.models_builtin import BUILTIN_MODELS
from mofsim.settings import ModelSettings
from mofsim.vocabulary import TaskStatus, TaskType
from mofsim.worker.environments import EnvironmentFailed, check, create, remove

from .box import Box
from .elsewhere import Environment, ask, entry

CHGNET = ModelSettings.model_validate(BUILTIN_MODELS["chgnet"])


@pytest.fixture(scope="session")
def mace(environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> ModelSettings:
    path = tmp_path_factory.mktemp("mace") / "random[1].model"
    ask(environment("mace"), "make-mace", str(path))
    return ModelSettings(framework="mace", checkpoint=str(path))


def structure(box: Box) -> str:
    return str(next((box.storage.structures / "builtin").glob("*Mg-MOF-74*.extxyz")))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_one_worker_computes_with_models_of_three_environments(
    box: Box, root: Path, environment: Environment, mace: ModelSettings
) -> None:
    environment("chgnet")
    (box.storage.root / "envs").symlink_to(root / "envs")
    with (box.folder / "settings.toml").open("a") as file:
        file.write(f"[models.mace-random]\nframework = 'mace'\ncheckpoint = '{mace.checkpoint}'\n")
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
    for name, model in (("chgnet", CHGNET), ("mace-random", mace)):
        folder = environments.folder_of(root, model.framework)
        plain = ask(folder, "energy", json.dumps(entry(name, model)), structure(box))
        # In float32 the order of a sum changes the sixth digit.
        assert results[name].result_data["energy_eV"] == pytest.approx(plain["energy_eV"], rel=3e-6), name


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_forces_and_stress_of_chgnet_are_those_of_its_energy(box: Box, environment: Environment) -> None:
    found = ask(environment("chgnet"), "validate", json.dumps(entry("chgnet", CHGNET)), structure(box))
    assert all(each["passed"] for each in found.values()), found
    assert found["stress"]["measured"] < 0.01


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_forces_and_stress_of_mace_are_those_of_its_energy(
    box: Box, environment: Environment, mace: ModelSettings, dtype: str
) -> None:
    model = mace.model_copy(update={"dtype": dtype})
    found = ask(environment("mace"), "validate", json.dumps(entry("mace-random", model)), structure(box))
    assert all(each["passed"] for each in found.values()), found
    # Closer than others need to be; what rounding leaves depends on the precision.
    assert found["forces"]["measured"] < (1e-2 if dtype == "float32" else 1e-4)
    assert found["stress"]["measured"] < (1e-2 if dtype == "float32" else 1e-4)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_check_says_what_the_model_computed_and_why_it_can_not(environment: Environment, mace: ModelSettings) -> None:
    checked = check(environment("mace"), "mace-random", mace)
    assert checked.versions["mace-torch"] == "0.3.16" and checked.fmax_eV_per_A > 0
    with pytest.raises(EnvironmentFailed, match="mofsim models env create chgnet"):
        check(environment("mace"), "chgnet", CHGNET)


def test_an_environment_that_can_not_be_made_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = environments.Recipe(("no-such-package-of-mofsim==1",), is_tested=False)
    monkeypatch.setitem(environments.RECIPES, "nothing", recipe)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(EnvironmentFailed, match="pip could not install it"):
        create(tmp_path, "nothing", "nothing", {}, share=True)
    assert list((tmp_path / "envs").iterdir()) == []


def test_what_a_killed_process_left_is_cleared_away_and_no_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = tmp_path / "envs" / ".mace.building-999999999"
    left.mkdir(parents=True)
    assert environments.names(tmp_path) == []
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setitem(environments.RECIPES, "mace", environments.Recipe(("no-such-package==1",), is_tested=False))
    with pytest.raises(EnvironmentFailed):
        create(tmp_path, "mace", "mace", {}, share=True)
    assert not left.exists()


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
