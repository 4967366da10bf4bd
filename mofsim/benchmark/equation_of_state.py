"""The third-order Birch-Murnaghan equation of state, which is a cubic in V^(-2/3): fitted without an iteration."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

#: points through which a cubic is more than an interpolation
LEAST_POINTS = 5
#: 1 eV/Å³ in GPa, 1 Hartree in eV (CODATA 2018)
GPA_PER_EV_A3 = 160.2176634
EV_PER_HARTREE = 27.211386245988


@dataclass(frozen=True)
class Curve:
    """E(V) with its minimum; energies in the unit that was given, volumes in Å³."""

    volume_A3: float
    #: in the unit of the energies per Å³
    bulk_modulus: float
    #: the minimum is inside the volumes that were given
    is_inside: bool
    _coefficients: tuple[float, ...]
    _middle_A3: float
    _spread: float
    _zero: float

    def energy(self, volume_A3: float) -> float:
        t = (float((volume_A3 / self._middle_A3) ** (-2 / 3)) - 1) / self._spread
        return self._zero + math.fsum(c * t**power for power, c in enumerate(self._coefficients))


def fit(volumes_A3: Sequence[float], energies: Sequence[float]) -> Curve | None:
    """Least squares of E = sum c_i x^i, i to 3, x = V^(-2/3) (Birch 1947, doi:10.1103/PhysRev.71.809).

    At the minimum B = V d²E/dV² = 4/9 x² (d²E/dx²) / V. None when no curve with a minimum goes through the points.
    """
    distinct = set(volumes_A3)
    if len(distinct) < LEAST_POINTS or len(volumes_A3) != len(energies) or min(distinct) <= 0:
        return None
    middle, zero = math.fsum(volumes_A3) / len(volumes_A3), min(energies)
    x = [(volume / middle) ** (-2 / 3) - 1 for volume in volumes_A3]
    spread = max(map(abs, x))
    t = [each / spread for each in x]
    coefficients = _cubic(t, [energy - zero for energy in energies])
    _, c1, c2, c3 = coefficients
    # The slope c1 + 2 c2 t + 3 c3 t² has two zeros; at the minimum the curvature is the positive root.
    discriminant = 4 * c2**2 - 12 * c3 * c1
    if discriminant <= 0:
        return None
    curvature = math.sqrt(discriminant)
    at = -2 * c1 / (2 * c2 + curvature) if c2 > 0 else (curvature - 2 * c2) / (6 * c3)
    minimum = 1 + spread * at
    if minimum <= 0:
        return None
    volume = middle * minimum**-1.5
    return Curve(
        volume_A3=volume,
        bulk_modulus=4 / 9 * minimum**2 * curvature / spread**2 / volume,
        is_inside=min(distinct) < volume < max(distinct),
        _coefficients=tuple(coefficients),
        _middle_A3=middle,
        _spread=spread,
        _zero=zero,
    )


def _cubic(t: Sequence[float], y: Sequence[float]) -> list[float]:
    """Coefficients of the best cubic; with `t` within -1 to 1 its normal equations are well conditioned."""
    powers = [math.fsum(each**power for each in t) for power in range(7)]
    rows = [[*powers[i : i + 4], math.fsum(b * a**i for a, b in zip(t, y, strict=True))] for i in range(4)]
    return _solve(rows)


def _solve(rows: list[list[float]]) -> list[float]:
    """Of linear equations, the right side last; Gauss with pivots."""
    size = len(rows)
    for i in range(size):
        pivot = max(range(i, size), key=lambda k: abs(rows[k][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for k in range(i + 1, size):
            factor = rows[k][i] / rows[i][i]
            rows[k] = [below - factor * above for below, above in zip(rows[k], rows[i], strict=True)]
    found = [0.0] * size
    for i in reversed(range(size)):
        found[i] = (rows[i][size] - math.fsum(rows[i][j] * found[j] for j in range(i + 1, size))) / rows[i][i]
    return found
