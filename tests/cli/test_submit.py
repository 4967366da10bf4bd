import threading
from datetime import datetime
from pathlib import Path

import pytest

from mofsim.client import Client
from mofsim.vocabulary import Priority, TaskStatus
from tests.client.running import Hands
from tests.client.test_client import XYZ

from .conftest import Mofsim


def test_a_task_is_submitted_with_all_that_was_said(mofsim: Mofsim, client: Client) -> None:
    said = mofsim(
        *("submit", "optimization", "--structure", "mof-5", "--model", "lj", "--preset", "quick", "--json"),
        *("--param", "fmax=0.1", "--param", "relax_cell=false", "--param", "optimizer=FIRE"),
        *("--priority", "high", "--timeout", 60, "--not-before", "2999-01-01T12:00", "--max-attempts", 2),
    )
    task = client.task(said.document["id"])
    assert task.status is TaskStatus.PENDING and task.priority is Priority.HIGH
    assert (task.parameters["fmax_eV_per_A"], task.parameters["relax_cell"]) == (0.1, False)
    assert (task.parameters["optimizer"], task.timeout_seconds, task.max_attempts) == ("FIRE", 60, 2)
    assert task.not_before == datetime(2999, 1, 1, 12).astimezone()


def test_without_json_it_says_how_to_go_on(mofsim: Mofsim) -> None:
    said = mofsim("submit", "single-point", "--structure", "MOF-5")
    assert said.status == 0 and "is QUEUED; `mofsim watch" in said.stdout


def test_the_same_key_again_gives_the_same_task(mofsim: Mofsim) -> None:
    line = ("submit", "single-point", "--structure", "MOF-5", "--key", "of this test", "--json")
    assert mofsim(*line).document["id"] == mofsim(*line).document["id"]


def test_a_file_is_uploaded_first(mofsim: Mofsim, client: Client, tmp_path: Path) -> None:
    (tmp_path / "oxide.xyz").write_text(XYZ)
    said = mofsim("submit", "single-point", "--structure", "oxide.xyz", "--json")
    structure = client.structure(said.document["structure"]["id"])
    assert structure.formula == "MgO" and structure.original_name == "oxide.xyz"
    assert f"as structure {structure.id}" in said.stderr


def test_an_uploaded_structure_is_named_by_its_id_or_its_name(mofsim: Mofsim, client: Client, tmp_path: Path) -> None:
    (tmp_path / "s.xyz").write_text(XYZ)
    structure = client.add_structure(tmp_path / "s.xyz", name="only one is called so")
    for given in (structure.id, "Only one is called so"):
        said = mofsim("submit", "single-point", "--structure", given, "--json")
        assert said.document["structure"]["id"] == structure.id


def test_a_name_wins_over_a_file_that_is_called_like_it(mofsim: Mofsim, tmp_path: Path) -> None:
    (tmp_path / "MOF-5").write_text(XYZ)
    by_name = mofsim("submit", "single-point", "--structure", "MOF-5", "--json").document
    by_path = mofsim("submit", "single-point", "--structure", "./MOF-5", "--json").document
    assert by_name["structure"]["is_builtin"] and by_path["structure"]["formula"] == "MgO"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("MOF-55", "did you mean MOF-5"),
        ("zzzzzz", "`mofsim structures list`"),
        ("./no-such.cif", "there is no file ./no-such.cif"),
    ],
)
def test_a_structure_that_is_nothing_is_wrong_use_and_says_what_is_near(
    mofsim: Mofsim, given: str, reason: str
) -> None:
    said = mofsim("submit", "single-point", "--structure", given)
    assert (said.status, said.stdout) == (2, "") and reason in said.stderr


@pytest.mark.parametrize(
    "wrong",
    [
        ("--param", "fmax"),
        ("--param", "=1"),
        ("--not-before", "tomorrow"),
        ("--timeout", "0"),
        ("--preset", "fast"),
        ("--param", "fmax=-1"),
        ("--param", "fmx=0.1"),
        ("--model", "no-such-model"),
    ],
)
def test_wrong_options_have_exit_status_2_and_a_json_error(mofsim: Mofsim, wrong: tuple[str, str]) -> None:
    said = mofsim("submit", "optimization", "--structure", "MOF-5", *wrong, "--json")
    assert said.status == 2
    assert set(said.document["error"]) == {"type", "detail", "field"}


def complete(client: Client, hands: Hands, seconds: float) -> None:
    client.submit("single-point", "MOF-5")
    hands.end(hands.take(), metrics={"duration_seconds": seconds, "peak_memory_MB": 1300.0})


def test_what_is_expected_is_said_with_the_task_once_something_was_learnt(
    own_mofsim: Mofsim, own_client: Client, hands: Hands
) -> None:
    line = ("submit", "single-point", "--structure", "MOF-5")
    assert own_mofsim(*line).stdout == "task 1 is QUEUED; `mofsim watch 1` follows it\n"
    own_client.cancel(1)
    for seconds in (12, 40, 95):
        complete(own_client, hands, seconds)
    expected = "about 1.3 GB and 40 s (12–95 s, learnt from 3 tasks)"
    assert own_mofsim(*line).stdout == f"task 5 is QUEUED; {expected}; `mofsim watch 5` follows it\n"
    assert set(own_mofsim(*line, "--json").document) == set(own_client.task(5).model_dump())


def test_a_dry_run_says_what_is_expected_and_queues_nothing(
    own_mofsim: Mofsim, own_client: Client, hands: Hands
) -> None:
    line = ("submit", "single-point", "--structure", "MOF-5", "--dry-run")
    said = own_mofsim(*line)
    assert said.status == 0 and "single-point of MOF-5 (106 atoms) with lj, preset mofsimbench" in said.stdout
    assert "not known yet: no task of this model has ended here" in said.stdout
    assert "no worker: no worker takes tasks now" in said.stdout
    complete(own_client, hands, 40)
    hands.register("box:cpu0")
    lines = [text.split("  ", 1) for text in own_mofsim(*line).stdout.splitlines()]
    found = {name: value.strip() for name, value in lines}
    assert found["expected"] == "about 1.3 GB and 40 s (learnt from 1 task)"
    assert found["memory on cpu"] == "1.3 GB: what 106 atoms took" and found["fits on"] == "box:cpu0"
    document = own_mofsim(*line, "--json").document
    assert (document["seconds"]["median"], document["fits"]) == (40.0, ["box:cpu0"])
    assert own_client.tasks().total == 1


def test_a_dry_run_uploads_a_file_once(mofsim: Mofsim, client: Client, tmp_path: Path) -> None:
    (tmp_path / "dry.xyz").write_text(XYZ.replace("2.1", "2.15"))
    line = ("submit", "single-point", "--structure", "dry.xyz", "--dry-run", "--json")
    first, second = mofsim(*line).document, mofsim(*line).document
    assert first["structure"]["formula"] == "MgO" and first["structure"]["id"] == second["structure"]["id"]


@pytest.mark.parametrize("more", [("--wait",), ("--key", "k"), ("--model", "none"), ("--param", "fmx=1")], ids="".join)
def test_a_dry_run_of_what_could_not_be_submitted_is_wrong_use(mofsim: Mofsim, more: tuple[str, ...]) -> None:
    said = mofsim("submit", "single-point", "--structure", "MOF-5", "--dry-run", *more, "--json")
    assert said.status == 2 and set(said.document["error"]) == {"type", "detail", "field"}


def play(client: Client, hands: Hands, status: TaskStatus, **outcome: object) -> None:
    """Run the first task that comes."""
    for event in client.follow(0):
        if event.data.get("task", {}).get("status") == TaskStatus.QUEUED:
            break
    lease = hands.take()
    hands.step(lease, 1)
    hands.end(lease, status, **outcome)


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        ({"status": TaskStatus.COMPLETED, "result": {"energy_eV": -1.25}}, 0),
        ({"status": TaskStatus.FAILED, "error_type": "Broken", "error_message": "it broke"}, 1),
    ],
)
def test_waiting_ends_with_the_result_and_the_fate_of_the_task(
    own_mofsim: Mofsim, own_client: Client, hands: Hands, outcome: dict[str, object], status: int
) -> None:
    worker = threading.Thread(target=play, args=(own_client, hands), kwargs=outcome)
    worker.start()
    said = own_mofsim("submit", "single-point", "--structure", "MOF-5", "--wait", "--json")
    worker.join()
    assert said.status == status
    assert said.document["task"]["status"] == outcome["status"]
    assert said.document["result"]["result"] == outcome.get("result", {})
    assert f"task 1 {outcome['status']}" in said.stderr
