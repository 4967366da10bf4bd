"""Whether a structure can be simulated at all."""

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols
from ase.neighborlist import neighbor_list

from .refusal import Refusal
from .structures import refuse_count

#: no bond is shorter; H–H has 0.74 Å
TOO_CLOSE_A = 0.5
#: where the closest packing of spheres is denser than this, in atoms per Å³, two of them are closer than that
MAX_DENSITY_PER_A3 = 2**0.5 / TOO_CLOSE_A**3
#: a cell that is thinner than this has no room for an atom
MIN_HEIGHT_A = 1.0
#: longer vectors come of other units; a search for neighbours divides all of that length
MAX_LENGTH_A = 1000.0


def check(atoms: Atoms, max_atoms: int) -> float:
    """The shortest distance between two atoms, images included, in Å. Raises Refusal."""
    refuse_count(len(atoms), max_atoms)
    _check_elements(atoms)
    _check_finite(atoms)
    _check_cell(atoms)
    _check_density(atoms)
    _check_duplicates(atoms)
    return _check_distances(atoms)


def _check_elements(atoms: Atoms) -> None:
    for index in np.flatnonzero((atoms.numbers < 1) | (atoms.numbers >= len(chemical_symbols))):
        raise Refusal(
            "unknown_element",
            f"Atom {index + 1} is no element (X, a dummy atom?). Remove it or give it its symbol.",
        )


def _check_finite(atoms: Atoms) -> None:
    if not np.isfinite(atoms.cell.array).all():
        raise Refusal("not_finite", "The cell has a number that is NaN or infinite. Correct it.")
    for index in np.flatnonzero(~np.isfinite(atoms.positions).all(axis=1)):
        raise Refusal("not_finite", f"The position of atom {_name(atoms, int(index))} is NaN or infinite. Correct it.")


def _check_cell(atoms: Atoms) -> None:
    if not atoms.cell.array.any():
        raise Refusal("no_cell", "The structure has no cell. Upload it as CIF, POSCAR or extXYZ with a Lattice.")
    lengths = atoms.cell.lengths()
    if not lengths.all():
        raise Refusal("no_cell", "The cell has a vector of length zero. A MOF needs all three.")
    if lengths.max() > MAX_LENGTH_A:
        raise Refusal(
            "huge_cell",
            f"A vector of the cell is {lengths.max():.3g} Å long, and {MAX_LENGTH_A:g} Å are allowed. Is it in Å?",
        )
    heights = _heights(atoms)
    if heights.min() < MIN_HEIGHT_A:
        raise Refusal(
            "flat_cell",
            f"The cell is flat: {heights.min():.3g} Å thin, with a volume of {atoms.cell.volume:.3g} Å³. "
            "Correct its vectors.",
        )
    if not atoms.pbc.all():
        raise Refusal(
            "not_periodic",
            'The structure is not periodic in all directions. Write pbc="T T T" if it is a crystal.',
        )


def _heights(atoms: Atoms) -> np.ndarray:
    """Distances between opposite faces of the cell, in Å."""
    a, b, c = atoms.cell.array
    areas = np.linalg.norm([np.cross(b, c), np.cross(c, a), np.cross(a, b)], axis=1)
    heights: np.ndarray = np.divide(atoms.cell.volume, areas, out=np.zeros(3), where=areas > 0)
    return heights


def _check_density(atoms: Atoms) -> None:
    """Before distances are looked at: the pairs of a crowd fill the memory."""
    if len(atoms) > MAX_DENSITY_PER_A3 * atoms.cell.volume:
        raise Refusal(
            "overlapping_atoms",
            f"{len(atoms)} atoms in {atoms.cell.volume:.3g} Å³ can not all be {TOO_CLOSE_A} Å apart. Correct the cell "
            "or the units: lengths are in Å.",
        )


def _check_duplicates(atoms: Atoms) -> None:
    """Atoms on one place; a search by distance would list each pair of a heap of them."""
    places = np.round(atoms.get_scaled_positions() * 1e6) % 1e6
    order = np.lexsort(places.T)
    same = (places[order][1:] == places[order][:-1]).all(axis=1)
    for at in np.flatnonzero(same):
        pair = sorted((int(order[at]), int(order[at + 1])))
        _refuse_close(atoms, pair[0], pair[1], 0.0)


def _check_distances(atoms: Atoms) -> float:
    """Wider and wider searches, so that the first one stays small in a crowded cell."""
    cutoff = TOO_CLOSE_A
    while True:
        first, second, distances = neighbor_list("ijd", atoms, cutoff)
        if len(distances):
            break
        cutoff *= 2
    closest = int(distances.argmin())
    if distances[closest] < TOO_CLOSE_A:
        _refuse_close(atoms, int(first[closest]), int(second[closest]), float(distances[closest]))
    return float(distances[closest])


def _refuse_close(atoms: Atoms, first: int, second: int, distance: float) -> None:
    raise Refusal(
        "overlapping_atoms",
        f"Atoms {_name(atoms, first)} and {_name(atoms, second)} are {distance:.3f} Å apart, nearest images "
        f"counted; the least is {TOO_CLOSE_A} Å. Remove one of them, or resolve the disorder.",
    )


def _name(atoms: Atoms, index: int) -> str:
    """Counted from 1, as in the file of a CIF without symmetry."""
    return f"{index + 1} ({atoms.symbols[index]})"
