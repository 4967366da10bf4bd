"""D3 as it is added: units, signs and the sum, by finite differences of the energy."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress
from ase.calculators.lj import LennardJones
from ase.spacegroup import crystal
from ase.units import Bohr

from mofsim.simulations.calculators import d3_calculator
from mofsim.simulations.potential import Potential


@pytest.fixture
def dry_ice() -> Atoms:
    """CO2 in its cubic crystal (Pa-3, a = 5.62 Å), a little out of place and sheared."""
    sites = [(0, 0, 0), (0.119, 0.119, 0.119)]
    atoms = crystal(["C", "O"], sites, spacegroup=205, cellpar=[5.62, 5.62, 5.62, 90, 90, 90])
    atoms.rattle(0.05, seed=4)
    atoms.set_cell(atoms.cell.array @ [[1, 0.03, 0], [0, 1.01, 0.02], [0, 0, 0.98]], scale_atoms=True)
    return atoms


@pytest.fixture
def dimer() -> Atoms:
    """Two CO2 in a cell so large that no pair is near the cutoff, where the energy has a small jump."""
    atoms = molecule("CO2")
    other = molecule("CO2")
    other.rotate(70, "x")
    other.translate([2.1, 2.3, 0.4])
    pair = atoms + other
    pair.set_cell([[25, 1, 0], [0, 26, 2], [0, 0, 27]])
    pair.pbc = True
    return pair


def test_forces_of_d3_are_the_slope_of_its_energy(dimer: Atoms) -> None:
    dimer.calc = Potential([d3_calculator()])
    assert dimer.get_forces() == pytest.approx(calculate_numerical_forces(dimer, eps=1e-3), abs=1e-7)
    assert np.abs(dimer.get_forces()).max() > 1e-3


def test_stress_of_d3_is_the_slope_of_its_energy(dimer: Atoms) -> None:
    dimer.calc = Potential([d3_calculator()])
    stress = dimer.get_stress()
    assert stress == pytest.approx(calculate_numerical_stress(dimer, eps=1e-4), abs=1e-4 * np.abs(stress).max())
    assert stress[0] > 0


def test_the_sum_has_the_energy_forces_and_stress_of_its_parts(dry_ice: Atoms) -> None:
    parts = [LennardJones(sigma=2.0, epsilon=0.01, rc=6.0, smooth=True), d3_calculator()]
    energy, forces, stress = 0.0, np.zeros((len(dry_ice), 3)), np.zeros(6)
    for part in parts:
        dry_ice.calc = part
        energy += dry_ice.get_potential_energy()
        forces += dry_ice.get_forces()
        stress += dry_ice.get_stress()
    dry_ice.calc = Potential(parts)
    assert dry_ice.get_potential_energy() == pytest.approx(energy, abs=1e-12)
    assert dry_ice.get_forces() == pytest.approx(forces, abs=1e-12)
    assert dry_ice.get_stress() == pytest.approx(stress, abs=1e-14)


def test_pairs_beyond_40_bohr_do_not_count() -> None:
    atoms = Atoms("Ar2", positions=[[0, 0, 0], [0, 0, 39.9 * Bohr]])
    atoms.calc = d3_calculator()
    assert atoms.get_potential_energy() < 0
    atoms.positions[1, 2] = 40.1 * Bohr
    assert atoms.get_potential_energy() == 0


def test_each_part_is_evaluated_once_for_energy_forces_and_stress(dry_ice: Atoms) -> None:
    calls = []

    class Counting(LennardJones):
        def calculate(self, *args: object, **kwargs: object) -> None:
            calls.append(args)
            super().calculate(*args, **kwargs)

    dry_ice.calc = Potential([Counting()])
    dry_ice.get_potential_energy()
    dry_ice.get_stress()
    dry_ice.get_forces()
    assert len(calls) == 1
