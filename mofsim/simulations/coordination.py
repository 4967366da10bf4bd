"""How many atoms each metal holds on to."""

from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.neighborlist import natural_cutoffs, neighbor_list

#: Two atoms are bonded when they are closer than the sum of their covalent radii and this: the rule of the
#: Cambridge Structural Database, with the radii of Cordero 2008 (doi:10.1039/b801115j), which ASE has.
BOND_TOLERANCE_A = 0.4

_NONMETALS = "H He B C N O F Ne Si P S Cl Ar Ge As Se Br Kr Te I Xe At Rn"
NONMETALS = frozenset(_NONMETALS.split())


@dataclass(frozen=True)
class MetalSite:
    """`index` counts the atoms of the structure from 0."""

    index: int
    element: str
    coordination: int


def metal_sites(atoms: Atoms) -> list[MetalSite]:
    """Each metal with the number of its neighbours that are no metals, across the faces of the cell."""
    is_metal = np.array([symbol not in NONMETALS for symbol in atoms.symbols], dtype=bool)
    if not is_metal.any():
        return []
    reach = np.array(natural_cutoffs(atoms)) + BOND_TOLERANCE_A / 2
    centres, neighbours = neighbor_list("ij", atoms, reach)
    counts = np.bincount(centres[is_metal[centres] & ~is_metal[neighbours]], minlength=len(atoms))
    return [MetalSite(int(i), atoms.symbols[i], int(counts[i])) for i in np.flatnonzero(is_metal)]
