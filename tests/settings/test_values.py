"""What follows from the values: models, paths, what people see."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from mofsim.models_builtin import BUILTIN_MODELS
from mofsim.settings import Settings

Load = Callable[..., Settings]
Mistakes = Callable[..., list[str]]


def test_a_table_of_a_builtin_model_changes_single_keys(load: Load) -> None:
    model = load("[models.7net-0]\nd3 = false").models["7net-0"]
    assert model.d3 is False
    assert model.checkpoint == BUILTIN_MODELS["7net-0"]["checkpoint"]


def test_a_new_table_adds_a_model(load: Load) -> None:
    models = load("[models.emt]\nframework = 'ase'\ncheckpoint = 'ase.calculators.emt:EMT'").models
    assert list(models) == ["7net-0", "7net-l3i5", "chgnet", "emt"]
    assert models["emt"].checkpoint == "ase.calculators.emt:EMT"


@pytest.mark.parametrize("name", [name for name, table in BUILTIN_MODELS.items() if table["framework"] == "sevenn"])
def test_the_weights_of_a_builtin_model_are_where_its_package_is(name: str) -> None:
    sevenn = pytest.importorskip("sevenn")
    checkpoint = str(BUILTIN_MODELS[name]["checkpoint"]).removeprefix("package:sevenn/")
    assert (Path(sevenn.__file__).parent / checkpoint).stat().st_size > 1_000_000


def test_paths_of_a_file_start_at_its_folder(load: Load, tmp_path: Path) -> None:
    folder = tmp_path / "conf"
    folder.mkdir()
    path = folder / "my.toml"
    path.write_text("storage.root = '../data'\n[models.mine]\ncheckpoint = 'mine.pth'\npython = 'env/bin/python'")
    settings = load(path=path)
    assert settings.storage.root == tmp_path / "data"
    assert settings.models["mine"].checkpoint == str(folder / "mine.pth")
    assert settings.models["mine"].python == str(folder / "env/bin/python")


def test_paths_of_the_environment_start_at_the_working_directory(load: Load, tmp_path: Path) -> None:
    assert load(env={"MOFSIM_STORAGE__ROOT": "data"}).storage.root == tmp_path / "data"


def test_a_certificate_lies_beside_the_file_that_names_it(load: Load, tmp_path: Path) -> None:
    settings = load("[server]\ntls_cert = 'tls/cert.pem'\ntls_key = '/etc/key.pem'")
    assert (settings.server.tls_cert, settings.server.tls_key) == (str(tmp_path / "tls/cert.pem"), "/etc/key.pem")
    assert settings.server_url == "https://127.0.0.1:8321"


def test_a_tilde_is_the_home_folder(load: Load) -> None:
    assert load("storage.root = '~/mofs'").storage.root == Path.home() / "mofs"


def test_a_bare_interpreter_is_looked_up_by_the_system(load: Load) -> None:
    toml = "[models.mine]\ncheckpoint = '/m.pth'\npython = 'python3.12'"
    assert load(toml).models["mine"].python == "python3.12"


def test_places_follow_from_the_storage_root() -> None:
    settings = Settings.model_validate({"storage": {"root": "/data"}})
    assert settings.database_url == "sqlite:////data/mofsim.db"
    assert settings.queue_path == Path("/data/queue.db")
    assert [settings.structures_dir, settings.results_dir, settings.run_dir, settings.logs_dir] == [
        Path("/data/structures"),
        Path("/data/results"),
        Path("/data/run"),
        Path("/data/logs"),
    ]


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8321"),
        ("::1", "http://[::1]:8321"),
        ("0.0.0.0", "http://127.0.0.1:8321"),
        ("box.example.org", "http://box.example.org:8321"),
    ],
)
def test_the_server_url_is_one_that_this_machine_can_open(host: str, url: str) -> None:
    assert Settings.model_validate({"server": {"host": host}}).server_url == url


def test_describe_says_where_each_value_came_from(load: Load) -> None:
    toml = "[server]\nport = 1\nhost = 'localhost'\n[profiles.dev.server]\nhost = '::1'"
    lines = {line.key: line for line in load(toml, {"MOFSIM_WORKER__GPUS": "0,1"}).describe()}
    assert (lines["server.port"].value, lines["server.port"].source) == ("1", "settings.toml:2")
    assert lines["server.host"].source == "settings.toml:5 (profile dev)"
    assert (lines["worker.gpus"].value, lines["worker.gpus"].source) == ("[0, 1]", "MOFSIM_WORKER__GPUS")
    assert lines["queue.backend"].source == "default"
    assert lines["models.7net-0.d3"].value == "true"


def test_a_password_is_shown_nowhere(mistakes: Mistakes) -> None:
    url = "postgresql://me:hunter2@box/mofs?password=hunter2"
    settings = Settings.model_validate({"database": {"url": url}})
    assert settings.database_url == url
    shown = {line.key: line.value for line in settings.describe()}
    assert shown["database.url"] == '"postgresql://me:***@box/mofs"'
    assert "hunter2" not in repr(settings) + settings.model_dump_json()
    assert "hunter2" not in mistakes(overrides={"database.url": url.replace("postgresql", "oracle")})[0]


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Settings().server.port = 1  # type: ignore[misc]


def test_loading_leaves_no_trace(load: Load, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    load()
    assert sorted(tmp_path.rglob("*")) == before


def test_channels_of_alerts_are_tables_of_their_own_whose_addresses_nobody_sees(load: Load) -> None:
    settings = load("[alerts.channels.pager]\nkind = 'apprise'\nurl = 'tgram://token/chat'\nmin_level = 'ERROR'")
    assert list(settings.alerts.channels) == ["pager"]
    assert settings.alerts.channels["pager"].url.get_secret_value() == "tgram://token/chat"
    shown = {line.key: line.value for line in settings.describe()}["alerts.channels"]
    assert shown == '{ pager = { kind = "apprise", min_level = "ERROR", url = "***" } }'
    assert list(Settings().alerts.channels) == ["log"]
