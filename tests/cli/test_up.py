"""`mofsim up`: real server, real worker, real signals."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mofsim.client import Client, ServerUnreachable
from mofsim.vocabulary import TaskStatus
from tests.client.running import wait_until
from tests.conftest import Prepared

from .processes import Commands, child_with, descendants, first_document, wait_until_gone

pytestmark = pytest.mark.slow


@pytest.fixture
def commands(tmp_path: Path, prepared: Prepared) -> Iterator[Commands]:
    with prepared.copied(tmp_path) as rows:
        commands = Commands(tmp_path, rows)
        yield commands
        commands.close()


@pytest.fixture
def up(commands: Commands) -> subprocess.Popen[str]:
    return commands.start("up", "--port", "0", "--json")


def wait_for_a_worker(url: str) -> None:
    with Client(url) as client:
        wait_until(lambda: client.health().workers_online, lambda: "no worker came online")


def test_it_tells_its_url_runs_a_task_and_stops_in_good_order(up: subprocess.Popen[str]) -> None:
    said = first_document(up)
    assert said["pid"] == up.pid
    with Client(said["url"]) as client:
        task = client.submit("single-point", "Mg-MOF-74")
        assert client.wait(task.id).status is TaskStatus.COMPLETED
    below = descendants(up.pid)
    assert len(below) >= 4, "server, worker, device worker, executor"
    up.send_signal(signal.SIGINT)
    stdout, stderr = up.communicate(timeout=30)
    assert (up.returncode, stdout) == (0, "") and "stopping" in stderr
    wait_until_gone(below)


def test_a_kill_leaves_no_process_behind(up: subprocess.Popen[str]) -> None:
    wait_for_a_worker(first_document(up)["url"])
    below = descendants(up.pid)
    up.kill()
    wait_until_gone(below)


def test_a_server_that_dies_is_started_again(up: subprocess.Popen[str]) -> None:
    url = first_document(up)["url"]
    os.kill(child_with(up.pid, "serve"), signal.SIGKILL)
    assert up.stderr is not None
    assert any("the server was killed by SIGKILL; it is started again in 1 s" in line for line in up.stderr)
    with Client(url) as client:
        wait_until(lambda: _answers(client), lambda: "the new server does not answer")


def _answers(client: Client) -> bool:
    try:
        return client.health().status == "ok"
    except ServerUnreachable:
        return False


def test_a_second_signal_ends_it_at_once(up: subprocess.Popen[str]) -> None:
    first_document(up)
    below = descendants(up.pid)
    # A server that does not answer to SIGTERM is what one presses Ctrl-C again for.
    os.kill(child_with(up.pid, "serve"), signal.SIGSTOP)
    up.send_signal(signal.SIGTERM)
    assert up.stderr is not None and any("stopping" in line for line in up.stderr)
    up.send_signal(signal.SIGTERM)
    up.wait(5)
    assert up.returncode == 128 + signal.SIGTERM
    wait_until_gone(below)


def test_a_port_that_is_in_use_is_said_though_whoever_holds_it_never_answers(commands: Commands) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        up = commands.start("up", "--port", str(port))
        _, stderr = up.communicate(timeout=30)
    assert up.returncode == 1 and f"port {port} is in use" in stderr


def test_a_second_one_says_that_one_runs(commands: Commands, up: subprocess.Popen[str]) -> None:
    url = first_document(up)["url"]
    second = commands.start("up", "--port", url.rpartition(":")[2])
    _, stderr = second.communicate(timeout=30)
    assert second.returncode == 1 and f"mofsim runs at {url} already" in stderr


def test_a_server_that_can_not_start_ends_it(commands: Commands) -> None:
    shutil.rmtree(commands.folder / "data")
    (commands.folder / "data").touch()
    up = commands.start("up", "--port", "0", "--json")
    stdout, stderr = up.communicate(timeout=30)
    assert (up.returncode, stdout) == (1, "")
    assert "the server ended with status 1 before it was ready" in stderr
