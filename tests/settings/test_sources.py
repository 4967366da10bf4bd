"""Which source wins, and how variables are read."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mofsim.settings import Settings

Load = Callable[..., Settings]


def test_without_any_source_the_defaults_hold(load: Load, tmp_path: Path) -> None:
    settings = load()
    assert settings.server.port == 8321
    assert settings.scheduler.default_model == "7net-0"
    assert settings.storage.root == tmp_path / "data" / "mofsim"
    assert settings.file is None


def test_a_file_wins_over_defaults(load: Load, tmp_path: Path) -> None:
    settings = load("server.port = 9000")
    assert settings.server.port == 9000
    assert settings.file == tmp_path / "settings.toml"


def test_a_profile_wins_over_its_file(load: Load) -> None:
    toml = "[server]\nport = 1\nhost = 'localhost'\n[profiles.lab.server]\nport = 2"
    settings = load(toml, profile="lab")
    assert (settings.server.port, settings.server.host) == (2, "localhost")
    assert settings.profile == "lab"


def test_the_profile_dev_is_chosen_by_default(load: Load) -> None:
    assert load("[profiles.dev]\nserver.port = 2").server.port == 2


def test_an_argument_wins_over_the_profile_of_the_environment(load: Load) -> None:
    toml = "[profiles.a]\nserver.port = 1\n[profiles.b]\nserver.port = 2"
    assert load(toml, {"MOFSIM_PROFILE": "a"}).server.port == 1
    assert load(toml, {"MOFSIM_PROFILE": "a"}, profile="b").server.port == 2


def test_a_dotenv_file_wins_over_a_profile(load: Load, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# ours\nexport MOFSIM_SERVER__PORT='3'\nOTHER=x\n")
    assert load("[profiles.dev]\nserver.port = 2").server.port == 3


def test_the_environment_wins_over_a_dotenv_file(load: Load, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MOFSIM_SERVER__PORT=3\n")
    assert load(env={"MOFSIM_SERVER__PORT": "4"}).server.port == 4


def test_the_command_line_wins_over_the_environment(load: Load) -> None:
    settings = load(env={"MOFSIM_SERVER__PORT": "4"}, overrides={"server.port": 5})
    assert settings.server.port == 5


def test_a_dotenv_file_can_choose_the_profile(load: Load, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MOFSIM_PROFILE=lab\n")
    assert load("[profiles.lab]\nserver.port = 2").server.port == 2


def test_an_explicit_path_wins_over_the_variable_and_the_folder(load: Load, tmp_path: Path) -> None:
    for name, port in (("a.toml", 1), ("b.toml", 2)):
        (tmp_path / name).write_text(f"server.port = {port}")
    env = {"MOFSIM_SETTINGS": "b.toml"}
    assert load("server.port = 3", env).server.port == 2
    assert load("server.port = 3", env, path=tmp_path / "a.toml").server.port == 1


def test_the_users_config_folder_is_read_last(load: Load, tmp_path: Path) -> None:
    folder = tmp_path / "config" / "mofsim"
    folder.mkdir(parents=True)
    (folder / "settings.toml").write_text("server.port = 7")
    assert load().server.port == 7
    assert load("server.port = 8").server.port == 8


@pytest.mark.parametrize(
    ("variable", "text", "table", "key", "value"),
    [
        ("MOFSIM_SERVER__PORT", "9000", "server", "port", 9000),
        ("MOFSIM_STORAGE__MAX_UPLOAD_MB", "7", "storage", "max_upload_MB", 7),
        ("MOFSIM_SCHEDULER__LEASE_SECONDS", "4.5", "scheduler", "lease_seconds", 4.5),
        ("MOFSIM_SECURITY__ALLOW_REMOTE", "true", "security", "allow_remote", True),
        ("MOFSIM_WORKER__GPUS", "all", "worker", "gpus", "all"),
        ("MOFSIM_WORKER__GPUS", "0, 1", "worker", "gpus", [0, 1]),
        ("MOFSIM_WORKER__GPUS", "[2]", "worker", "gpus", [2]),
        ("MOFSIM_WORKER__GPUS", "", "worker", "gpus", []),
        ("MOFSIM_WORKER__CPU_SLOTS", "2", "worker", "cpu_slots", 2),
        ("MOFSIM_WORKER__CPU_SLOTS", "auto", "worker", "cpu_slots", "auto"),
        ("MOFSIM_SERVER__CORS_ORIGINS", "http://a,http://b", "server", "cors_origins", ["http://a", "http://b"]),
        ("MOFSIM_SERVER__CORS_ORIGINS", '["http://a"]', "server", "cors_origins", ["http://a"]),
    ],
)
def test_a_variable_is_read_by_the_type_of_its_key(
    load: Load, variable: str, text: str, table: str, key: str, value: object
) -> None:
    assert getattr(getattr(load(env={variable: text}), table), key) == value


def test_a_variable_changes_a_model_of_the_file(load: Load) -> None:
    toml = "[models.Mine]\ncheckpoint = '/m.pth'"
    env = {"MOFSIM_MODELS__MINE__DTYPE": "float64", "MOFSIM_MODELS__MINE__OPTIONS": '{"a": [1]}'}
    mine = load(toml, env).models["Mine"]
    assert (mine.dtype, mine.options) == ("float64", {"a": [1]})


def test_variables_of_others_are_left_alone(load: Load) -> None:
    load(env={"MOFSIM_API_KEY": "x", "MOFSIM_SERVER": "http://box:1", "SERVER__PORT": "x"})
