"""The bulk modulus: its number, its doubts, and that finished volumes are never computed twice."""

from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT as PlainEMT
from ase.eos import EquationOfState, birchmurnaghan
from ase.units import GPa

from mofsim.schemas.simulations import resolve
from mofsim.simulations.equation_of_state import fit
from mofsim.simulations.frames import format_structure
from mofsim.vocabulary import Preset, TaskType

from .child import Child
from .test_resume import assert_same_end, assert_same_run, kill_and_resume, run_undisturbed


@pytest.fixture
def parameters() -> dict[str, Any]:
    return {
        "fmax_eV_per_A": 0.005,
        "relax_steps": 100,
        "points": 7,
        "point_steps": 100,
        "smallest_volume": 0.96,
        "largest_volume": 1.04,
    }


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """8 copper atoms, a little out of place."""
    atoms = bulk("Cu", cubic=True, a=3.65) * (2, 1, 1)
    atoms.rattle(0.05, seed=1)
    path = tmp_path / "small.extxyz"
    path.write_text(format_structure(atoms))
    return path


def test_copper_has_the_modulus_that_ase_finds(
    warm_child: Child, small: Path, parameters: dict[str, Any], tmp_path: Path
) -> None:
    end = run_undisturbed(warm_child, "bulk-modulus", small, tmp_path / "out", parameters=parameters)
    result = end["result"]
    volumes, energies = [], []
    for part in np.linspace(0.96, 1.04, 7):
        atoms = bulk("Cu", cubic=True, a=(result["relaxed_volume_A3"] / 2 * part) ** (1 / 3))
        atoms.calc = PlainEMT()
        volumes.append(2 * atoms.cell.volume)
        energies.append(2 * atoms.get_potential_energy())
    v0, e0, b0 = EquationOfState(volumes, energies, eos="birchmurnaghan").fit()
    assert result["bulk_modulus_GPa"] == pytest.approx(b0 / GPa, rel=0.01)
    assert result["equilibrium_volume_A3"] == pytest.approx(v0, rel=1e-3)
    assert result["equilibrium_energy_eV"] == pytest.approx(e0, abs=1e-2)
    assert result["fit_ok"] is True and result["converged"] is True and result["r_squared"] > 0.999
    sampled = [point["volume_A3"] / result["relaxed_volume_A3"] for point in result["points"]]
    assert sampled == pytest.approx(list(np.linspace(0.96, 1.04, 7)))
    assert set(end["output_files"]) == {
        "series.csv",
        "trajectory.extxyz",
        "optimized.cif",
        "optimized.extxyz",
        "eos.png",
    }
    assert matplotlib.image.imread(tmp_path / "out" / "eos.png").std() > 0.02


@pytest.mark.parametrize("step", [5, 20, 40])
def test_a_killed_run_goes_on_in_the_volume_where_it_was(
    child: Child, warm_child: Child, small: Path, parameters: dict[str, Any], tmp_path: Path, step: int
) -> None:
    every = {"checkpoint_every": {"steps": 4, "seconds": 1e9}}
    parameters = {**parameters, "fmax_eV_per_A": 1e-4}
    resumed = kill_and_resume(child, warm_child, "bulk-modulus", small, tmp_path, step, parameters=parameters, **every)
    whole = run_undisturbed(warm_child, "bulk-modulus", small, tmp_path / "whole", parameters=parameters)
    assert_same_run(tmp_path / "2", tmp_path / "whole")
    assert_same_end(resumed, whole)


def test_points_that_did_not_converge_are_told(
    warm_child: Child, small: Path, parameters: dict[str, Any], tmp_path: Path
) -> None:
    parameters |= {"fmax_eV_per_A": 1e-9, "relax_steps": 3, "point_steps": 2}
    end = run_undisturbed(warm_child, "bulk-modulus", small, tmp_path / "out", parameters=parameters)
    assert (end["type"], end["result"]["converged"]) == ("completed", False)
    assert [point["converged"] for point in end["result"]["points"]] == [False] * 7
    last = [message for message in warm_child.seen if message["type"] == "progress"][-1]
    assert last["step"] == last["total_steps"] == 3 + 7 * 3
    told = warm_child.stages()
    assert [(at["stage"], at["stage_step"], at["stage_steps"]) for at in told[:4]] == [
        ("relaxation", step, 3) for step in range(4)
    ]
    points = told[4:]
    assert [(at["stage"], at["stage_step"]) for at in points] == [("point", n) for n in range(1, 8) for _ in range(3)]
    assert [at["steps_left"] for at in points] == [None] * 3 + list(range(17, -1, -1)), "known from the first point on"
    assert points[-1]["remaining_seconds"] == 0 < points[3]["remaining_seconds"]


def energies_about(minimum_A3: float, volumes: np.ndarray) -> list[float]:
    values: list[float] = birchmurnaghan(volumes, -5.0, 20 * GPa, 4.0, minimum_A3).tolist()
    return values


@pytest.mark.parametrize(("minimum_A3", "ok"), [(1000.0, True), (1005.0, True), (1015.0, False), (1100.0, False)])
def test_a_minimum_far_from_the_relaxed_volume_is_not_trusted(minimum_A3: float, ok: bool) -> None:
    volumes = np.linspace(960, 1040, 11)
    curve = fit(volumes.tolist(), energies_about(minimum_A3, volumes), 1000.0)
    assert curve is not None and curve.ok is ok
    assert curve.bulk_modulus_GPa == pytest.approx(20, rel=1e-3)
    assert curve.energies(volumes) == pytest.approx(energies_about(minimum_A3, volumes), abs=1e-6)


def test_no_curve_is_drawn_through_a_hill() -> None:
    volumes = np.linspace(960, 1040, 11)
    assert fit(volumes.tolist(), [-energy for energy in energies_about(1000.0, volumes)], 1000.0) is None


@pytest.mark.parametrize("preset", Preset)
def test_the_presets_have_every_parameter(preset: Preset, parameters: dict[str, Any]) -> None:
    assert resolve(TaskType.BULK_MODULUS, preset, {}).keys() == parameters.keys()
