"""A relaxation: its numbers, its files, and what it says when it does not converge."""

import csv
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest
from ase.filters import FrechetCellFilter
from ase.io import read
from ase.optimize import BFGS, FIRE, LBFGS

from mofsim.simulations.calculators import builder_of
from mofsim.simulations.frames import read_structure

from .child import Child
from .conftest import EMT, SEVENNET


@pytest.fixture
def end(warm_child: Child, copper: Path, relaxation: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """A relaxation that converged; its files are in `tmp_path`/out."""
    warm_child.seen.clear()
    warm_child.run("optimization", copper, tmp_path / "out", EMT, parameters=relaxation)
    return warm_child.end()


@pytest.mark.parametrize("optimizer", [LBFGS, BFGS, FIRE])
@pytest.mark.parametrize("relax_cell", [True, False])
def test_it_is_what_ase_does(warm_child: Child, copper: Path, tmp_path: Path, optimizer: Any, relax_cell: bool) -> None:
    parameters = {"fmax_eV_per_A": 0.05, "max_steps": 60, "optimizer": optimizer.__name__, "relax_cell": relax_cell}
    warm_child.run("optimization", copper, tmp_path / "out", EMT, parameters=parameters)
    result = warm_child.end()["result"]

    atoms = read_structure(copper.read_text())
    atoms.calc = builder_of("ase")(EMT).calculator  # type: ignore[arg-type]
    target = FrechetCellFilter(atoms) if relax_cell else atoms
    plain = optimizer(target, logfile=None)
    converged = plain.run(fmax=0.05, steps=60)
    assert (result["converged"], result["steps"]) == (converged, plain.nsteps)
    assert result["final_energy_eV"] == pytest.approx(atoms.get_potential_energy(), abs=1e-9)
    assert result["final_volume_A3"] == pytest.approx(atoms.cell.volume, abs=1e-9)
    assert result["final_fmax_eV_per_A"] == pytest.approx(np.linalg.norm(atoms.get_forces(), axis=1).max())
    filter_fmax = np.linalg.norm(target.get_forces(), axis=1).max()
    assert result["final_fmax_filter_eV_per_A"] == pytest.approx(filter_fmax)


def test_the_result_fits_together(end: dict[str, Any]) -> None:
    result = end["result"]
    assert result["converged"] is True
    assert result["final_energy_eV"] < result["initial_energy_eV"]
    change = 100 * (result["final_volume_A3"] / result["initial_volume_A3"] - 1)
    assert result["volume_change_percent"] == pytest.approx(change)
    assert len(result["cell_parameters"]) == 6
    assert 0 < result["rmsd_3n_A"] < result["rmsd_A"] <= result["max_displacement_A"]
    assert 0 < end["metrics"]["seconds_per_step"] < end["metrics"]["duration_seconds"]
    assert end["metrics"]["peak_memory_MB"] > 10


def test_output_files_are_those_in_the_folder(end: dict[str, Any], tmp_path: Path) -> None:
    on_disk = {path.name: path.stat().st_size for path in (tmp_path / "out").iterdir()}
    assert end["output_files"] == on_disk
    assert set(on_disk) == {
        "optimized.cif",
        "optimized.extxyz",
        "trajectory.extxyz",
        "series.csv",
        "convergence.png",
    }


def test_each_step_has_a_frame_and_a_row(end: dict[str, Any], tmp_path: Path) -> None:
    frames = read(tmp_path / "out" / "trajectory.extxyz", ":")
    with (tmp_path / "out" / "series.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        "step",
        "energy_eV",
        "fmax_eV_per_A",
        "volume_A3",
        "time_s",
        "fmax_filter_eV_per_A",
    ]
    assert [int(row["step"]) for row in rows] == list(range(end["result"]["steps"] + 1))
    assert len(frames) == len(rows)
    for frame, row in zip(frames, rows, strict=True):
        assert frame.get_potential_energy() == float(row["energy_eV"])
        assert frame.cell.volume == pytest.approx(float(row["volume_A3"]))
        forces = np.linalg.norm(frame.get_forces(), axis=1).max()
        assert forces == pytest.approx(float(row["fmax_eV_per_A"]), abs=1e-7)


def test_the_optimized_structure_is_the_last_frame(end: dict[str, Any], tmp_path: Path) -> None:
    last = read(tmp_path / "out" / "trajectory.extxyz", -1)
    exact = read_structure((tmp_path / "out" / "optimized.extxyz").read_text())
    cif = read(tmp_path / "out" / "optimized.cif")
    assert exact.positions == pytest.approx(last.positions, abs=1e-7)
    assert cif.cell.cellpar() == pytest.approx(end["result"]["cell_parameters"], abs=1e-9)
    difference = cif.get_scaled_positions() - exact.get_scaled_positions()
    assert difference == pytest.approx(np.round(difference), abs=1e-9)


def test_the_plot_is_a_picture(end: dict[str, Any], tmp_path: Path) -> None:
    picture = matplotlib.image.imread(tmp_path / "out" / "convergence.png")
    assert picture.shape[:2] == (840, 1200)
    assert picture.std() > 0.02


def test_too_few_steps_complete_with_a_warning(
    warm_child: Child, copper: Path, relaxation: dict[str, Any], tmp_path: Path
) -> None:
    warm_child.seen.clear()
    parameters = {**relaxation, "max_steps": 3}
    warm_child.run("optimization", copper, tmp_path / "out", EMT, parameters=parameters)
    end = warm_child.end()
    assert (end["type"], end["result"]["converged"], end["result"]["steps"]) == ("completed", False, 3)
    levels = {message["level"] for message in warm_child.seen if message["type"] == "log"}
    assert "WARNING" in levels


def test_an_optimized_structure_starts_the_next_task_with_the_same_energy(
    warm_child: Child, end: dict[str, Any], tmp_path: Path
) -> None:
    warm_child.run("single-point", tmp_path / "out" / "optimized.extxyz", tmp_path / "next", EMT)
    again = warm_child.end()["result"]
    assert again["energy_eV"] == pytest.approx(end["result"]["final_energy_eV"], abs=1e-10)


def test_sevennet_relaxes_a_real_mof_downhill(warm_child: Child, tmp_path: Path) -> None:
    from mofsim.simulations.builtin import BUILTIN_MOFS
    from mofsim.simulations.frames import format_structure

    structure = tmp_path / "Mg-MOF-74.extxyz"
    structure.write_text(format_structure(BUILTIN_MOFS[-1].build()))
    parameters = {"fmax_eV_per_A": 0.05, "max_steps": 12, "optimizer": "LBFGS", "relax_cell": True}
    warm_child.run("optimization", structure, tmp_path / "out", SEVENNET, parameters=parameters)
    result = warm_child.end()["result"]
    assert result["final_energy_eV"] < result["initial_energy_eV"]
    assert result["rmsd_A"] < 0.3
