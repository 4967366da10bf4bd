"""Stops a simulation that explodes, before it burns hours or writes nonsense."""

import numpy as np
from ase import Atoms

from .errors import SimulationExploded

#: beyond this, the energy of a cell is no longer physical
ENERGY_LIMIT_EV = 1e5
#: the volume may shrink and grow to this share of the start
VOLUME_RANGE = (0.3, 3.0)


class Guard:
    """Checks every force call of a run: the geometry before it, the answer after it.

    `start_volume_A3` is the volume of the cell that the simulation starts from.
    """

    def __init__(self, start_volume_A3: float) -> None:
        self._start_volume = start_volume_A3

    def before(self, atoms: Atoms) -> None:
        """Raises SimulationExploded for a geometry that no potential should be asked about."""
        if not (np.isfinite(atoms.positions).all() and np.isfinite(atoms.cell.array).all()):
            raise SimulationExploded("Positions or cell became NaN or infinite. " + _ADVICE)
        ratio = atoms.cell.volume / self._start_volume
        low, high = VOLUME_RANGE
        if not low <= ratio <= high:
            raise SimulationExploded(
                f"The cell's volume became {ratio:.3g} times the start (allowed: {low:g} to {high:g}). {_ADVICE}"
            )

    def after(self, energy_eV: float, forces_eV_per_A: np.ndarray, stress: np.ndarray | None) -> None:
        """Raises SimulationExploded for an answer that is not finite or not physical.

        `forces_eV_per_A` has the shape (atoms, 3).
        """
        if not np.isfinite(energy_eV) or not np.isfinite(forces_eV_per_A).all():
            raise SimulationExploded("The potential's energy or forces are NaN or infinite. " + _ADVICE)
        if stress is not None and not np.isfinite(stress).all():
            raise SimulationExploded("The potential's stress is NaN or infinite. " + _ADVICE)
        if abs(energy_eV) > ENERGY_LIMIT_EV:
            raise SimulationExploded(
                f"The energy became {energy_eV:.4g} eV (allowed: ±{ENERGY_LIMIT_EV:g} eV). {_ADVICE}"
            )


_ADVICE = "Look at the last frames: atoms that overlap, or an element that the model knows badly."
