"""Benchmarks from the command line, with a server and hands instead of a worker."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from mofsim.cli import benchmarking
from mofsim.client import Client
from mofsim.vocabulary import TaskStatus
from tests.client.running import Hands
from tests.client.test_client import XYZ

from .conftest import Mofsim

LINE = ("benchmark", "lj", "--tasks", "optimization", "--preset", "quick")
CIF = """data_{name}
_cell_length_a {a}
_cell_length_b {a}
_cell_length_c {a}
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P 1'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Mg1 Mg 0 0 0
O1 O 0.5 0.5 0.5
"""


def write_cifs(folder: Path, *sizes: float) -> None:
    folder.mkdir(exist_ok=True)
    for a in sizes:
        (folder / f"cube-{a}.cif").write_text(CIF.format(name=f"cube{a}", a=a))


def test_it_is_begun_and_the_same_line_again_goes_on_with_it(own_mofsim: Mofsim, own_client: Client) -> None:
    said = own_mofsim(*LINE, "--no-wait", "--json")
    assert (said.status, said.document["n_submitted"], said.document["is_new"]) == (0, 5, True)
    assert "5 structures, 1 models, 5 cells; 5 tasks are submitted" in said.stderr
    again = own_mofsim(*LINE, "--no-wait")
    assert again.status == 0 and "was there already" in again.stderr and "5 waiting" in again.stderr
    more = own_mofsim("benchmark", "lj", "7net-0", *LINE[2:], "--no-wait", "--json").document
    assert (more["benchmark"]["id"], more["n_submitted"]) == (1, 5)
    assert "essential, quick" in own_mofsim("benchmarks", "list").stdout
    assert own_client.tasks().total == 10


def test_a_dry_run_tells_numbers_and_what_is_unknown_and_begins_nothing(
    own_mofsim: Mofsim, own_client: Client, hands: Hands
) -> None:
    said = own_mofsim("benchmark", "lj", "--dry-run").stdout
    assert "30 to compute of 30" in said and "the time of all 30 tasks: none like them has ended here" in said
    assert "no task of these models has ended here" in said and own_client.benchmarks().total == 0
    own_client.submit("optimization", "MOF-5", model="lj", preset="quick")
    metrics = {"duration_seconds": 360.0, "peak_memory_MB": 1300.0}
    hands.end(hands.take(), metrics=metrics, output_files={"series.csv": 1_000_000})
    said = own_mofsim(*LINE, "--dry-run").stdout
    # 360 s for 106 atoms, of all five structures.
    atoms = sum(each.n_atoms for each in own_client.structures(True))
    assert f"CPU-hours  {atoms / 106 / 10:.2g}" in said, said
    assert "GB at most" in said and "about" in said
    line = ("benchmark", "lj", "--tasks", "optimization,stability", "--preset", "quick", "--dry-run")
    assert "the time of 5 tasks, like which none has ended here: stability with lj" in own_mofsim(*line).stdout
    plan = own_mofsim(*LINE, "--dry-run", "--json").document
    assert plan["n_new"] == 5 and plan["device_seconds"]["cpu"]["median"] > 360


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (("benchmark",), "MODEL"),
        (("benchmark", "nope", "--no-wait"), "no model 'nope'"),
        ((*LINE, "--tasks", "single-point"), "'single-point' has no scores"),
        ((*LINE, "--set", "esential"), "did you mean essential?"),
        ((*LINE, "--set", "."), "has no .cif file"),
        ((*LINE, "--report", "report.pdf"), "must end in one of .html"),
        ((*LINE, "--report", "nowhere/report.html"), "there is no folder"),
        ((*LINE, "--dry-run", "--resume"), "--dry-run computes nothing"),
        ((*LINE, "--param", "npt_steps=1"), "none of optimization takes 'npt_steps'"),
        ((*LINE, "--param", "fmax=-1"), "greater than 0"),
        ((*LINE, "--guests", "water"), "no molecule of ASE"),
        ((*LINE, "--references", "bad.csv"), "bad.csv has no meaning for 'volume'"),
        ((*LINE, "--references", "none.csv"), "does not exist"),
        (("benchmarks", "report", 1, "report.pdf"), "must end in one of .html"),
    ],
)
def test_a_mistake_is_told_before_anything_is_begun(
    mofsim: Mofsim, client: Client, tmp_path: Path, line: tuple[Any, ...], words: str
) -> None:
    (tmp_path / "bad.csv").write_text("structure,volume\nMOF-5,1\n")
    before = client.benchmarks().total
    said = mofsim(*line)
    assert said.status == 2 and words in said.stderr, said.stderr
    assert client.benchmarks().total == before


def test_a_folder_is_imported_once_and_grows(own_mofsim: Mofsim, own_client: Client, tmp_path: Path) -> None:
    write_cifs(tmp_path / "cubes", 4.2, 4.4)
    (tmp_path / "cubes" / "no.cif").write_text("nothing")
    (tmp_path / "own.csv").write_text("structure,volume_A3\ncube-4.2,75.0\n")
    line = (*LINE, "--set", "./cubes", "--no-wait", "--json")
    said = own_mofsim(*line, "--references", "own.csv")
    assert said.document["benchmark"]["set"] == "cubes" and said.document["n_submitted"] == 2
    assert "refused no.cif" in said.stderr and said.document["benchmark"]["n_own_references"] == 1
    assert own_mofsim(*line).document["benchmark"]["id"] == 1
    write_cifs(tmp_path / "cubes", 4.6)
    assert own_mofsim(*line).document["benchmark"] | {} == own_mofsim(*line).document["benchmark"]
    assert own_client.benchmark(2).n_structures == 3
    assert own_mofsim(*LINE, "--set", "cubes", "--no-wait", "--json").document["benchmark"]["id"] == 2
    elsewhere = tmp_path / "elsewhere" / "cubes"
    elsewhere.parent.mkdir()
    write_cifs(elsewhere, 4.2)
    refused = own_mofsim(*LINE, "--set", str(elsewhere), "--no-wait")
    assert refused.status == 2 and "there is a set cubes already" in refused.stderr


def test_a_checkout_of_the_published_benchmark_brings_its_set_and_references(
    own_mofsim: Mofsim, own_client: Client, tmp_path: Path
) -> None:
    for name, a in (("main_set", 4.2), ("hcmof", 4.4)):
        (tmp_path / "bench" / "structures").mkdir(parents=True, exist_ok=True)
        write_cifs(tmp_path / "bench" / "structures" / name, a)
    (tmp_path / "bench" / "heat_capacity").mkdir()
    (tmp_path / "bench" / "heat_capacity" / "cv.csv").write_text("cif_name,cv_300K_JperKperg\ncube-4.2,0.9\n")
    said = own_mofsim(*LINE, "--set", "bench", "--no-wait", "--json")
    assert said.document["benchmark"]["set"] == "main_set" and "hcmof can be given by name" in said.stderr
    assert said.document["benchmark"]["n_own_references"] == 1
    assert {each.name for each in own_client.structure_sets()} == {"main_set", "hcmof"}


def test_while_nothing_runs_it_says_why(
    own_mofsim: Mofsim, own_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmarking, "_WHY_AFTER", 0.0)
    monkeypatch.setattr(benchmarking, "_LOOK", 0.1)
    assert own_mofsim(*LINE, "--no-wait").status == 0
    # Nobody computes, so that somebody must end it.
    ending = threading.Timer(2.0, lambda: Client(own_client.url).cancel_benchmark(1))
    ending.start()
    said = own_mofsim(*LINE)
    ending.join()
    assert said.status == 1 and "nothing runs; of task" in said.stderr and "No worker takes tasks" in said.stderr, (
        said.stderr
    )
    assert "5 tasks ended without saying anything" in said.stderr


def test_what_was_lost_makes_it_fail_until_it_is_resumed(
    own_mofsim: Mofsim, own_client: Client, hands: Hands, tmp_path: Path
) -> None:
    oxide = tmp_path / "oxide.xyz"
    oxide.write_text(XYZ)
    own_client.save_structure_set("one", [own_client.add_structure(oxide).id])
    line = (*LINE, "--set", "one")
    assert own_mofsim(*line, "--no-wait").status == 0
    hands.end(hands.take(), TaskStatus.FAILED, error_type="DeviceFault", error_message="it fell off")
    lost = own_mofsim(*line)
    assert lost.status == 1 and "--resume" in lost.stderr and "1 lost" in lost.stdout
    assert "lost: optimization of oxide by lj (task 1): DeviceFault" in own_mofsim("benchmarks", "show", 1).stdout
    again = own_mofsim(*line, "--resume", "--no-wait", "--json")
    assert again.document["n_retried"] == 1
    hands.end(hands.take(), TaskStatus.FAILED, error_type="SimulationExploded", error_message="far")
    done = own_mofsim(*line, "--json", "--report", "out.json")
    assert done.status == 0 and done.document["benchmark"]["counts"]["failed"] == 1
    assert {each["metric"] for each in done.document["scores"]} >= {"converged"}
    assert json.loads((tmp_path / "out.json").read_text())["rows"][0]["error_type"] == "SimulationExploded"
    assert own_mofsim("benchmarks", "retry", 1, "--failed").stdout.startswith("1 tasks are tried again")
    assert own_mofsim("benchmarks", "cancel", 1).stdout.startswith("1 tasks are cancelled")
    for name in ("r.html", "r.csv", "r.txt"):
        assert own_mofsim("benchmarks", "report", 1, name).status == 0 and (tmp_path / name).stat().st_size
    assert own_mofsim("benchmarks", "rm", 1).status == 0
    assert own_mofsim("benchmarks", "show", 1).status == 1
