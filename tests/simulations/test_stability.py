"""Dynamics: against plain ASE, its files and series, and the verdict."""

import csv
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.emt import EMT as PlainEMT
from ase.io import read
from ase.md.langevin import Langevin
from ase.md.nose_hoover_chain import IsotropicMTKNPT
from ase.optimize import LBFGS

from mofsim.schemas.simulations import resolve
from mofsim.simulations.builtin import BUILTIN_MOFS, BuiltinMof
from mofsim.simulations.coordination import metal_sites
from mofsim.simulations.dynamics import thermalize
from mofsim.simulations.frames import format_structure, read_structure
from mofsim.vocabulary import Preset, TaskType

from .child import Child
from .conftest import EMT, SEVENNET
from .test_resume import assert_same_end, assert_same_run, kill_and_resume, run_undisturbed

#: neighbours of each metal, by the papers on these structures
COORDINATION = {"MOF-5": 4, "HKUST-1": 4, "ZIF-8": 4, "UiO-66": 8, "Mg-MOF-74": 5}


@pytest.fixture
def end(warm_child: Child, copper: Path, dynamics: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """A run that completed; its files are in `tmp_path`/out."""
    warm_child.seen.clear()
    return run_undisturbed(warm_child, "stability", copper, tmp_path / "out", parameters=dynamics)


def rows(directory: Path) -> list[dict[str, float]]:
    with (directory / "series.csv").open() as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


@pytest.mark.parametrize("mof", BUILTIN_MOFS, ids=lambda mof: mof.name)
def test_the_coordination_of_well_known_metals(mof: BuiltinMof) -> None:
    assert {site.coordination for site in metal_sites(mof.build())} == {COORDINATION[mof.name]}


def test_a_structure_without_metals_has_no_sites() -> None:
    assert metal_sites(bulk("Si")) == []


def test_velocities_are_those_of_the_temperature_and_carry_no_momentum() -> None:
    atoms = bulk("Cu", cubic=True) * (8, 8, 8)
    thermalize(atoms, 300.0, np.random.default_rng(1))
    assert atoms.get_temperature() == pytest.approx(300, rel=0.03)
    assert atoms.get_momenta().sum(axis=0) == pytest.approx(0, abs=1e-9)
    assert np.abs(atoms.get_angular_momentum()).max() > 1


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_it_is_what_ase_does(end: dict[str, Any], copper: Path, dynamics: dict[str, Any], tmp_path: Path) -> None:
    assert end["provenance"]["seed"] == dynamics["seed"]
    atoms = read_structure(copper.read_text())
    atoms.calc = PlainEMT()
    LBFGS(atoms, logfile=None).run(fmax=dynamics["fmax_eV_per_A"], steps=dynamics["relax_steps"])
    rng = np.random.default_rng(dynamics["seed"])
    thermalize(atoms, 300.0, rng)
    Langevin(atoms, 1 * units.fs, temperature_K=300, friction=0.01 / units.fs, rng=rng).run(dynamics["nvt_steps"])
    npt = IsotropicMTKNPT(
        atoms,
        1 * units.fs,
        temperature_K=300,
        pressure_au=1 * units.bar,
        tdamp=100 * units.fs,
        pdamp=1000 * units.fs,
    )
    npt.run(dynamics["npt_steps"])
    last = rows(tmp_path / "out")[-1]
    assert last["energy_eV"] == pytest.approx(atoms.get_potential_energy(), abs=1e-6)
    assert last["volume_A3"] == pytest.approx(atoms.cell.volume, abs=1e-6)
    assert last["temperature_K"] == pytest.approx(atoms.get_temperature(), abs=1e-4)
    assert last["total_energy_eV"] == pytest.approx(atoms.get_total_energy(), abs=1e-6)
    pressure = -np.trace(atoms.get_stress(voigt=False, include_ideal_gas=True)) / 3 / units.GPa
    assert last["pressure_GPa"] == pytest.approx(pressure, abs=1e-6)


def test_each_step_has_a_row_and_every_tenth_of_the_dynamics_a_frame(
    warm_child: Child, end: dict[str, Any], dynamics: dict[str, Any], tmp_path: Path
) -> None:
    relaxation = end["result"]["relaxation_steps"]
    total = relaxation + dynamics["nvt_steps"] + dynamics["npt_steps"]
    series = rows(tmp_path / "out")
    assert [row["step"] for row in series] == list(range(total + 1))
    assert [row["time_fs"] for row in series] == [max(0.0, step - relaxation) for step in range(total + 1)]
    frames: list[Atoms] = read(tmp_path / "out" / "trajectory.extxyz", ":")
    moving = [frame.info["step"] - relaxation for frame in frames if frame.info["step"] > relaxation]
    assert moving == list(range(10, 91, 10))
    assert frames[-1].get_potential_energy() == series[-1]["energy_eV"]
    last = [message for message in warm_child.seen if message["type"] == "progress"][-1]
    assert last["step"] == last["total_steps"] == total
    told = warm_child.stages()
    assert (told[0]["stage"], told[0]["stage_step"]) == ("relaxation", 0)
    moved = [(at["stage"], at["stage_step"], at["steps_left"]) for at in told[relaxation + 1 :]]
    nvt, npt = dynamics["nvt_steps"], dynamics["npt_steps"]
    assert moved == [("NVT", n, nvt + npt - n) for n in range(1, nvt + 1)] + [
        ("NPT", n, npt - n) for n in range(1, npt + 1)
    ]


@pytest.mark.parametrize(("lattice_A", "stable"), [(3.6, True), (3.75, False)])
def test_the_verdict_is_the_drift_of_the_volume(
    warm_child: Child, dynamics: dict[str, Any], tmp_path: Path, lattice_A: float, stable: bool
) -> None:
    """EMT's copper has a lattice of 3.59 Å, and shrinks to it."""
    path = tmp_path / "cu.extxyz"
    path.write_text(format_structure(bulk("Cu", cubic=True, a=lattice_A) * (2, 2, 2)))
    result = run_undisturbed(warm_child, "stability", path, tmp_path / "out", parameters=dynamics)["result"]
    series = rows(tmp_path / "out")
    drift = 100 * (series[-1]["volume_A3"] / series[0]["volume_A3"] - 1)
    assert result["volume_drift_percent"] == pytest.approx(drift)
    assert result["stable"] is stable is (abs(drift) <= 10)
    assert result["relaxation_converged"] is True
    assert len(result["metal_coordination"]) == 32
    assert 0 < result["rmsd_A"] < 1


def test_a_run_that_was_stopped_gives_no_verdict(
    warm_child: Child, copper: Path, dynamics: dict[str, Any], tmp_path: Path
) -> None:
    parameters = {**dynamics, "npt_steps": 10**6}
    warm_child.run("stability", copper, tmp_path / "out", EMT, parameters=parameters)
    while warm_child.until("progress")["step"] < 60:
        pass
    warm_child.send(type="cancel", task_id=1, reason="cancelled")
    stopped = warm_child.end()
    assert (stopped["type"], stopped["result"]["stable"]) == ("stopped", None)
    assert "dynamics.png" in stopped["output_files"]


def test_the_plot_is_a_picture(end: dict[str, Any], tmp_path: Path) -> None:
    picture = matplotlib.image.imread(tmp_path / "out" / "dynamics.png")
    assert picture.shape[:2] == (1350, 1200)
    assert picture.std() > 0.02


def test_a_parameter_that_is_missing_is_named(
    warm_child: Child, copper: Path, dynamics: dict[str, Any], tmp_path: Path
) -> None:
    del dynamics["seed"]
    failed = run_undisturbed(warm_child, "stability", copper, tmp_path / "out", parameters=dynamics)
    assert failed["error_type"] == "InvalidInput" and "seed" in failed["error_message"]


@pytest.mark.parametrize("preset", Preset)
def test_the_presets_have_every_parameter(preset: Preset, dynamics: dict[str, Any]) -> None:
    resolved = resolve(TaskType.STABILITY, preset, {})
    assert resolved.keys() == dynamics.keys()
    assert (resolved["npt_steps"] == 50_000) == (preset is Preset.MOFSIMBENCH)


def test_sevennet_dynamics_that_was_killed_is_the_run_that_would_have_been(
    child: Child, dynamics: dict[str, Any], tmp_path: Path
) -> None:
    """With one thread: with more, two runs of SevenNet differ in the last bit of float32, killed or not."""
    path = tmp_path / "Mg-MOF-74.extxyz"
    path.write_text(format_structure(BUILTIN_MOFS[-1].build()))
    parameters = {**dynamics, "relax_steps": 2, "nvt_steps": 2, "npt_steps": 6, "frame_interval": 2}
    request = {"model": SEVENNET, "parameters": parameters}
    heir = Child("--threads", "1")
    every = {"checkpoint_every": {"steps": 2, "seconds": 1e9}}
    resumed = kill_and_resume(child, heir, "stability", path, tmp_path, 8, **request, **every)
    whole = run_undisturbed(heir, "stability", path, tmp_path / "whole", **request)
    heir.close()
    assert_same_run(tmp_path / "2", tmp_path / "whole")
    assert_same_end(resumed, whole)
    assert {site["before"] for site in whole["result"]["metal_coordination"]} == {5}
