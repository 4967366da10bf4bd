"""The numbers of a single point, against plain ASE with the same calculator."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.mixing import SumCalculator
from ase.io import read
from ase.units import Bohr, GPa

from mofsim.simulations.builtin import BUILTIN_MOFS
from mofsim.simulations.frames import format_structure
from mofsim.simulations.inspect import inspect_file
from mofsim.simulations.outputs import format_cif
from mofsim.simulations.weights import weights_file

from .child import Child
from .conftest import SEVENNET


@pytest.fixture(scope="module")
def plain_ase() -> SumCalculator:
    from dftd3.ase import DFTD3
    from sevenn.calculator import SevenNetCalculator

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sevennet = SevenNetCalculator(str(weights_file(SEVENNET)), device="cpu")  # type: ignore[arg-type]
    cutoff = {"disp2": 40 * Bohr, "disp3": 40 * Bohr, "cn": 40 * Bohr}
    return SumCalculator([sevennet, DFTD3(method="PBE", damping="d3bj", realspace_cutoff=cutoff)])


# One with a cubic cell and one without.
@pytest.mark.parametrize(
    "mof", [mof for mof in BUILTIN_MOFS if mof.name in ("UiO-66", "Mg-MOF-74")], ids=lambda mof: mof.name
)
def test_sevennet_with_d3_equals_plain_ase(
    mof: Any, warm_child: Child, plain_ase: SumCalculator, tmp_path: Path
) -> None:
    cif, normalised = tmp_path / "upload.cif", tmp_path / "normalised.extxyz"
    cif.write_bytes(format_cif(mof.build()))
    assert inspect_file(cif, "auto", normalised, 1000)["ok"]
    warm_child.run("single-point", normalised, tmp_path / "out", SEVENNET)
    result = warm_child.end()["result"]

    atoms = read(cif)
    atoms.calc = plain_ase
    assert result["energy_per_atom_eV"] == pytest.approx(atoms.get_potential_energy() / len(atoms), abs=1e-6)
    assert result["stress_GPa"] == pytest.approx(atoms.get_stress() / GPa, abs=1e-4)
    forces = read(tmp_path / "out" / "forces.extxyz").get_forces()
    assert np.abs(forces - atoms.get_forces()).max() < 1e-4
    assert result["fmax_eV_per_A"] == pytest.approx(np.linalg.norm(forces, axis=1).max(), abs=1e-8)
    assert (result["n_atoms"], result["volume_A3"]) == (len(atoms), pytest.approx(atoms.cell.volume))


def test_a_repeated_single_point_is_computed_again(warm_child: Child, tmp_path: Path) -> None:
    path = tmp_path / "mof.extxyz"
    path.write_text(format_structure(BUILTIN_MOFS[-1].build()))
    ends = []
    for name in ("first", "second"):
        warm_child.run("single-point", path, tmp_path / name, SEVENNET)
        ends.append(warm_child.end())
    assert ends[1]["result"]["energy_eV"] == pytest.approx(ends[0]["result"]["energy_eV"], abs=1e-4)
    assert ends[1]["metrics"]["seconds_per_step"] > ends[0]["metrics"]["seconds_per_step"] / 10


def test_provenance_names_all_that_the_number_depends_on(warm_child: Child, tmp_path: Path) -> None:
    path = tmp_path / "mof.extxyz"
    path.write_text(format_structure(BUILTIN_MOFS[-1].build()))
    warm_child.run("single-point", path, tmp_path / "out", SEVENNET)
    provenance = warm_child.end()["provenance"]
    assert provenance["checkpoint"] == "checkpoint_sevennet_0.pth"
    assert len(provenance["model_sha256"]) == len(provenance["structure_sha256"]) == 64
    assert provenance["d3"]["pair_cutoff_bohr"] == 40
    assert (provenance["dtype"], provenance["device"], provenance["threads"]) == ("float32", "cpu", 1)
    assert {"python", "ase", "numpy", "scipy", "torch", "sevenn", "dftd3"} <= provenance["versions"].keys()
    assert provenance["platform"].startswith("Linux-") and (provenance["seed"], provenance["cuda"]) == (None, None)


def test_forces_are_readable_with_ase(warm_child: Child, tmp_path: Path) -> None:
    atoms = BUILTIN_MOFS[-1].build()
    path = tmp_path / "mof.extxyz"
    path.write_text(format_structure(atoms))
    warm_child.run("single-point", path, tmp_path / "out", SEVENNET)
    end = warm_child.end()
    frame: Atoms = read(tmp_path / "out" / "forces.extxyz")
    assert frame.get_potential_energy() == end["result"]["energy_eV"]
    assert frame.get_stress() / GPa == pytest.approx(end["result"]["stress_GPa"], abs=1e-10)
    assert end["output_files"] == {"forces.extxyz": (tmp_path / "out" / "forces.extxyz").stat().st_size}
