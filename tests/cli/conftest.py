"""Commands run in this process, except where a signal or a terminal matters."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mofsim.cli.entry import run
from tests.client.conftest import client, hands, own_client, own_server, server_of_file, shared_server
from tests.client.running import Server

__all__ = ["client", "hands", "own_client", "own_server", "server_of_file", "shared_server"]


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit status."""

    status: int
    stdout: str
    stderr: str

    @property
    def document(self) -> Any:
        """stdout as the one JSON document that it must be."""
        return json.loads(self.stdout)


Mofsim = Callable[..., Said]


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder whose user has no settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture
def command(nowhere: None, capsys: pytest.CaptureFixture[str]) -> Mofsim:
    """Run a command line as it is."""

    def command(*arguments: object) -> Said:
        capsys.readouterr()
        status = run([str(argument) for argument in arguments])
        return Said(status, *capsys.readouterr())

    return command


@pytest.fixture
def mofsim(shared_server: Server, command: Mofsim) -> Mofsim:
    """Run a command line with the server that tests share."""
    return lambda *arguments: command("--server", shared_server.url, *arguments)


@pytest.fixture
def own_mofsim(own_server: Server, command: Mofsim) -> Mofsim:
    """Run a command line with the server of this test alone."""
    return lambda *arguments: command("--server", own_server.url, *arguments)
