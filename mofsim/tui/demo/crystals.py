"""The structures of the demo: published coordinates, with the atoms of the primitive cell made by symmetry.

The table is that of `mofsim.simulations.builtin`, which needs libraries that the console does without.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import permutations, product
from math import acos, cos, degrees, floor, pi, sin, sqrt

Vector = tuple[float, float, float]
Matrix = tuple[Vector, Vector, Vector]
Operation = Callable[[Vector], Vector]

#: Two fractional places that are closer are one.
SAME = 2e-3

FACES: Sequence[Vector] = ((0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0))
BODY: Sequence[Vector] = ((0, 0, 0), (0.5, 0.5, 0.5))
RHOMBOHEDRAL: Sequence[Vector] = ((0, 0, 0), (2 / 3, 1 / 3, 1 / 3), (1 / 3, 2 / 3, 2 / 3))


@dataclass(frozen=True)
class Crystal:
    """The primitive cell: cartesian places and the three vectors, in Å."""

    name: str
    description: str
    symbols: Sequence[str]
    positions: Sequence[Vector]
    cell: Matrix

    @property
    def volume(self) -> float:
        return abs(_determinant(self.cell))

    @property
    def formula(self) -> str:
        counts = Counter(self.symbols)
        order = sorted(counts, key=lambda symbol: (symbol in "CHNO", symbol))
        return "".join(f"{symbol}{counts[symbol] if counts[symbol] > 1 else ''}" for symbol in order)


@dataclass(frozen=True)
class _Entry:
    description: str
    group: int
    lengths: tuple[float, float]
    sites: Sequence[tuple[str, float, float, float]]


_TABLE = {
    "MOF-5": _Entry(
        "Zn4O clusters and benzenedicarboxylate, also IRMOF-1; wide pores, soft", 225, (25.832, 25.832),
        (("Zn", 0.2934, 0.2066, 0.2066), ("O", 0.25, 0.25, 0.25), ("O", 0.2819, 0.2181, 0.1340),
         ("C", 0.25, 0.25, 0.1113), ("C", 0.25, 0.25, 0.0538), ("C", 0.2829, 0.2171, 0.0269),
         ("H", 0.3085, 0.1915, 0.0478)),
    ),
    "HKUST-1": _Entry(
        "Copper paddle-wheels and benzenetricarboxylate, dry; open metal sites", 225, (26.343, 26.343),
        (("Cu", 0.2853, 0.2853, 0.0), ("O", 0.3166, 0.2431, 0.9478), ("C", 0.2968, 0.2032, 0.9313),
         ("C", 0.3220, 0.1780, 0.8870), ("C", 0.3655, 0.1994, 0.8655), ("H", 0.3826, 0.2326, 0.8826)),
    ),
    "ZIF-8": _Entry(
        "Zinc and 2-methylimidazolate, sodalite net; methyl groups in one ordered position", 217, (16.991, 16.991),
        (("Zn", 0.5, 0.0, 0.75), ("N", 0.40973, 0.96832, 0.68278), ("C", 0.37705, 0.0079, 0.62295),
         ("C", 0.36851, 0.89914, 0.6875), ("C", 0.4061, 0.0855, 0.5939), ("H", 0.3792, 0.8524, 0.7292),
         ("H", 0.4510, 0.0761, 0.5490), ("H", 0.4313, 0.1185, 0.6428)),
    ),
    "UiO-66": _Entry(
        "Zr6 clusters and benzenedicarboxylate, hydroxylated, OH groups ordered; stiff", 216, (20.7004, 20.7004),
        (("Zr", 0.11989, 0.0, 0.0), ("O", 0.17047, 0.0, 0.0953), ("C", 0.1536, 0.0, 0.1536),
         ("C", 0.2050, 0.0, 0.2050), ("C", 0.2675, 0.0, 0.1844), ("H", 0.2796, 0.0, 0.1336),
         ("O", 0.0503, 0.0503, 0.0503), ("O", -0.06787, -0.06787, -0.06787), ("H", -0.09493, -0.09493, -0.09493)),
    ),
    "Mg-MOF-74": _Entry(
        "Magnesium oxide chains and dioxidoterephthalate, dry; open metal sites, takes up CO2", 148, (25.8765, 6.7856),
        (("Mg", 0.64159, 0.68514, 0.47189), ("O", 0.96943, 0.29776, 0.36038), ("O", 0.92763, 0.23048, 0.6102),
         ("O", 0.25494, 0.94205, 0.67383), ("C", 0.92667, 0.2458, 0.42703), ("C", 0.87918, 0.20711, 0.29083),
         ("C", 0.21254, 0.88926, 0.7549), ("C", 0.1663, 0.84759, 0.63558), ("H", 0.16529, 0.85803, 0.47918)),
    ),
}  # fmt: skip
NAMES = tuple(_TABLE)


@cache
def crystal(name: str) -> Crystal:
    entry = _TABLE[name]
    conventional, primitive, shifts = _lattice(entry)
    found: list[tuple[str, Vector]] = []
    for symbol, *place in entry.sites:
        orbit: list[Vector] = []
        for operation, shift in product(_operations(entry.group), shifts):
            moved = operation((place[0], place[1], place[2]))
            cartesian = _times((moved[0] + shift[0], moved[1] + shift[1], moved[2] + shift[2]), conventional)
            fraction = _wrapped(_times(cartesian, _inverse(primitive)))
            if not any(_is_same(fraction, other) for other in orbit):
                orbit.append(fraction)
        found += [(symbol, _times(fraction, primitive)) for fraction in orbit]
    symbols, positions = zip(*found, strict=True)
    return Crystal(name, entry.description, symbols, positions, primitive)


def _lattice(entry: _Entry) -> tuple[Matrix, Matrix, Sequence[Vector]]:
    """The conventional cell, the primitive one, and what shifts lead from atom to atom in the conventional one."""
    a, c = entry.lengths
    if entry.group == 148:
        conventional = ((a, 0.0, 0.0), (-a / 2, a * sqrt(3) / 2, 0.0), (0.0, 0.0, c))
        vectors: Sequence[Vector] = ((2 / 3, 1 / 3, 1 / 3), (-1 / 3, 1 / 3, 1 / 3), (-1 / 3, -2 / 3, 1 / 3))
        return conventional, _rows(_times(vector, conventional) for vector in vectors), RHOMBOHEDRAL
    conventional = ((a, 0.0, 0.0), (0.0, a, 0.0), (0.0, 0.0, a))
    half = a / 2
    if entry.group == 217:
        return conventional, ((-half, half, half), (half, -half, half), (half, half, -half)), BODY
    return conventional, ((0.0, half, half), (half, 0.0, half), (half, half, 0.0)), FACES


def _operations(group: int) -> Iterator[Operation]:
    """Of the point group: m-3m (225), -43m (216 and 217) or -3 (148, hexagonal axes)."""
    if group == 148:
        for sign in (1, -1):
            for turns in range(3):
                yield partial(_turned, sign, turns)
        return
    for signs in product((1, -1), repeat=3):
        if group == 225 or signs[0] * signs[1] * signs[2] > 0:
            for order in permutations(range(3)):
                yield partial(_permuted, signs, order)


def _turned(sign: int, turns: int, v: Vector) -> Vector:
    """By so many thirds around the axis c, in hexagonal axes."""
    for _ in range(turns):
        v = -v[1], v[0] - v[1], v[2]
    return sign * v[0], sign * v[1], sign * v[2]


def _permuted(signs: Sequence[int], order: Sequence[int], v: Vector) -> Vector:
    return signs[0] * v[order[0]], signs[1] * v[order[1]], signs[2] * v[order[2]]


def moved(of: Crystal, stretch: float, amount: float, seed: int) -> tuple[list[Vector], Matrix]:
    """The atoms when the cell grew by `stretch` and each moved `amount` Å its own way."""
    places = []
    for n, (x, y, z) in enumerate(of.positions):
        turn, lift = 2 * pi * ((n * 0.618 + seed * 0.137) % 1.0), pi * ((n * 0.414 + seed * 0.271) % 1.0)
        dx, dy, dz = sin(lift) * cos(turn), sin(lift) * sin(turn), cos(lift)
        places.append((x * stretch + amount * dx, y * stretch + amount * dy, z * stretch + amount * dz))
    return places, _rows((x * stretch, y * stretch, z * stretch) for x, y, z in of.cell)


def extxyz(symbols: Sequence[str], places: Sequence[Vector], cell: Matrix) -> str:
    lattice = " ".join(f"{value:.8f}" for vector in cell for value in vector)
    head = f'{len(symbols)}\nLattice="{lattice}" Properties=species:S:1:pos:R:3 pbc="T T T"\n'
    lines = (f"{s} {x:.8f} {y:.8f} {z:.8f}\n" for s, (x, y, z) in zip(symbols, places, strict=True))
    return head + "".join(lines)


def cif(name: str, symbols: Sequence[str], places: Sequence[Vector], cell: Matrix) -> str:
    lengths = [sqrt(sum(value * value for value in vector)) for vector in cell]
    angles = [_angle(cell[i], cell[j]) for i, j in ((1, 2), (0, 2), (0, 1))]
    names = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
    head = [f"data_{name}", "_symmetry_space_group_name_H-M 'P 1'"]
    head += [f"_cell_{label} {value:.5f}" for label, value in zip(names, [*lengths, *angles], strict=True)]
    head += ["loop_", "_atom_site_type_symbol", "_atom_site_fract_x", "_atom_site_fract_y", "_atom_site_fract_z"]
    inverse = _inverse(cell)
    rows = (
        f"{symbol} {x:.6f} {y:.6f} {z:.6f}"
        for symbol, place in zip(symbols, places, strict=True)
        for x, y, z in (_wrapped(_times(place, inverse)),)
    )
    return "\n".join([*head, *rows]) + "\n"


def _angle(one: Vector, two: Vector) -> float:
    lengths = sqrt(sum(v * v for v in one)) * sqrt(sum(v * v for v in two))
    return degrees(acos(sum(a * b for a, b in zip(one, two, strict=True)) / lengths))


def _wrapped(fraction: Vector) -> Vector:
    """Within the cell, where 0 and 1 are one place."""
    x, y, z = (value - floor(value + SAME) for value in fraction)
    return x, y, z


def _is_same(one: Vector, two: Vector) -> bool:
    return all(abs((a - b) - round(a - b)) < SAME for a, b in zip(one, two, strict=True))


def _times(vector: Vector, matrix: Matrix) -> Vector:
    x, y, z = (sum(vector[i] * matrix[i][j] for i in range(3)) for j in range(3))
    return x, y, z


def _rows(vectors: Iterator[Vector]) -> Matrix:
    a, b, c = vectors
    return a, b, c


def _determinant(m: Matrix) -> float:
    (a, b, c), (d, e, f), (g, h, i) = m
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)


def _inverse(m: Matrix) -> Matrix:
    (a, b, c), (d, e, f), (g, h, i) = m
    n = _determinant(m)
    return (
        ((e * i - f * h) / n, (c * h - b * i) / n, (b * f - c * e) / n),
        ((f * g - d * i) / n, (a * i - c * g) / n, (c * d - a * f) / n),
        ((d * h - e * g) / n, (b * g - a * h) / n, (a * e - b * d) / n),
    )
