"""How far a structure moved."""

from dataclasses import dataclass

import numpy as np
from ase import Atoms


@dataclass(frozen=True)
class Displacement:
    """Between two structures of the same periodic atoms, rotation and translation removed; in Å."""

    #: sqrt(sum |d|² / N)
    rmsd_A: float
    #: sqrt(sum |d|² / 3N): the average that MOFSimBench's analysis takes
    rmsd_3n_A: float
    max_A: float


def displacement(initial: Atoms, final: Atoms) -> Displacement:
    """Compare `final` with `initial`; the atoms are in the same order, the cells may differ.

    The nearest image is found in fractional coordinates, so that a changed cell does not disturb it, after
    the common shift is taken out, so that a drift by half a cell does not either. The rotation is Kabsch's
    (doi:10.1107/S0567739476001873). The strain of the cell counts as displacement, as it does in MOFSimBench.
    """
    if len(initial) != len(final) or (initial.numbers != final.numbers).any():
        raise ValueError("`initial` and `final` must have the same atoms in the same order")
    start = initial.cell.scaled_positions(initial.positions)
    moved = final.cell.scaled_positions(final.positions) - start
    moved -= _common_shift(moved)
    moved -= np.round(moved)
    reference = initial.positions - initial.positions.mean(axis=0)
    arrived = (start + moved) @ final.cell.array
    arrived -= arrived.mean(axis=0)
    d = arrived @ _rotation(arrived, reference) - reference
    squares = (d**2).sum(axis=1)
    return Displacement(
        rmsd_A=float(np.sqrt(squares.mean())),
        rmsd_3n_A=float(np.sqrt(squares.mean() / 3)),
        max_A=float(np.sqrt(squares.max())),
    )


def _common_shift(moved: np.ndarray) -> np.ndarray:
    """The mean of fractional vectors (N, 3) on the circle, where 0.99 and 0.01 are neighbours."""
    shift: np.ndarray = np.angle(np.exp(2j * np.pi * moved).mean(axis=0)) / (2 * np.pi)
    return shift


def _rotation(points: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """The proper rotation R that brings centred `points` @ R closest to centred `reference`; both (N, 3)."""
    u, _, vt = np.linalg.svd(points.T @ reference)
    handedness = np.sign(np.linalg.det(u @ vt))
    rotation: np.ndarray = u @ np.diag([1.0, 1.0, handedness]) @ vt
    return rotation


def cell_parameters(atoms: Atoms) -> list[float]:
    """a, b, c in Å and alpha, beta, gamma in degrees."""
    return [float(value) for value in atoms.cell.cellpar()]
