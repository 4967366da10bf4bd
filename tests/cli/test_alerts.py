import threading
from collections.abc import Iterator
from contextlib import contextmanager

from mofsim.client import Client
from mofsim.settings import load_settings
from mofsim.worker.notifying import Notifier
from tests.client.running import Hands, Server

from .conftest import Mofsim


def test_alerts_are_listed_while_they_hold_and_with_all_after(
    own_mofsim: Mofsim, own_client: Client, hands: Hands
) -> None:
    said = own_mofsim("alerts")
    assert (said.status, said.stdout) == (0, "") and "nothing needs you" in said.stderr
    hands.alert("box:gpu0", "the GPU fell off the bus")
    hands.alert("box:gpu1", "the GPU fell off the bus")
    hands.resolve("box:gpu0")
    (row,) = own_mofsim("alerts").stdout.splitlines()[1:]
    assert (
        row.split()[:3] == ["2", "ERROR", "box:gpu1"] and "  new  " in row and row.endswith("the GPU fell off the bus")
    )
    assert [each["subject"] for each in own_mofsim("alerts", "--json").document] == ["box:gpu1"]
    assert [each["resolved"] for each in own_mofsim("alerts", "--all", "--json").document] == [False, True]
    assert len(own_mofsim("alerts", "--all").stdout.splitlines()) == 3


def test_alerts_are_acknowledged_silenced_and_resolved(own_mofsim: Mofsim, hands: Hands) -> None:
    hands.alert("box:gpu0", "the GPU fell off the bus")
    assert own_mofsim("alerts", "ack", 1, "--note", "on my way").stdout == "alert 1 is acknowledged\n"
    assert own_mofsim("alerts", "silence", 1, "--for", "2h").stdout.startswith("alert 1 is silent until 20")
    shown = own_mofsim("alerts", "show", 1)
    assert "acknowledged by local, silent until 20" in shown.stdout and "local: on my way" in shown.stdout
    document = own_mofsim("alerts", "show", 1, "--json").document
    assert document["alert"]["acknowledged_by"] == "local" and document["notifications"] == []
    assert own_mofsim("alerts", "silence", 1, "--for", "0").stdout == "alert 1 is silent no more\n"
    assert own_mofsim("alerts", "silence", 1, "--for", "soon").status == 2
    assert own_mofsim("alerts", "resolve", 1, "--json").document["items"][0]["resolved"]
    again = own_mofsim("alerts", "resolve", 1, 7)
    assert again.status == 1 and "over already" in again.stderr and "no alert 7" in again.stderr
    assert own_mofsim("alerts", "--all", "ack", 1).status == 2


def test_rules_are_listed_changed_added_and_removed(own_mofsim: Mofsim) -> None:
    rows = own_mofsim("alerts", "rules", "list").stdout.splitlines()
    assert len(rows) == 14 and any("gpu_hot" in row and "85 °C" in row and "for 10 s" in row for row in rows)
    assert own_mofsim("alerts", "rules", "set", "gpu_hot", "--threshold", 70, "--channel", "log").status == 0
    changed = own_mofsim("alerts", "rules", "set", "gpu_hot", "--no-escalation", "--json").document
    assert (changed["condition"]["threshold"], changed["escalate_to"], changed["channels"]) == (70, None, ["log"])
    assert own_mofsim("alerts", "rules", "off", "gpu_hot", "--json").document["enabled"] is False
    assert own_mofsim("alerts", "rules", "on", "gpu_hot", "--json").document["enabled"] is True
    assert own_mofsim("alerts", "rules", "silence", "gpu_hot", "--for", "1d", "--json").document["silenced_until"]
    reset = own_mofsim("alerts", "rules", "reset", "gpu_hot", "--json").document
    assert (reset["condition"]["threshold"], reset["channels"], reset["silenced_until"]) == (85, None, None)
    added = own_mofsim("alerts", "rules", "add", "warm", "gpu_hot", "--threshold", 60, "--level", "INFO", "--json")
    assert (added.document["name"], added.document["level"], added.document["is_builtin"]) == ("warm", "INFO", False)
    assert "warm*" in own_mofsim("alerts", "rules", "list").stdout
    assert own_mofsim("alerts", "rules", "rm", "warm").stdout == "rule warm is deleted\n"
    refused = own_mofsim("alerts", "rules", "rm", "gpu_hot")
    assert refused.status == 1 and "built in" in refused.stderr
    wrong = own_mofsim("alerts", "rules", "set", "queue_long", "--steps", 5)
    assert wrong.status == 2 and "not known to queue_long" in wrong.stderr
    assert own_mofsim("alerts", "rules", "set", "queue_long").status == 2
    missing = own_mofsim("alerts", "rules", "on", "no-such")
    assert missing.status == 2 and "there are gpu_lost, " in missing.stderr


@contextmanager
def channels_told(server: Server) -> Iterator[None]:
    """While in the block channels are told, as the chores of a worker do it."""
    notifier, stop = Notifier(load_settings(env=server.environment, cwd=server.folder)), threading.Event()

    def rounds() -> None:
        while not stop.wait(0.05):
            notifier.round()

    thread = threading.Thread(target=rounds)
    thread.start()
    yield
    stop.set()
    thread.join()
    notifier.close()


def test_a_channel_is_tested_by_whoever_tells_channels(own_mofsim: Mofsim, own_server: Server) -> None:
    nobody = own_mofsim("alerts", "test", "log", "--within", 0)
    assert nobody.status == 1 and "none seems to run" in nobody.stdout
    # The folder that the file is to be in is a file.
    (own_server.data / "alerts").touch()
    with channels_told(own_server):
        told = own_mofsim("alerts", "test", "log")
        failed = own_mofsim("alerts", "test", "book")
    # Whoever tells channels here writes its log to the same place.
    assert told.status == 0 and told.stdout.endswith("the channel log was told\n")
    assert failed.status == 1 and "the channel book was not told: " in failed.stdout
    assert "can not be written" in failed.stdout
    missing = own_mofsim("alerts", "test", "no-such")
    assert missing.status == 1 and "there are log, book" in missing.stderr
