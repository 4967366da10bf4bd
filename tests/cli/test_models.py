"""Models and their environments on the command line."""

from pathlib import Path

import pytest

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
