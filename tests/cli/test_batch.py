"""Many tasks as one, from the command line."""

import csv
import threading
from pathlib import Path

import pytest

from mofsim.client import Client
from mofsim.vocabulary import TaskStatus
from tests.client.running import Hands
from tests.client.test_client import XYZ

from .conftest import Mofsim

LINE = ("batch", "submit", "--models", "lj,7net-0", "--structures", "MOF-5,ZIF-8", "--types", "single-point")


def test_a_product_is_submitted_with_files_and_sets(mofsim: Mofsim, client: Client, tmp_path: Path) -> None:
    (tmp_path / "oxide.xyz").write_text(XYZ)
    builtin = [each.id for each in client.structures(True)][:2]
    mofsim("structures", "set", "of-batches", *builtin)
    line = ("batch", "submit", "--models", "lj", "--structures", "oxide.xyz,@of-batches", "--structures", "MOF-5")
    line += ("--types", "optimization,single-point", "--preset", "quick", "--param", "fmax=0.2", "--name", "screen")
    said = mofsim(*line, "--priority", "low", "--json")
    tasks = client.tasks(batch=said.document["id"]).items
    assert len(tasks) == len(said.document["task_ids"]) == 6 and said.document["name"] == "screen"
    assert {task.parameters.get("fmax_eV_per_A") for task in tasks} == {0.2, None}
    assert {task.preset for task in tasks} == {"quick"} and {task.priority.name for task in tasks} == {"LOW"}
    again = mofsim(*line, "--json")
    assert {t.structure.id for t in client.tasks(batch=again.document["id"]).items} == {t.structure.id for t in tasks}


def test_a_dry_run_counts_and_leaves_nothing(mofsim: Mofsim, client: Client, tmp_path: Path) -> None:
    (tmp_path / "s.xyz").write_text(XYZ)
    before = client.health().last_event_id
    line = ("batch", "submit", "--models", "lj,7net-0", "--structures", "MOF-5,s.xyz", "--types", "single-point")
    assert "2 × 2 × 1 = 4" in mofsim(*line, "--dry-run").stdout
    assert mofsim(*line, "--dry-run", "--json").document["n_tasks"] == 4
    assert mofsim(*line[:-4], "--structures", "@no", "--types", "single-point", "--dry-run").status == 2
    assert client.health().last_event_id == before


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--types", "magic"], "there are single-point"),
        (["--param", "fmax=1"], "none of single-point takes 'fmax'"),
        (["--models", "nope"], "no model 'nope'"),
        (["--structures", "@nope"], "no set of structures 'nope'"),
        (["--structures", "nope.cif"], "neither a structure nor a file"),
    ],
)
def test_a_mistake_is_told_and_nothing_is_submitted(
    mofsim: Mofsim, client: Client, more: list[str], words: str
) -> None:
    before = client.health().last_event_id
    said = mofsim(*LINE, *more)
    assert said.status == 2 and words in said.stderr
    assert client.health().last_event_id == before


def test_a_parameter_goes_to_the_type_it_names(mofsim: Mofsim, client: Client) -> None:
    line = ("batch", "submit", "--models", "lj", "--structures", "MOF-5", "--types", "optimization,bulk-modulus")
    said = mofsim(*line, "--param", "fmax=0.2", "--param", "bulk-modulus.fmax=0.3", "--json")
    tasks = client.tasks(batch=said.document["id"]).items
    assert {t.task_type: t.parameters["fmax_eV_per_A"] for t in tasks} == {"optimization": 0.2, "bulk-modulus": 0.3}


def test_batches_are_listed_shown_cancelled_and_retried(own_mofsim: Mofsim, own_client: Client, hands: Hands) -> None:
    id = own_mofsim(*LINE, "--name", "mine", "--json").document["id"]
    hands.end(hands.take(), TaskStatus.FAILED, error_type="X", error_message="y")
    row = own_mofsim("batch", "list").stdout.splitlines()[1].split()
    assert row[:6] == [str(id), "mine", "4", "25.0", "%", "1"]
    assert "3 QUEUED, 1 FAILED" in own_mofsim("batch", "show", id).stdout
    assert own_mofsim("batch", "cancel", id).stdout.startswith("3 tasks of batch")
    assert own_mofsim("batch", "retry", id, "--json").document["batch"]["counts"]["QUEUED"] == 1
    assert own_mofsim("batch", "retry", id, "--cancelled").stdout.startswith("3 tasks of batch")
    assert own_mofsim("batch", "show", 99).status == 1


def test_a_batch_is_watched_until_its_last_task_has_ended(own_mofsim: Mofsim, own_client: Client, hands: Hands) -> None:
    id = own_mofsim(*LINE, "--json").document["id"]

    def work(last: TaskStatus) -> None:
        while own_client.batch(id).counts[TaskStatus.QUEUED] > 1:
            hands.end(hands.take())
        hands.end(hands.take(), last, error_type="X", error_message="y")

    worker = threading.Thread(target=work, args=(TaskStatus.FAILED,))
    worker.start()
    said = own_mofsim("batch", "watch", id, "--every", 0, "--json")
    worker.join()
    assert said.status == 1 and said.document["counts"]["COMPLETED"] == 3
    assert f"batch {id}" in said.stderr
    own_mofsim("batch", "retry", id)
    hands.end(hands.take())
    assert own_mofsim("batch", "watch", id).status == 0


def test_results_are_shown_and_saved_with_what_each_number_depends_on(
    own_mofsim: Mofsim, own_client: Client, hands: Hands, tmp_path: Path
) -> None:
    id = own_mofsim(*LINE, "--json").document["id"]
    result = {"energy_eV": -1.5, "energy_per_atom_eV": -0.25}
    hands.end(hands.take(), result=result, provenance={"d3": None, "dtype": "float64"})
    hands.end(hands.take(), TaskStatus.FAILED, error_type="SimulationExploded", error_message="far")
    shown = own_mofsim("batch", "results", id).stdout.splitlines()
    assert "energy_per_atom_eV = -0.250000" in shown[1] and "float64" in shown[1]
    assert "SimulationExploded" in shown[2] and len(shown) == 5
    assert own_mofsim("batch", "results", id, "--json").document[0]["energy_eV"] == -1.5
    assert own_mofsim("batch", "results", id, "--csv", "table.csv").status == 0
    with (tmp_path / "table.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["energy_eV"] for row in rows] == ["-1.5", "", "", ""] and rows[0]["d3"] == "false"
