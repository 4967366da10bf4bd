"""Runs that cannot come to a result: each says why, with a stable word, and keeps what it had."""

from pathlib import Path
from typing import Any

import pytest
from ase import Atoms
from ase.build import bulk
from ase.io import read

from mofsim.simulations.errors import broke_the_device, error_type
from mofsim.simulations.frames import format_structure

from .child import Child
from .conftest import EMT, SEVENNET

#: Lennard-Jones upside down: atoms that come close fall into each other
COLLAPSING: dict[str, Any] = {
    "name": "collapsing",
    "framework": "ase",
    "checkpoint": "ase.calculators.lj:LennardJones",
    "options": {"epsilon": -1.0, "sigma": 3.0, "rc": 6.0, "smooth": True},
}
#: bonds that want to be a third as long as the atoms are apart
SHRINKING: dict[str, Any] = {
    "name": "shrinking",
    "framework": "ase",
    "checkpoint": "ase.calculators.morse:MorsePotential",
    "options": {"epsilon": 20.0, "r0": 1.2, "rho0": 1.5, "rcut1": 3.0, "rcut2": 4.0},
}


@pytest.fixture
def argon(tmp_path: Path) -> Path:
    atoms = bulk("Ar", cubic=True, a=4.4)
    atoms.rattle(0.2, seed=2)
    path = tmp_path / "argon.extxyz"
    path.write_text(format_structure(atoms))
    return path


def test_an_energy_that_explodes_fails_and_keeps_the_frames(
    warm_child: Child, argon: Path, relaxation: dict[str, Any], tmp_path: Path
) -> None:
    parameters = {**relaxation, "relax_cell": False, "optimizer": "FIRE"}
    warm_child.run("optimization", argon, tmp_path / "out", COLLAPSING, parameters=parameters)
    failed = warm_child.end()
    assert (failed["type"], failed["error_type"]) == ("failed", "SimulationExploded")
    frames = read(tmp_path / "out" / "trajectory.extxyz", ":")
    assert len(frames) == failed["result"]["steps"] + 1 > 1
    assert all(abs(frame.get_potential_energy()) <= 1e5 for frame in frames)


def test_a_cell_that_collapses_fails_before_its_forces_are_asked_for(
    warm_child: Child, argon: Path, relaxation: dict[str, Any], tmp_path: Path
) -> None:
    parameters = {**relaxation, "optimizer": "FIRE"}
    warm_child.run("optimization", argon, tmp_path / "out", SHRINKING, parameters=parameters)
    failed = warm_child.end()
    assert failed["error_type"] == "SimulationExploded"
    assert "volume" in failed["error_message"]
    assert set(failed["output_files"]) == {"series.csv", "trajectory.extxyz", "convergence.png"}


def test_atoms_on_one_place_fail_with_no_frame(warm_child: Child, tmp_path: Path) -> None:
    path = tmp_path / "two.extxyz"
    path.write_text(format_structure(Atoms("Ar2", positions=[[0, 0, 0], [0, 0, 0]], cell=[9, 9, 9], pbc=True)))
    model = {**COLLAPSING, "name": "lj", "options": {}}
    warm_child.run("single-point", path, tmp_path / "out", model)
    failed = warm_child.end()
    assert (failed["error_type"], failed["result"]) == ("SimulationExploded", {})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"optimizer": "Newton"}, "LBFGS, FIRE, BFGS"),
        ({"fmax_eV_per_A": 0.0}, "must be positive"),
        ({"max_steps": "many"}, "must be numbers"),
    ],
)
def test_a_parameter_that_is_wrong_is_named(
    warm_child: Child,
    copper: Path,
    relaxation: dict[str, Any],
    tmp_path: Path,
    change: dict[str, Any],
    words: str,
) -> None:
    warm_child.run("optimization", copper, tmp_path / "out", EMT, parameters={**relaxation, **change})
    failed = warm_child.end()
    assert failed["error_type"] == "InvalidInput"
    assert words in failed["error_message"]


def test_an_unknown_task_type_fails(warm_child: Child, copper: Path, tmp_path: Path) -> None:
    warm_child.run("telepathy", copper, tmp_path / "out", EMT)
    assert warm_child.end()["error_type"] == "InvalidInput"


def test_a_structure_that_is_gone_fails(warm_child: Child, tmp_path: Path) -> None:
    warm_child.run("single-point", tmp_path / "gone.extxyz", tmp_path / "out", EMT)
    failed = warm_child.end()
    assert failed["error_type"] == "InvalidInput" and "gone.extxyz" in failed["error_message"]


def test_an_element_that_the_model_does_not_know_is_named(warm_child: Child, tmp_path: Path) -> None:
    path = tmp_path / "polonium.extxyz"
    path.write_text(format_structure(bulk("Po", crystalstructure="sc", a=3.34) * (2, 2, 2)))
    warm_child.run("single-point", path, tmp_path / "out", SEVENNET)
    failed = warm_child.end()
    assert failed["error_type"] == "InvalidInput" and "Po" in failed["error_message"]


def test_an_element_that_only_the_calculator_refuses_fails_with_its_exception(
    warm_child: Child, argon: Path, tmp_path: Path
) -> None:
    warm_child.run("single-point", argon, tmp_path / "out", EMT)
    failed = warm_child.end()
    assert failed["error_type"] == "NotImplementedError" and "Ar" in failed["error_message"]
    assert "Traceback" in failed["traceback"]


def test_a_full_directory_does_not_stop_the_report(warm_child: Child, copper: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "forces.extxyz").mkdir()
    (tmp_path / "out" / "forces.extxyz" / "in the way").touch()
    warm_child.run("single-point", copper, tmp_path / "out", EMT)
    failed = warm_child.end()
    assert failed["error_type"] == "IsADirectoryError"
    assert failed["result"]["n_atoms"] == 32


class OutOfMemoryError(RuntimeError):
    """Named as torch names its own."""


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OutOfMemoryError("CUDA out of memory. Tried to allocate 20 MiB"),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_a_lack_of_memory_is_recognised(error: Exception) -> None:
    assert error_type(error) == "OutOfMemory"
    assert not broke_the_device(error)


def test_a_lost_cuda_context_is_recognised() -> None:
    assert broke_the_device(RuntimeError("CUDA error: an illegal memory access was encountered"))
    assert not broke_the_device(RuntimeError("shapes do not match"))
