"""ORB, MatterSim and fairchem: environments made for real, and computed with by a real executor under each.

Their weights can only be downloaded, so models with random weights stand in for them, in files of the same form.
Beside those of CHGNet and MACE in test_environments.py, so that two processes of tests make them at a time.
"""

import json
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.units import GPa

from mofsim.settings import ModelSettings

from .elsewhere import Elsewhere, Environment, ask, entry

MODELS: dict[str, dict[str, Any]] = {
    "orb": {"dtype": "float64", "options": {"architecture": "orb-v3-conservative-inf-omat"}},
    # It computes in float32 only.
    "mattersim": {},
    "fairchem": {"dtype": "float64", "options": {"task_name": "odac"}},
}


@pytest.fixture(scope="module")
def crystal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three atoms without any symmetry, far from their images: each pair costs ORB's large network time."""
    cell = [[4.1, 0.0, 0.0], [0.7, 4.3, 0.0], [-0.4, 0.6, 4.6]]
    atoms = Atoms("MgOC", [(0.0, 0.0, 0.0), (1.9, 0.7, 0.4), (1.2, 2.4, 1.3)], cell=cell, pbc=True)
    path = tmp_path_factory.mktemp("crystal") / "crystal.extxyz"
    ase.io.write(path, atoms)
    return path


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("framework", ["orb", "mattersim", "fairchem"])
def test_an_executor_computes_what_the_package_does_and_forces_and_stress_are_those_of_the_energy(
    environment: Environment, crystal: Path, tmp_path: Path, framework: str
) -> None:
    folder = environment(framework)
    weights = str(tmp_path / "random.pt")
    model = entry("random", ModelSettings(framework=framework, checkpoint=weights, **MODELS[framework]))
    plain = ask(folder, json.dumps(model), str(crystal), script="random_weights.py")
    is_exact = model["dtype"] == "float64"
    with Elsewhere.started(folder, tmp_path) as executor:
        result, files = executor.run("single-point", model, crystal)
        forces = ase.io.read(files / "forces.extxyz").get_forces()
        assert result["energy_eV"] == pytest.approx(plain["energy"], rel=1e-12 if is_exact else 3e-6)
        assert np.asarray(result["stress_GPa"]) * GPa == pytest.approx(np.asarray(plain["stress"]), rel=1e-4, abs=1e-6)
        assert forces == pytest.approx(np.asarray(plain["forces"]), abs=1e-8 if is_exact else 1e-4)
        if is_exact:
            # Both stay loaded, and neither disturbs the precision of the other.
            single, _ = executor.run("single-point", model | {"name": "single", "dtype": "float32"}, crystal)
            assert single["energy_eV"] != result["energy_eV"]
            assert single["energy_eV"] == pytest.approx(result["energy_eV"], rel=1e-5)
        found = executor.run("validation", model, crystal)[0]["checks"]
    assert all(check["passed"] for check in found.values()), found
    # Closer than others need to be; what rounding leaves depends on the precision.
    for name in ("forces", "stress"):
        assert found[name]["measured"] < (1e-4 if is_exact else 3e-2), found
    assert found["response"]["measured"] > 0.2, found
