import sys
from pathlib import Path
from typing import Any

import pytest

from mofsim.client import Client

from .conftest import Mofsim

NO_CHECKPOINT = '[scheduler]\ndefault_model = "mine"\n[models.mine]\ncheckpoint = "/no/such.pth"\n'
NO_PACKAGE = '[models.mine]\ncheckpoint = "package:no_such_package/weights.pth"\n'
OTHER_PYTHON = '[models.mine]\npython = "/no/such/python"\ncheckpoint = "/weights.pth"\n'


def checks(said: Any) -> dict[str, dict[str, str]]:
    return {check["name"]: check for check in said.document["checks"]}


@pytest.fixture
def lj_only(tmp_path: Path) -> None:
    """A default model that needs no weights."""
    text = '[scheduler]\ndefault_model = "lj"\n[models.lj]\nframework = "ase"\ncheckpoint = "a:B"\n'
    (tmp_path / "settings.toml").write_text(text)


def test_a_machine_that_has_what_it_needs_is_fine(command: Mofsim, lj_only: None) -> None:
    said = command("doctor", "--json", "--server", "127.0.0.1:1")
    assert said.status == 0 and said.document["ok"]
    assert checks(said)["Python"]["found"].startswith(sys.version.split()[0])
    assert checks(said)["model lj"]["verdict"] == "ok"
    assert checks(said)["server"]["verdict"] == "note"


def test_the_settings_are_told_with_their_sources_and_without_secrets(
    command: Mofsim, monkeypatch: pytest.MonkeyPatch, lj_only: None
) -> None:
    monkeypatch.setenv("MOFSIM_SERVER__PORT", "9999")
    lines = {line["key"]: line for line in command("doctor", "--json").document["settings"]}
    assert lines["server.port"] == {"key": "server.port", "value": "9999", "source": "MOFSIM_SERVER__PORT"}
    assert lines["scheduler.default_model"]["source"] == "settings.toml:2"


def test_a_default_model_without_weights_is_a_lack(command: Mofsim, tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text(NO_CHECKPOINT)
    said = command("doctor")
    assert said.status == 1
    assert "no file /no/such.pth" in said.stdout and "missing: model mine" in said.stdout


@pytest.mark.parametrize(
    ("settings", "found"), [(NO_PACKAGE, "no file package:no_such_package"), (OTHER_PYTHON, "its interpreter")]
)
def test_another_model_that_can_not_be_loaded_is_only_told(
    command: Mofsim, tmp_path: Path, settings: str, found: str
) -> None:
    (tmp_path / "settings.toml").write_text(settings)
    check = checks(command("doctor", "--json"))["model mine"]
    assert check["verdict"] == "note" and check["found"].startswith(found) and check["advice"]


def test_a_data_folder_that_can_not_be_written_is_a_lack(
    command: Mofsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lj_only: None
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MOFSIM_STORAGE__ROOT", str(tmp_path / "file" / "data"))
    said = command("doctor", "--json")
    assert said.status == 1 and checks(said)["data folder"]["verdict"] == "missing"


def test_a_server_that_runs_is_told_with_its_workers(mofsim: Mofsim, client: Client, lj_only: None) -> None:
    found = checks(mofsim("doctor", "--json"))
    assert client.health().version in found["server"]["found"]
    assert found["workers"]["verdict"] == "note" and "mofsim worker" in found["workers"]["advice"]
