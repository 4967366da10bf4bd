import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from mofsim.client import Client
from mofsim.core.leases import Lease
from mofsim.schemas.tasks import Task
from tests.client.running import Hands, Server

from .conftest import Mofsim


@pytest.fixture
def own_server(server_of_file: Server) -> Server:
    """No task is left here that could be taken for that of the next test."""
    return server_of_file


@pytest.fixture
def ended(own_client: Client, hands: Hands) -> Iterator[Task]:
    """A task with a result, a log and two files."""
    task = own_client.submit("optimization", "MOF-5")
    lease = hands.take()
    hands.say(lease, "it begins")
    files = hands.write(lease, "optimized.cif", "data_x") | hands.write(lease, "series.csv", "step\n0")
    result = {"final_energy_eV": -1.23456789, "converged": True, "steps": 12, "cell": [1.0, 2.5], "stress": None}
    hands.end(lease, result=result, output_files=files)
    yield own_client.task(task.id)


def test_a_result_is_shown_line_by_line(own_mofsim: Mofsim, ended: Task) -> None:
    said = own_mofsim("result", ended.id)
    lines = dict(line.split(maxsplit=1) for line in said.stdout.splitlines())
    assert lines["final_energy_eV"] == "-1.23457" and lines["converged"] == "yes"
    assert lines["stress"] == "–" and lines["cell"] == "[1, 2.5]"
    assert lines["files"] == "optimized.cif, series.csv"
    assert own_mofsim("result", ended.id, "--json").document["result"]["steps"] == 12


POINTS = [
    {"volume_A3": 4128.7, "energy_eV": -10.5, "converged": True, "steps": 3},
    {"volume_A3": 4300.0, "energy_eV": -12.25, "converged": False, "steps": 50},
]


def test_records_in_a_result_are_a_table_below_the_fields_and_many_numbers_are_shortened(
    own_mofsim: Mofsim, own_client: Client, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    id = own_client.submit("bulk-modulus", "MOF-5").id
    temperatures = [10.0 * i for i in range(101)]
    result = {"points": POINTS, "temperatures_K": temperatures, "cell": [1.0] * 6, "fit_ok": True}
    hands.end(hands.take(), result=result)
    lines = own_mofsim("result", id).stdout.splitlines()
    assert "temperatures_K    [0, 10, … 1000] (101 values)" in lines
    assert "cell              [1, 1, 1, 1, 1, 1]" in lines
    assert lines[-5:] == [
        "",
        "points",
        "  volume_A3  energy_eV  converged  steps",
        "  4128.7000      -10.5  yes            3",
        "       4300     -12.25  no            50",
    ]
    document = own_mofsim("result", id, "--json").document
    assert (document["result"]["points"], document["result"]["temperatures_K"]) == (POINTS, temperatures)
    monkeypatch.setenv("COLUMNS", "36")
    turned = own_mofsim("result", id).stdout.splitlines()
    assert turned[-4:] == [
        "  volume_A3  4128.7000    4300",
        "  energy_eV      -10.5  -12.25",
        "  converged        yes      no",
        "  steps              3      50",
    ]


def test_a_long_table_says_how_much_is_missing(own_mofsim: Mofsim, own_client: Client, hands: Hands) -> None:
    id = own_client.submit("stability", "MOF-5").id
    hands.end(hands.take(), result={"metal_coordination": [{"index": i, "before": 4} for i in range(50)]})
    lines = own_mofsim("result", id).stdout.splitlines()
    assert lines[-1] == "  … 10 more; --json has all of them" and lines[-2].split() == ["39", "4"]


def test_files_are_listed_and_downloaded(own_mofsim: Mofsim, ended: Task, tmp_path: Path) -> None:
    assert [line.split() for line in own_mofsim("files", ended.id).stdout.splitlines()] == [
        ["SIZE", "NAME"],
        ["6", "B", "optimized.cif"],
        ["6", "B", "series.csv"],
    ]
    said = own_mofsim("files", ended.id, "--download", "new/folder", "--json")
    assert said.document["optimized.cif"] == "new/folder/optimized.cif"
    assert (tmp_path / "new/folder/optimized.cif").read_text() == "data_x"


def test_files_that_were_compressed_are_downloaded_as_they_were_and_removed_ones_told_of(
    own_mofsim: Mofsim, own_client: Client, hands: Hands, tmp_path: Path
) -> None:
    id = own_client.submit("single-point", "MOF-5").id
    lease = hands.take()
    hands.end(lease, output_files=hands.write(lease, "points.csv", "1,2\n" * 5000))
    hands.grow_old(compress_after=timedelta())
    assert own_mofsim("files", id).stdout.splitlines()[1].split()[-1] == "points.csv.gz"
    assert own_mofsim("files", id, "--download", "here", "--json").document == {"points.csv": "here/points.csv"}
    assert (tmp_path / "here/points.csv").read_text() == "1,2\n" * 5000

    hands.grow_old(keep=timedelta())
    assert "removed by their age" in own_mofsim("result", id).stdout
    for line in ([], ["--download", "there"]):
        said = own_mofsim("files", id, *line)
        assert (said.status, said.stdout) == (0, "") and "removed by their age" in said.stderr


def test_the_log_is_shown_with_its_newest_lines_last(own_mofsim: Mofsim, ended: Task, hands: Hands) -> None:
    for word in ("second", "third"):
        hands.say(Lease(ended.id, 1, "box:cpu0"), word)
    shown = [line.split()[-1] for line in own_mofsim("logs", ended.id, "-n", 2).stdout.splitlines()]
    assert shown == ["second", "third"]
    assert len(own_mofsim("logs", ended.id, "--json").document) == 3


def test_a_log_is_followed_until_the_task_has_ended(own_mofsim: Mofsim, own_client: Client, hands: Hands) -> None:
    task = own_client.submit("single-point", "MOF-5")
    lease = hands.take()
    hands.say(lease, "first")

    def go_on() -> None:
        hands.say(lease, "last")
        hands.end(lease)

    worker = threading.Thread(target=go_on)
    worker.start()
    said = own_mofsim("logs", "-f", task.id)
    worker.join()
    assert [line.split()[-1] for line in said.stdout.splitlines()] == ["first", "last"]


def test_lines_of_a_log_are_chosen_by_level_and_text(own_mofsim: Mofsim, ended: Task, hands: Hands) -> None:
    assert own_mofsim("logs", ended.id, "--text", "IT BEG").stdout.endswith("it begins\n")
    assert own_mofsim("logs", ended.id, "--level", "error").stdout == ""


def test_without_a_task_the_log_is_that_of_all_processes(own_mofsim: Mofsim, ended: Task) -> None:
    own_mofsim("show", ended.id)
    said = own_mofsim("logs", "--text", "/tasks/", "-n", 5).stdout.splitlines()
    assert said and all(" INFO " in line and " server " in line and "request" in line for line in said)
    [line] = own_mofsim("logs", "-n", 1, "--json").document
    assert line["process"] == "server" and line["extra"]["route"]


def test_a_followed_log_is_no_json_document(own_mofsim: Mofsim) -> None:
    assert own_mofsim("logs", "-f", 1, "--json").status == 2


def test_a_task_that_has_not_ended_has_no_result_yet(own_mofsim: Mofsim, own_client: Client) -> None:
    task = own_client.submit("single-point", "MOF-5")
    said = own_mofsim("result", task.id, "--json")
    assert said.status == 1 and said.document["error"]["type"] == "Conflict"
    own_client.cancel(task.id)
