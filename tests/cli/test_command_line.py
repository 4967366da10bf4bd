"""The frame around all commands: options, exit statuses, what goes where, what is imported."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mofsim import __version__
from mofsim.cli.group import PLACES

from .conftest import Mofsim

NOBODY = ("--server", "127.0.0.1:1")

#: Every command that talks to a server, as a whole line.
LINES = [
    ("submit", "single-point", "--structure", "1"),
    ("tasks",),
    ("show", "1"),
    ("watch", "1"),
    ("why", "1"),
    ("result", "1"),
    ("logs", "1"),
    ("files", "1"),
    ("cancel", "1"),
    ("retry", "1"),
    ("priority", "1", "HIGH"),
    ("rm", "1"),
    ("deliveries", "1"),
    ("redeliver", "1"),
    ("worker", "drain", "--all"),
    ("worker", "resume", "box:gpu0"),
    ("structures", "list"),
    ("structures", "show", "1"),
    ("structures", "rm", "1"),
    ("models", "list"),
    ("models", "show", "lj"),
    ("gpus",),
    ("hosts",),
    ("workers",),
    ("alerts",),
    ("alerts", "--all"),
    ("alerts", "ack", "1"),
    ("alerts", "resolve", "1"),
    ("alerts", "silence", "1"),
    ("alerts", "show", "1"),
    ("alerts", "rules", "list"),
    ("alerts", "rules", "kinds"),
    ("alerts", "rules", "set", "gpu_hot", "--threshold", "85"),
]


@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_a_server_that_is_not_there_has_exit_status_3_and_a_json_error(command: Mofsim, line: tuple[str, ...]) -> None:
    said = command(*line, *NOBODY, "--json")
    assert said.status == 3
    assert said.document["error"]["type"] == "ServerUnreachable"
    assert "mofsim up" in said.stderr


# `watch` waits for its task; test_watch.py has it.
@pytest.mark.parametrize("line", [line for line in LINES if line[0] != "watch"], ids=" ".join)
def test_with_json_stdout_is_one_document_and_without_it_no_error_is_there(
    mofsim: Mofsim, line: tuple[str, ...]
) -> None:
    assert json.loads(mofsim(*line, "--json").stdout) is not None
    said = mofsim(*line)
    assert said.status == 0 or said.stdout == ""


def test_global_options_stand_before_or_after_the_command(command: Mofsim) -> None:
    assert command("--json", *NOBODY, "tasks").document == command("tasks", "--json", *NOBODY).document
    between = command("models", *NOBODY, "--json", "list").document
    assert between == command("models", "list", "--json", *NOBODY).document


@pytest.mark.parametrize(
    "wrong", [("tasks", "--nonsense"), ("show",), ("show", "abc"), ("--settings", "no-such.toml", "tasks")]
)
def test_wrong_use_has_exit_status_2_and_a_json_error(command: Mofsim, wrong: tuple[str, ...]) -> None:
    said = command(*wrong, "--json")
    assert (said.status, said.document["error"]["type"]) == (2, "UsageError")


def test_a_command_that_is_not_there_is_guessed(command: Mofsim) -> None:
    said = command("taks")
    assert said.status == 2 and "did you mean tasks?" in said.stderr


def test_a_mistake_in_the_settings_is_named_with_its_place(command: Mofsim, tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("[server]\nprot = 1\n")
    said = command("tasks", "--json")
    assert said.status == 2 and said.document["error"]["type"] == "SettingsError"
    assert "settings.toml:2" in said.stderr and "server.port" in said.stderr


def test_the_settings_file_may_be_named(command: Mofsim, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text("[server]\nport = 2\n")
    assert ":2:" in command("tasks", "--settings", "other.toml").stderr


def test_a_server_that_is_no_url_is_wrong_use(command: Mofsim) -> None:
    assert command("tasks", "--server", "ftp://box").status == 2


def test_the_version_is_printed(command: Mofsim) -> None:
    assert command("--version").stdout == f"mofsim {__version__}\n"
    assert command("--json", "--version").document == {"version": __version__}


def test_the_help_lists_all_commands(command: Mofsim) -> None:
    said = command("--help")
    assert said.status == 0 and all(f"  {name} " in said.stdout for name in PLACES)


@pytest.mark.parametrize("name", PLACES)
def test_each_command_has_help(command: Mofsim, name: str) -> None:
    said = command(name, "--help")
    assert said.status == 0 and said.stdout.startswith("Usage: mofsim")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_of_a_shell_is_printed(command: Mofsim, shell: str) -> None:
    assert "_MOFSIM_COMPLETE" in command("completion", shell).stdout
    assert command("completion", shell, "--json").document["shell"] == shell


def imported(*arguments: str) -> set[str]:
    code = (
        "import sys; from mofsim.cli.entry import run; run(sys.argv[1:]); print('\\n', *sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    return set(done.stderr.splitlines()[-1].split())


def test_help_and_version_import_nothing_of_weight() -> None:
    for line in (["--help"], ["--version"]):
        assert not imported(*line) & {"httpx", "pydantic", "rich", "sqlalchemy", "mofsim.client"}


def test_listing_tasks_imports_nothing_that_only_a_server_or_a_worker_needs() -> None:
    heavy = {"sqlalchemy", "torch", "ase", "numpy", "uvicorn", "starlette", "huey", "textual"}
    assert not imported("tasks", *NOBODY) & heavy


def test_completing_a_command_imports_no_command() -> None:
    environment = {"_MOFSIM_COMPLETE": "bash_complete", "COMP_WORDS": "mofsim st", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "mofsim"], capture_output=True, text=True, env=environment
    )
    assert done.stdout == "plain,structures\n"
    assert "mofsim.cli.commands" not in done.stderr


def test_a_reader_that_goes_away_makes_no_traceback(mofsim: Mofsim, shared_server: object) -> None:
    url = shared_server.url  # type: ignore[attr-defined]
    line = f"{sys.executable} -m mofsim --server {url} models list | true"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr
