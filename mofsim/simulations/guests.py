"""Guest molecules: where they come from, whole across the faces of a cell, and alone in a vacuum."""

from pathlib import Path

import numpy as np
from ase import Atoms
from ase.build import molecule
from ase.build.molecule import extra
from ase.collections import g2
from ase.data import covalent_radii
from ase.geometry import get_distances

from .coordination import BOND_TOLERANCE_A
from .errors import InvalidInput
from .frames import read_structure

NOBLE_GASES = ("He", "Ne", "Ar", "Kr", "Xe")

#: Between a guest alone and its next image: more than the cutoffs of the potentials (5 to 10 Å) and of D3 (40 Bohr,
#: 21.2 Å), so that the energy does not depend on the size of the box.
VACUUM_A = 25.0


def named_guest(name: str) -> Atoms:
    """A molecule of ASE (its G2 set and some more), or an atom of a noble gas. Raises InvalidInput."""
    if name in NOBLE_GASES:
        return Atoms(name)
    if name not in extra and name not in g2.names:
        raise InvalidInput(f"There is no guest {name!r}. Take one of ASE's molecules, like CO2 and H2O.")
    found = molecule(name)
    return Atoms(found.numbers, positions=found.positions)


def guest_of_file(path: Path) -> Atoms:
    """The molecule in the normalised file of an upload. Raises InvalidInput."""
    try:
        atoms = read_structure(path.read_text())
    except (OSError, ValueError, StopIteration) as error:
        raise InvalidInput(f"The guest {path} cannot be read: {error}") from error
    return whole(atoms)


def whole(atoms: Atoms) -> Atoms:
    """The periodic `atoms` as one molecule without a cell, put together across the faces.

    Each atom follows the nearest one that is there already (Prim's tree). Raises InvalidInput for what has no end,
    like a chain through the cell: it has no energy of its own.
    """
    vectors, distances = get_distances(atoms.positions, cell=atoms.cell, pbc=True)
    positions = atoms.positions.copy()
    there, left = [0], list(range(1, len(atoms)))
    while left:
        block = distances[np.ix_(there, left)]
        row, column = np.unravel_index(int(block.argmin()), block.shape)
        origin, new = there[int(row)], left[int(column)]
        positions[new] = positions[origin] + vectors[origin, new]
        there.append(new)
        left.remove(new)
    apart = np.linalg.norm(positions[:, None] - positions[None, :], axis=2)
    broken = _bonded(atoms.numbers, distances) & ~np.isclose(apart, distances, atol=1e-4)
    if broken.any():
        raise InvalidInput("The guest is bonded to its own periodic images. Name the atoms of a molecule.")
    return Atoms(atoms.numbers, positions=positions)


def alone(guest: Atoms) -> Atoms:
    """A copy in a periodic cube of vacuum, VACUUM_A from its images."""
    extent = float(np.ptp(guest.positions, axis=0).max())
    boxed = Atoms(guest.numbers, positions=guest.positions, cell=[extent + VACUUM_A] * 3, pbc=True)
    boxed.center()
    return boxed


def diameter(guest: Atoms) -> float:
    """The largest distance between two of its atoms, in Å."""
    return float(np.linalg.norm(guest.positions[:, None] - guest.positions[None, :], axis=2).max())


def same_bonds(guest: Atoms, other: Atoms) -> bool:
    """Whether the same pairs of atoms are bonded in both, by the rule of the CSD."""
    first, second = (
        _bonded(atoms.numbers, np.linalg.norm(atoms.positions[:, None] - atoms.positions[None, :], axis=2))
        for atoms in (guest, other)
    )
    return bool((first == second).all())


def _bonded(numbers: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """Which pairs (N, N) are bonded, of atoms at `distances` (N, N) in Å; no atom with itself."""
    radii = covalent_radii[numbers]
    bonds: np.ndarray = distances < radii[:, None] + radii[None, :] + BOND_TOLERANCE_A
    np.fill_diagonal(bonds, False)
    return bonds
