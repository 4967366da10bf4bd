"""Where a guest may sit in a host, everywhere alike: a grid through the cell, random orientations, and no overlap."""

import itertools
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from ase.geometry import find_mic, minkowski_reduce
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

#: A guest that is further than this from all contact is in the void, where it is hardly bound. Atoms touch at the sum
#: of their van der Waals radii, which exceeds that of the covalent radii by 1.4 (H–H) to 1.9 Å (C–C).
REACH_A = 2.5
#: the largest part of a search for places that is in memory at once
_CHUNK = 200_000
_ROUNDING_A = 1e-6


@dataclass(frozen=True)
class GridPlaces:
    """`positions` (drawn, guest atoms, 3) in Å; all others were only counted."""

    positions: np.ndarray
    made: int
    overlapping: int
    in_the_void: int


def multiples(cell: np.ndarray, least_A: float) -> tuple[int, int, int]:
    """The smallest supercell whose shortest lattice vector, in any direction, is at least `least_A` long.

    The shortest edge is not enough: along the channels of MOF-74 the sum of its three primitive vectors is shortest.
    """
    most = int(np.ceil(least_A / shortest_vector(cell)))
    counts = range(1, max(most, 1) + 1)
    tried = [(a, b, c) for a in counts for b in counts for c in counts]
    tried.sort(key=lambda n: (n[0] * n[1] * n[2], n))
    return next(n for n in tried if shortest_vector(cell * np.array(n)[:, None]) >= least_A - _ROUNDING_A)


def shortest_vector(cell: np.ndarray) -> float:
    """The length in Å of the shortest vector of the lattice; `cell` (3, 3) has its vectors as rows."""
    reduced, _ = minkowski_reduce(cell)
    return float(np.linalg.norm(reduced, axis=1).min())


def on_grid(
    host: Atoms,
    guest: Atoms,
    rng: np.random.Generator,
    *,
    spacing_A: float,
    orientations: int,
    margin_A: float,
    most: int,
) -> GridPlaces:
    """A grid through the cell of `host`, and at each point the guest in random orientations.

    A guest overlaps when one of its atoms is closer to a host atom than the sum of their covalent radii (Cordero 2008)
    and `margin_A`. Of those that touch the host without that, `most` are drawn.
    """
    centres = np.repeat(_grid(host.cell.array, spacing_A, rng), orientations, axis=0)
    arms = guest.positions - guest.positions.mean(axis=0)
    turns = Rotation.random(len(centres), random_state=rng).as_matrix()
    placed = centres[:, None, :] + np.einsum("nij,aj->nai", turns, arms)
    gaps = Gaps(host, margin_A + REACH_A).of(placed, guest.numbers)
    overlapping, far = gaps < margin_A, gaps > REACH_A
    passing = np.flatnonzero(~overlapping & ~far)
    drawn = np.sort(rng.permutation(passing)[:most])
    return GridPlaces(placed[drawn], len(placed), int(overlapping.sum()), int((far & ~overlapping).sum()))


def _grid(cell: np.ndarray, spacing_A: float, rng: np.random.Generator) -> np.ndarray:
    """Points (N, 3) at most `spacing_A` apart along each vector, shifted at random so that none is special."""
    counts = np.maximum(1, np.ceil(np.linalg.norm(cell, axis=1) / spacing_A).astype(int))
    axes = [(np.arange(count) + shift) / count for count, shift in zip(counts, rng.random(3), strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    places: np.ndarray = points @ cell
    return places


class Gaps:
    """How far places are from the nearest host atom, images included, beyond the sum of the covalent radii."""

    def __init__(self, host: Atoms, reach_A: float) -> None:
        """Gaps up to `reach_A` are found, for guest atoms of any element; wider ones are infinite."""
        self._cell = host.cell.array
        self._reach = reach_A
        largest = float(covalent_radii.max())
        numbers, positions = _with_images(host, reach_A + 2 * largest)
        self._trees = {int(z): cKDTree(positions[numbers == z]) for z in np.unique(numbers)}

    def of(self, placed: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """The smallest gap (N,) of guests `placed` (N, atoms, 3), in Å; `numbers` (atoms,) are their elements."""
        smallest: np.ndarray = self.of_each(placed, numbers).min(axis=1)
        return smallest

    def of_each(self, placed: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """The gap (N, atoms) of each atom of such guests, in Å."""
        gaps = np.full(placed.shape[:2], np.inf)
        inverse = np.linalg.inv(self._cell)
        for start in range(0, len(placed), _CHUNK):
            part = slice(start, start + _CHUNK)
            inside = ((placed[part] @ inverse) % 1.0) @ self._cell
            for z, tree in self._trees.items():
                touching = covalent_radii[z] + covalent_radii[numbers]
                distances, _ = tree.query(inside, distance_upper_bound=self._reach + float(touching.max()))
                gaps[part] = np.minimum(gaps[part], distances - touching)
        return gaps


def _with_images(atoms: Atoms, reach_A: float) -> tuple[np.ndarray, np.ndarray]:
    """Elements and positions of all images that can be `reach_A` or less from a point in the cell."""
    cell = atoms.cell.array
    heights = 1 / np.linalg.norm(np.linalg.inv(cell), axis=0)
    beyond = reach_A / heights
    fractional = atoms.cell.scaled_positions(atoms.positions) % 1.0
    shifts = np.array(list(itertools.product(*(range(-int(np.ceil(n)), int(np.ceil(n)) + 1) for n in beyond))))
    images = (fractional[None, :, :] + shifts[:, None, :]).reshape(-1, 3)
    numbers = np.tile(atoms.numbers, len(shifts))
    near = ((images >= -beyond) & (images <= 1 + beyond)).all(axis=1)
    return numbers[near], images[near] @ cell


def distances_to(host: Atoms, positions: np.ndarray) -> np.ndarray:
    """Distances (guest atoms, host atoms) of `positions` to the nearest image of each host atom, in Å."""
    vectors = (positions[:, None, :] - host.positions[None, :, :]).reshape(-1, 3)
    _, lengths = find_mic(vectors, host.cell, pbc=True)
    distances: np.ndarray = lengths.reshape(len(positions), len(host))
    return distances


def apart(cell: np.ndarray, centres: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Distances (N,) of `centres` (N, 3) to the place `other` (3,), nearest images, in Å."""
    if not len(centres):
        return np.zeros(0)
    _, lengths = find_mic(centres - other, cell, pbc=True)
    distances: np.ndarray = lengths
    return distances
