"""RMSD: what must not change it, and what it must be."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from scipy.spatial.transform import Rotation

from mofsim.simulations.geometry import displacement


@pytest.fixture
def initial() -> Atoms:
    atoms = bulk("Cu", cubic=True) * (2, 2, 2)
    atoms.rattle(0.05, seed=1)
    return atoms


@pytest.fixture
def final(initial: Atoms) -> Atoms:
    atoms = initial.copy()
    atoms.rattle(0.1, seed=2)
    atoms.set_cell(atoms.cell * 1.01, scale_atoms=True)
    return atoms


def test_a_structure_is_where_it_is(initial: Atoms) -> None:
    moved = displacement(initial, initial.copy())
    assert (moved.rmsd_A, moved.max_A) == pytest.approx((0, 0), abs=1e-12)


@pytest.mark.parametrize("shift", [[0.3, -0.2, 0.1], [3.6, 3.6, 3.6], [100, -41, 7]])
def test_a_shift_does_not_count(initial: Atoms, final: Atoms, shift: list[float]) -> None:
    expected = displacement(initial, final)
    final.positions += shift
    assert displacement(initial, final).rmsd_A == pytest.approx(expected.rmsd_A, abs=1e-10)


def test_a_rotation_of_atoms_and_cell_does_not_count(initial: Atoms, final: Atoms) -> None:
    expected = displacement(initial, final)
    turn = Rotation.from_euler("xyz", [20, -35, 110], degrees=True).as_matrix()
    final.set_cell(final.cell.array @ turn.T)
    final.positions = final.positions @ turn.T
    assert displacement(initial, final).rmsd_A == pytest.approx(expected.rmsd_A, abs=1e-10)


def test_an_atom_that_is_wrapped_into_the_cell_did_not_move(initial: Atoms, final: Atoms) -> None:
    expected = displacement(initial, final)
    final.positions[::3] += final.cell.array[0] - 2 * final.cell.array[2]
    assert displacement(initial, final).rmsd_A == pytest.approx(expected.rmsd_A, abs=1e-10)


def test_one_atom_moved_by_a_known_length(initial: Atoms) -> None:
    final = initial.copy()
    final.positions[5] += [0, 0, 0.32]
    moved, n = displacement(initial, final), len(initial)
    # The centre of the atoms moves by 0.32/n, and a small rotation takes up a little more.
    assert moved.rmsd_A == pytest.approx(0.32 * np.sqrt(1 / n - 1 / n**2), rel=0.05)
    assert moved.max_A == pytest.approx(0.32 * (1 - 1 / n), rel=0.05)


def test_the_two_averages_differ_by_the_root_of_three(initial: Atoms, final: Atoms) -> None:
    moved = displacement(initial, final)
    assert moved.rmsd_A == pytest.approx(moved.rmsd_3n_A * np.sqrt(3))


def test_a_mirror_image_is_not_turned_into_the_original(initial: Atoms) -> None:
    mirrored = initial.copy()
    mirrored.positions[:, 0] *= -1
    mirrored.set_cell(mirrored.cell.array * [-1, 1, 1])
    assert displacement(initial, mirrored).rmsd_A > 1


def test_other_atoms_are_refused(initial: Atoms) -> None:
    final = initial.copy()
    final.numbers[0] = 47
    with pytest.raises(ValueError, match="same atoms"):
        displacement(initial, final)
