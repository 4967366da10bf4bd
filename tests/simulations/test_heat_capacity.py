"""The heat capacity: its number, its imaginary modes, and that finished displacements are never computed twice."""

import csv
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest
from ase.build import bulk
from ase.units import kB, kJ, mol

from mofsim.schemas.simulations import resolve
from mofsim.simulations.frames import format_structure
from mofsim.vocabulary import Preset, TaskType

from .child import Child
from .test_resume import assert_same_end, assert_same_run, kill_and_resume, run_undisturbed

GAS_CONSTANT = 1000 * kB * mol / kJ


@pytest.fixture
def parameters() -> dict[str, Any]:
    return {
        "fmax_eV_per_A": 0.001,
        "relax_steps": 100,
        "displacement_A": 0.01,
        "symprec_A": 1e-5,
        "mesh_length": 20.0,
        "temperature_step_K": 50.0,
    }


@pytest.fixture
def rattled(tmp_path: Path) -> Path:
    """32 copper atoms without a symmetry that the displacements could use."""
    atoms = bulk("Cu", cubic=True, a=3.61) * (2, 2, 1)
    atoms.rattle(0.03, seed=1)
    path = tmp_path / "rattled.extxyz"
    path.write_text(format_structure(atoms))
    return path


@pytest.fixture
def perfect(tmp_path: Path) -> Path:
    path = tmp_path / "perfect.extxyz"
    path.write_text(format_structure(bulk("Cu", cubic=True, a=3.6) * (2, 2, 2)))
    return path


def test_copper_comes_near_the_law_of_dulong_and_petit(
    warm_child: Child, perfect: Path, parameters: dict[str, Any], tmp_path: Path
) -> None:
    end = run_undisturbed(warm_child, "heat-capacity", perfect, tmp_path / "out", parameters=parameters)
    result = end["result"]
    assert result["heat_capacity_J_per_molK"] == pytest.approx(23.8, abs=0.6), "measured, without the expansion"
    assert result["heat_capacity_J_per_gK"] == pytest.approx(result["heat_capacity_J_per_molK"] / 63.546, rel=1e-4)
    assert result["heat_capacities_J_per_gK"][-1] * 63.546 == pytest.approx(3 * GAS_CONSTANT, rel=0.01)
    assert result["heat_capacities_J_per_gK"][0] == 0
    assert result["temperatures_K"] == list(np.arange(0, 1001, 50.0))
    assert result["imaginary_modes"] == 0 and result["displacements"] == 1
    assert matplotlib.image.imread(tmp_path / "out" / "heat_capacity.png").std() > 0.02
    with (tmp_path / "out" / "heat_capacity.csv").open() as file:
        written = [float(row["heat_capacity_J_per_gK"]) for row in csv.DictReader(file)]
    assert written == result["heat_capacities_J_per_gK"]


def test_imaginary_modes_are_counted_and_told(
    warm_child: Child, perfect: Path, parameters: dict[str, Any], tmp_path: Path
) -> None:
    """A saddle: copper in the body-centred cubic cell, where no force moves it away."""
    path = tmp_path / "bcc.extxyz"
    path.write_text(format_structure(bulk("Cu", "bcc", a=2.87, cubic=True) * (3, 3, 3)))
    warm_child.seen.clear()
    end = run_undisturbed(warm_child, "heat-capacity", path, tmp_path / "out", parameters=parameters)
    assert end["result"]["imaginary_percent_of_mesh"] > 0
    assert end["result"]["lowest_frequency_THz"] < -0.1
    told = [message["message"] for message in warm_child.seen if message.get("level") == "WARNING"]
    assert any("% of all modes are imaginary and left out" in each for each in told)


@pytest.mark.parametrize("step", [4, 30])
def test_a_killed_run_goes_on_with_the_next_displacement(
    child: Child, warm_child: Child, rattled: Path, parameters: dict[str, Any], tmp_path: Path, step: int
) -> None:
    parameters |= {"fmax_eV_per_A": 0.01}
    every = {"checkpoint_every": {"steps": 3, "seconds": 1e9}}
    resumed = kill_and_resume(
        child, warm_child, "heat-capacity", rattled, tmp_path, step, parameters=parameters, **every
    )
    whole = run_undisturbed(warm_child, "heat-capacity", rattled, tmp_path / "whole", parameters=parameters)
    assert_same_run(tmp_path / "2", tmp_path / "whole")
    assert_same_end(resumed, whole)
    n = whole["result"]["displacements"]
    assert n > 40
    told = [at for at in warm_child.stages() if at["stage"] == "displacement"]
    assert [(at["stage_step"], at["stage_steps"], at["steps_left"]) for at in told] == [
        (made, n, n - made) for made in range(1, n + 1)
    ]


@pytest.mark.parametrize("preset", Preset)
def test_the_presets_have_every_parameter(preset: Preset, parameters: dict[str, Any]) -> None:
    assert resolve(TaskType.HEAT_CAPACITY, preset, {}).keys() == parameters.keys()
