"""`mofsim watch` in a process of its own: signals, terminals."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from mofsim.client import Client
from mofsim.core.leases import Lease
from mofsim.schemas.tasks import Task
from mofsim.vocabulary import TaskStatus
from tests.client.running import Hands, Server

Watch = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def own_server(server_of_file: Server) -> Server:
    """No task is left waiting here that could be taken for that of the next test."""
    return server_of_file


@pytest.fixture
def watch(own_server: Server) -> Iterator[Watch]:
    """Start `mofsim watch …`."""
    started = []

    def start(*arguments: object, **more: object) -> subprocess.Popen[str]:
        line = [sys.executable, "-m", "mofsim", "--server", own_server.url, "watch", *map(str, arguments)]
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": own_server.environment} | more
        process = subprocess.Popen(line, text=True, **options)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def task(own_client: Client) -> Iterator[Task]:
    task = own_client.submit("optimization", "MOF-5")
    yield task
    if not own_client.task(task.id).status.is_final:
        own_client.cancel(task.id)


@pytest.fixture
def lease(task: Task, hands: Hands) -> Lease:
    return hands.take()


def line_with(process: subprocess.Popen[str], text: str) -> str:
    assert process.stdout is not None
    return next(line for line in process.stdout if text in line)


def test_each_status_is_a_line_and_so_are_steps_when_they_are_due(
    watch: Watch, task: Task, lease: Lease, hands: Hands
) -> None:
    process = watch(task.id, "--every", 0)
    line_with(process, "RUNNING  step 0")
    hands.step(lease, 7)
    assert "energy -17.0000 eV  fmax 0.1250 eV/Å" in line_with(process, "step 7/100")
    hands.end(lease)
    line_with(process, "COMPLETED")
    assert process.wait() == 0


def test_a_task_that_waits_says_why(watch: Watch, task: Task, hands: Hands) -> None:
    process = watch(task.id)
    line_with(process, "QUEUED")
    assert "No worker takes tasks: start one" in line_with(process, "worker")
    hands.end(hands.take())
    assert process.wait() == 0


def test_a_task_that_fails_has_exit_status_1_and_says_why(watch: Watch, task: Task, lease: Lease, hands: Hands) -> None:
    hands.end(lease, TaskStatus.FAILED, error_type="Broken", error_message="it broke")
    process = watch(task.id)
    assert "it broke" in process.communicate()[1] and process.returncode == 1


def test_with_json_progress_goes_to_stderr_and_the_task_to_stdout(
    watch: Watch, task: Task, lease: Lease, hands: Hands
) -> None:
    process = watch(task.id, "--json")
    assert process.stderr is not None and any("RUNNING" in line for line in process.stderr)
    hands.end(lease)
    stdout, _ = process.communicate()
    assert json.loads(stdout)["status"] == "COMPLETED"


def test_ctrl_c_leaves_the_task_running_and_says_so(watch: Watch, task: Task, lease: Lease, own_client: Client) -> None:
    process = watch(task.id)
    line_with(process, "RUNNING")
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate()
    assert process.returncode == 130
    assert f"task {task.id} goes on" in stderr and "Traceback" not in stderr
    assert own_client.task(task.id).status is TaskStatus.RUNNING


def test_ctrl_c_with_json_leaves_one_document(watch: Watch, task: Task, lease: Lease) -> None:
    process = watch(task.id, "--json")
    assert process.stderr is not None
    process.stderr.readline()
    process.send_signal(signal.SIGINT)
    assert json.loads(process.communicate()[0])["error"]["type"] == "Interrupted"


def test_it_goes_on_over_a_restart_of_the_server(
    watch: Watch, task: Task, lease: Lease, hands: Hands, own_server: Server
) -> None:
    process = watch(task.id, "--every", 0)
    line_with(process, "RUNNING")
    own_server.stop()
    hands.step(lease, 3)
    assert process.stderr is not None and "trying again" in process.stderr.readline()
    own_server.start()
    line_with(process, "step 3/100")
    hands.end(lease)
    line_with(process, "COMPLETED")


def read_to_the_end(terminal: int) -> str:
    """What is drawn until the other end is closed."""
    drawn = b""
    with suppress(OSError):
        while piece := os.read(terminal, 65536):
            drawn += piece
    return drawn.decode()


def test_on_a_terminal_the_picture_is_drawn_anew(
    watch: Watch, task: Task, lease: Lease, hands: Hands, own_server: Server
) -> None:
    ours, theirs = pty.openpty()
    process = watch(task.id, stdout=theirs, env=own_server.environment | {"TERM": "xterm"})
    os.close(theirs)
    drawn = b""
    while b"RUNNING" not in drawn:
        drawn += os.read(ours, 65536)
    for step in range(1, 4):
        hands.step(lease, step)
    hands.end(lease)
    text = read_to_the_end(ours)
    os.close(ours)
    assert process.wait() == 0
    assert "COMPLETED  step 3/100" in text and "fmax █" in text and "\x1b[2K" in text


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_table_on_a_terminal_has_colours_unless_they_are_not_wanted(
    own_server: Server, task: Task, variables: dict[str, str], coloured: bool
) -> None:
    ours, theirs = pty.openpty()
    line = [sys.executable, "-m", "mofsim", "--server", own_server.url, "tasks"]
    environment = own_server.environment | {"TERM": "xterm", "COLUMNS": "120"} | variables
    process = subprocess.Popen(line, stdout=theirs, env=environment)
    os.close(theirs)
    text = read_to_the_end(ours)
    os.close(ours)
    assert process.wait() == 0 and "MOF-5" in text
    assert ("\x1b[33mQUEUED" in text) is coloured
