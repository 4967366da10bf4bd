"""The Birch-Murnaghan equation of state, fitted to energies at several volumes."""

# The classes of ase are untyped.
# mypy: allow-untyped-calls

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase.eos import EquationOfState, birchmurnaghan
from ase.units import GPa

#: a minimum that is further from the relaxed volume than this speaks of a bad fit
_TOLERANCE = 0.01


@dataclass(frozen=True)
class Fit:
    """Of E(V) in eV and Å³ (Birch 1947, in the form of doi:10.1103/PhysRevB.70.224107)."""

    bulk_modulus_GPa: float
    derivative: float
    volume_A3: float
    energy_eV: float
    #: 1 is a perfect fit
    r_squared: float
    #: the minimum is inside the sampled volumes, and within 1 % of the relaxed one
    ok: bool

    def energies(self, volumes: np.ndarray) -> np.ndarray:
        """E(V) in eV."""
        values: np.ndarray = birchmurnaghan(
            volumes, self.energy_eV, self.bulk_modulus_GPa * GPa, self.derivative, self.volume_A3
        )
        return values


def fit(volumes_A3: Sequence[float], energies_eV: Sequence[float], relaxed_volume_A3: float) -> Fit | None:
    """None when no curve with a minimum goes through the points."""
    volumes, energies = np.asarray(volumes_A3), np.asarray(energies_eV)
    equation = EquationOfState(volumes, energies, eos="birchmurnaghan")
    try:
        equation.fit(warn=False)
    except (RuntimeError, ValueError, TypeError):
        return None
    e0, b0, derivative, v0 = (float(value) for value in equation.eos_parameters)
    if not np.isfinite([e0, b0, derivative, v0]).all() or v0 <= 0 or b0 <= 0:
        return None
    residual = energies - birchmurnaghan(volumes, e0, b0, derivative, v0)
    spread = ((energies - energies.mean()) ** 2).sum()
    inside = volumes.min() < v0 < volumes.max()
    return Fit(
        bulk_modulus_GPa=b0 / GPa,
        derivative=derivative,
        volume_A3=v0,
        energy_eV=e0,
        r_squared=float(1 - (residual**2).sum() / spread) if spread else 0.0,
        ok=bool(inside and abs(v0 / relaxed_volume_A3 - 1) <= _TOLERANCE),
    )
