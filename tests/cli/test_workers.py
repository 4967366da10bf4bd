"""Workers, taken out of service and back; how a worker itself does that is held in tests/worker."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from mofsim.client import Client
from mofsim.settings import Settings
from mofsim.vocabulary import WorkerState
from mofsim.worker.shift import Shift
from tests.client.running import Hands, wait_until

from .conftest import Mofsim


@pytest.fixture
def two(own_client: Client, hands: Hands) -> list[str]:
    """The ids of two workers: one has a task, one has none."""
    ids = ["box:cpu0", "box:gpu0"]
    for id in ids:
        hands.register(id)
    hands.say_state("box:gpu0", WorkerState.BUSY, 7)
    return ids


def drained(client: Client) -> list[str]:
    return [worker.id for worker in client.workers() if worker.drain]


def test_one_worker_is_drained_and_resumed(own_mofsim: Mofsim, own_client: Client, two: list[str]) -> None:
    assert own_mofsim("worker", "drain", "box:gpu0").stdout == "worker box:gpu0 takes no task after task 7\n"
    assert drained(own_client) == ["box:gpu0"]
    assert own_mofsim("worker", "resume", "box:gpu0").stdout == "worker box:gpu0 takes tasks again\n"
    assert drained(own_client) == []


def test_one_that_is_not_there_does_not_stop_the_others(own_mofsim: Mofsim, own_client: Client, two: list[str]) -> None:
    said = own_mofsim("worker", "drain", "box:gpu9", "box:cpu0", "--json")
    assert said.status == 1 and drained(own_client) == ["box:cpu0"]
    assert [item["id"] for item in said.document["items"]] == ["box:cpu0"]
    assert [(each["id"], each["error"]["type"]) for each in said.document["errors"]] == [("box:gpu9", "NotFound")]


def test_all_are_drained_and_resumed(own_mofsim: Mofsim, own_client: Client, two: list[str]) -> None:
    assert own_mofsim("worker", "drain", "--all").status == 0
    assert drained(own_client) == two
    assert len(own_mofsim("worker", "resume", "--all", "--json").document["items"]) == 2
    assert drained(own_client) == []


@pytest.mark.parametrize("verb", ["drain", "resume"])
def test_workers_must_be_named(own_mofsim: Mofsim, own_client: Client, two: list[str], verb: str) -> None:
    said = own_mofsim("worker", verb)
    assert said.status == 2 and "there are box:cpu0, box:gpu0" in said.stderr
    assert own_mofsim("worker", verb, "box:cpu0", "--all").status == 2
    assert drained(own_client) == []


def test_without_a_worker_there_is_none_to_name(mofsim: Mofsim) -> None:
    said = mofsim("worker", "drain")
    assert said.status == 2 and "no worker was ever here" in said.stderr


def test_waiting_says_for_what_and_ends_when_all_have_no_task(
    own_mofsim: Mofsim, own_client: Client, hands: Hands, two: list[str]
) -> None:
    def obey() -> None:
        wait_until(lambda: drained(own_client) == two, lambda: "they were not drained")
        hands.say_state("box:cpu0", WorkerState.DRAINED)
        hands.say_state("box:gpu0", WorkerState.DRAINING, 7)
        hands.say_state("box:gpu0", WorkerState.DRAINED)

    worker = threading.Thread(target=obey)
    worker.start()
    said = own_mofsim("worker", "drain", "--all", "--wait", "--json")
    worker.join()
    assert said.status == 0, said.stderr
    assert [item["state"] for item in said.document["items"]] == ["DRAINED", "DRAINED"]


def test_what_is_waited_for_is_told(own_mofsim: Mofsim, own_client: Client, hands: Hands, two: list[str]) -> None:
    # The document comes when the wait is over; what it waits for is said at once.
    timer = threading.Timer(1.5, hands.say_state, ("box:gpu0", WorkerState.STOPPED))
    timer.start()
    said = own_mofsim("worker", "drain", "box:gpu0", "--wait")
    assert (said.status, said.stderr) == (0, "waiting: box:gpu0 is DRAINING with task 7\n")


def test_a_worker_that_somebody_resumes_is_waited_for_no_longer(
    own_mofsim: Mofsim, own_client: Client, two: list[str]
) -> None:
    def interfere() -> None:
        wait_until(lambda: drained(own_client) == ["box:gpu0"], lambda: "it was not drained")
        own_client.resume_worker("box:gpu0")

    other = threading.Thread(target=interfere)
    other.start()
    said = own_mofsim("worker", "drain", "box:gpu0", "--wait", "--json")
    other.join()
    assert said.status == 1 and said.document["items"] == []
    assert "resumed by somebody" in said.document["errors"][0]["error"]["detail"]


def test_the_list_tells_states_and_what_is_wrong(own_mofsim: Mofsim, own_client: Client, hands: Hands) -> None:
    hands.register("box:cpu0", WorkerState.PAUSED, "the disk is full")
    hands.register("box:gpu0", WorkerState.STOPPED)
    hands.register("box:gpu1", WorkerState.DRAINED)
    for id in ("box:gpu0", "box:gpu1"):
        own_client.drain_worker(id)
    paused, stopped, drained = own_mofsim("workers").stdout.splitlines()[1:]
    assert "PAUSED" in paused and paused.endswith("the disk is full")
    assert "STOPPED" in stopped and stopped.endswith("takes no tasks until it is resumed")
    assert "DRAINED" in drained and "resumed" not in drained


def test_options_of_a_worker_that_runs_do_not_fit_the_others(command: Mofsim) -> None:
    said = command("worker", "--cpu-slots", 1, "drain", "--all")
    assert (
        said.status == 2
        and "--gpus, --cpu-slots, --for, --idle-exit and --chores are for running a worker" in said.stderr
    )


def test_without_a_command_it_runs(command: Mofsim, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def run(settings: Settings, shift: Shift, *, only_chores: bool) -> int:
        assert not only_chores
        seen.append((settings.worker.cpu_slots, shift))
        return 7

    monkeypatch.setattr("mofsim.worker.supervisor.run", run)
    for name in ("MOFSIM_WORKER__GPUS", "MOFSIM_WORKER__CPU_SLOTS"):
        # The command writes them for its children.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    assert command("worker", "--gpus", "0", "--cpu-slots", 3).status == 7
    assert seen == [(3, Shift())]
    before = datetime.now(UTC)
    assert command("worker", "--for", "4h", "--idle-exit", "10m").status == 7
    _, shift = seen[-1]
    assert shift.idle_exit_seconds == 600
    assert timedelta(hours=4) <= shift.ends_at - before < timedelta(hours=4, minutes=1)
    said = command("worker", "--for", "5s")
    assert said.status == 2 and "leaving in good order alone takes" in said.stderr
