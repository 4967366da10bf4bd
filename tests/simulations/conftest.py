"""Executors that are started for the tests, and small structures for them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ase.build import bulk

from mofsim.simulations.frames import format_structure

from .child import Child

EMT: dict[str, Any] = {"name": "emt", "framework": "ase", "checkpoint": "ase.calculators.emt:EMT"}
SEVENNET: dict[str, Any] = {
    "name": "7net-0",
    "framework": "sevenn",
    "checkpoint": "package:sevenn/pretrained_potentials/SevenNet_0__11Jul2024/checkpoint_sevennet_0.pth",
    "d3": True,
    "dtype": "float32",
    "device": "cpu",
    "options": {},
}


@pytest.fixture
def child() -> Iterator[Child]:
    """A fresh executor."""
    executor = Child("--threads", "1")
    yield executor
    executor.close()


@pytest.fixture(scope="session")
def warm_child() -> Iterator[Child]:
    """One executor for the tests that only ask and look; it keeps SevenNet loaded."""
    executor = Child("--threads", "1", "--max-models", "4")
    yield executor
    executor.close()


@pytest.fixture(scope="session")
def copper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """32 copper atoms out of place in a cell that is too large; EMT needs some 50 steps for them."""
    atoms = bulk("Cu", cubic=True) * (2, 2, 2)
    atoms.rattle(0.1, seed=1)
    atoms.set_cell(atoms.cell * 1.03, scale_atoms=True)
    path = tmp_path_factory.mktemp("copper") / "copper.extxyz"
    path.write_text(format_structure(atoms))
    return path


@pytest.fixture(scope="session")
def relaxation() -> dict[str, Any]:
    """Parameters of an optimization."""
    return {"fmax_eV_per_A": 0.01, "max_steps": 200, "optimizer": "LBFGS", "relax_cell": True}


@pytest.fixture
def dynamics() -> dict[str, Any]:
    """Parameters of a stability run: some 16 steps of relaxation, then 30 at constant volume and 60 at pressure."""
    return {
        "fmax_eV_per_A": 0.02,
        "relax_steps": 100,
        "nvt_steps": 30,
        "npt_steps": 60,
        "timestep_fs": 1.0,
        "temperature_K": 300.0,
        "pressure_bar": 1.0,
        "friction_per_fs": 0.01,
        "thermostat_fs": 100.0,
        "barostat_fs": 1000.0,
        "frame_interval": 10,
        "seed": 42,
    }
