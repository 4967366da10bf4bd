"""Atoms in a cell that repeats: bonds, the shape of the cell, and what became of one in a relaxation.

Plain Python on purpose: numpy takes longer to import than these numbers take to compute. Lengths are in Å, angles in
degrees. Knows neither Textual nor HTTP.
"""

from __future__ import annotations

import cmath
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement, product
from math import acos, ceil, degrees, floor, hypot, pi, sqrt

from mofsim.tui.elements import BOND_TOLERANCE, RADII, UNKNOWN_RADIUS

Vector = tuple[float, float, float]
Matrix = tuple[Vector, Vector, Vector]

#: More atoms than these are drawn without bonds, which would take seconds to find and hide each other.
MOST_BONDED = 5000


@dataclass(frozen=True)
class Bond:
    """From atom `first` to atom `second`; `vector` leads to the nearest image of it, perhaps in another cell."""

    first: int
    second: int
    vector: Vector


@dataclass(frozen=True)
class Molecule:
    """`positions` lie in the cell, a guest as a whole at least begins there; `guest` tells which atoms are it."""

    symbols: Sequence[str]
    positions: Sequence[Vector]
    cell: Matrix
    bonds: Sequence[Bond] = ()
    guest: frozenset[int] = frozenset()

    def __len__(self) -> int:
        return len(self.symbols)


def molecule(
    symbols: Sequence[str],
    positions: Sequence[Sequence[float]],
    cell: Sequence[Sequence[float]],
    guest: Collection[int] = (),
) -> Molecule:
    """With its bonds, which takes 0.1 s for 1000 atoms. Raises ValueError for a cell without a volume."""
    vectors = _matrix(cell)
    inverse = inverted(vectors)
    fractions = [times(_vector(position), inverse) for position in positions]
    inside = [_wrapped(fraction) for fraction in fractions]
    for index in (members := sorted(guest))[1:]:
        inside[index] = _nearest(fractions[index], fractions[members[0]], inside[members[0]])
    places = [times(fraction, vectors) for fraction in inside]
    bonds = tuple(_bonds(symbols, places, inside, vectors, inverse)) if len(symbols) <= MOST_BONDED else ()
    return Molecule(tuple(symbols), places, vectors, bonds, frozenset(guest))


def _wrapped(fraction: Vector) -> Vector:
    """Into the cell; what lies on a face, up to rounding, lies on the one at the origin."""
    x, y, z = (part - floor(part + 1e-6) for part in fraction)
    return x, y, z


def _nearest(fraction: Vector, of: Vector, placed: Vector) -> Vector:
    """A guest's atom as near to its first one, which was placed, as the cell allows."""
    x, y, z = (p + (d := f - o) - round(d) for f, o, p in zip(fraction, of, placed, strict=True))
    return x, y, z


def _bonds(
    symbols: Sequence[str], places: Sequence[Vector], fractions: Sequence[Vector], cell: Matrix, inverse: Matrix
) -> Iterator[Bond]:
    """All pairs near enough, by the nearest images; space is cut into boxes, of which only neighbours are looked at."""
    reach = _reach(symbols)
    longest = sqrt(max(reach.values()))
    heights = [1 / hypot(*(row[axis] for row in inverse)) for axis in range(3)]
    counts = [max(1, int(height / longest)) for height in heights]
    spans = [range(-(far := ceil(longest * n / h)), far + 1) for n, h in zip(counts, heights, strict=True)]
    boxes: dict[tuple[int, ...], list[int]] = {}
    homes = []
    for index, fraction in enumerate(fractions):
        home = tuple(floor(part * n) % n for part, n in zip(fraction, counts, strict=True))
        homes.append(home)
        boxes.setdefault(home, []).append(index)
    # A guest may stick out of the cell: the whole cells that its atoms are off are part of the way to it.
    off = [tuple(floor(part * n) // n for part, n in zip(f, counts, strict=True)) for f in fractions]
    steps = list(product(*spans))
    for first, home in enumerate(homes):
        mine, (x, y, z) = symbols[first], places[first]
        for step in steps:
            where = [h + s for h, s in zip(home, step, strict=True)]
            others = boxes.get(tuple(w % n for w, n in zip(where, counts, strict=True)))
            if not others:
                continue
            image = [w // n for w, n in zip(where, counts, strict=True)]
            for second in others:
                if second < first:
                    continue
                a, b, c = (i + o - p for i, o, p in zip(image, off[first], off[second], strict=True))
                if second == first and (a, b, c) <= (0, 0, 0):
                    continue
                u, v, w = places[second]
                dx = u - x + a * cell[0][0] + b * cell[1][0] + c * cell[2][0]
                dy = v - y + a * cell[0][1] + b * cell[1][1] + c * cell[2][1]
                dz = w - z + a * cell[0][2] + b * cell[1][2] + c * cell[2][2]
                if 0.01 < dx * dx + dy * dy + dz * dz < reach[mine, symbols[second]]:
                    yield Bond(first, second, (dx, dy, dz))


def _reach(symbols: Sequence[str]) -> dict[tuple[str, str], float]:
    """The square of the longest bond of each pair of elements."""
    found: dict[tuple[str, str], float] = {}
    for one, two in combinations_with_replacement(sorted(set(symbols)), 2):
        longest = RADII.get(one, UNKNOWN_RADIUS) + RADII.get(two, UNKNOWN_RADIUS) + BOND_TOLERANCE
        found[one, two] = found[two, one] = longest * longest
    return found


@dataclass(frozen=True)
class Shape:
    """Lengths, angles and volume of a cell."""

    lengths: Vector
    angles: Vector
    volume: float


def shape(cell: Matrix) -> Shape:
    a, b, c = cell
    lengths = hypot(*a), hypot(*b), hypot(*c)
    angles = _angle(b, c), _angle(a, c), _angle(a, b)
    return Shape(lengths, angles, abs(determinant(cell)))


def percent(before: float, after: float) -> float:
    return 100 * (after / before - 1)


@dataclass(frozen=True)
class Displacement:
    """Of the atom that moved farthest, counted from 0."""

    index: int
    symbol: str
    distance: float


def farthest(before: Molecule, after: Molecule) -> Displacement | None:
    """As mofsim.simulations.geometry has it, with rotation and translation removed; None where atoms differ.

    The nearest image is found in fractional coordinates after the common shift is taken out. The rotation is that of
    Kabsch (doi:10.1107/S0567739476001873), the orthogonal part of the covariance.
    """
    if tuple(before.symbols) != tuple(after.symbols) or not len(before):
        return None
    starts = _fractions(before)
    moves = [minus(to, start) for to, start in zip(_fractions(after), starts, strict=True)]
    shift = _common(moves)
    arrived = []
    for start, move in zip(starts, moves, strict=True):
        x, y, z = ((d := m - s) - round(d) for m, s in zip(move, shift, strict=True))
        arrived.append(times((start[0] + x, start[1] + y, start[2] + z), after.cell))
    reference, points = _centred(before.positions), _centred(arrived)
    rotation = _rotation(points, reference)
    distances = [hypot(*minus(times(p, rotation), r)) for p, r in zip(points, reference, strict=True)]
    index = max(range(len(distances)), key=distances.__getitem__)
    return Displacement(index, before.symbols[index], distances[index])


def _fractions(of: Molecule) -> list[Vector]:
    inverse = inverted(of.cell)
    return [times(position, inverse) for position in of.positions]


def _common(moves: Sequence[Vector]) -> Vector:
    """The mean on the circle, where 0.99 and 0.01 are neighbours."""
    x, y, z = (
        cmath.phase(sum((cmath.exp(2j * pi * move[axis]) for move in moves), 0j)) / (2 * pi) for axis in range(3)
    )
    return x, y, z


def _centred(points: Sequence[Vector]) -> list[Vector]:
    x, y, z = (sum(point[axis] for point in points) / len(points) for axis in range(3))
    return [(a - x, b - y, c - z) for a, b, c in points]


def _rotation(points: Sequence[Vector], reference: Sequence[Vector]) -> Matrix:
    """The proper rotation that brings `points` closest, by Newton's iteration to the orthogonal part of a matrix.

    (Higham, SIAM J. Sci. Stat. Comput. 7, 1160 (1986).) No rotation where the points lie in a plane, which has two.
    """
    found = _matrix(
        [[sum(p[i] * r[j] for p, r in zip(points, reference, strict=True)) for j in range(3)] for i in range(3)]
    )
    size = max(abs(value) for row in found for value in row)
    if not size or determinant(found) < 1e-9 * size**3:
        return IDENTITY
    for _ in range(60):
        other = transposed(inverted(found))
        after = _matrix([[(a + b) / 2 for a, b in zip(x, y, strict=True)] for x, y in zip(found, other, strict=True)])
        change = max(abs(a - b) for x, y in zip(found, after, strict=True) for a, b in zip(x, y, strict=True))
        found = after
        if change < 1e-13:
            break
    return found


IDENTITY: Matrix = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


def times(vector: Vector, matrix: Matrix) -> Vector:
    """A row times a matrix."""
    x, y, z = vector
    a, b, c = matrix
    return (
        x * a[0] + y * b[0] + z * c[0],
        x * a[1] + y * b[1] + z * c[1],
        x * a[2] + y * b[2] + z * c[2],
    )


def plus(one: Vector, two: Vector) -> Vector:
    return one[0] + two[0], one[1] + two[1], one[2] + two[2]


def minus(one: Vector, two: Vector) -> Vector:
    return one[0] - two[0], one[1] - two[1], one[2] - two[2]


def multiplied(one: Matrix, two: Matrix) -> Matrix:
    return times(one[0], two), times(one[1], two), times(one[2], two)


def transposed(matrix: Matrix) -> Matrix:
    return _matrix(list(zip(*matrix, strict=True)))


def determinant(matrix: Matrix) -> float:
    (a, b, c), (d, e, f), (g, h, i) = matrix
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)


def inverted(matrix: Matrix) -> Matrix:
    """Raises ValueError where there is none."""
    (a, b, c), (d, e, f), (g, h, i) = matrix
    whole = determinant(matrix)
    if not whole:
        raise ValueError("the cell has no volume")
    rows = (
        (e * i - f * h, c * h - b * i, b * f - c * e),
        (f * g - d * i, a * i - c * g, c * d - a * f),
        (d * h - e * g, b * g - a * h, a * e - b * d),
    )
    return _matrix([[value / whole for value in row] for row in rows])


def _angle(one: Vector, two: Vector) -> float:
    cosine = sum(a * b for a, b in zip(one, two, strict=True)) / (hypot(*one) * hypot(*two))
    return degrees(acos(max(-1.0, min(1.0, cosine))))


def _vector(values: Sequence[float]) -> Vector:
    x, y, z = values
    return float(x), float(y), float(z)


def _matrix(rows: Sequence[Sequence[float]]) -> Matrix:
    a, b, c = rows
    return _vector(a), _vector(b), _vector(c)
