"""A molecule as a picture of characters, seen from any side: atoms as marks, bonds and the cell as braille dots.

What is near hides what is far, and what is far is told to be drawn fainter. Knows neither Textual nor HTTP.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from math import ceil, cos, hypot, radians, sin, sqrt
from typing import Final

from mofsim.tui.elements import is_metal
from mofsim.tui.molecule import IDENTITY, Matrix, Molecule, Vector, minus, multiplied, plus, times
from mofsim.tui.raster import BRAILLE, DOTS

#: A first look that shows that there is depth.
FIRST: Final = (18.0, -28.0)
#: of one key
STEP: Final = 15.0
ZOOM: Final = 1.25
LEAST, MOST = 0.5, 12.0
#: Atoms of repeated cells that are still drawn at once.
MOST_ATOMS = 4000
#: of the cell's edges, one to so many dots
DASH = 3


@dataclass(frozen=True)
class Marks:
    """What atoms look like, each one cell wide."""

    metal: str
    atom: str
    hydrogen: str
    guest: str
    braille: bool


UNICODE_MARKS: Final = Marks("●", "•", "·", "◆", True)
ASCII_MARKS: Final = Marks("@", "o", ".", "#", False)


@dataclass(frozen=True)
class View:
    """From where, and what of it."""

    rotation: Matrix
    zoom: float = 1.0
    #: cells along each edge
    repeat: int = 1
    bonds: bool = True
    #: symbols of elements in place of marks
    letters: bool = False

    def turned(self, right: float = 0.0, up: float = 0.0) -> View:
        """By degrees, about the axes of the screen."""
        return replace(self, rotation=multiplied(self.rotation, multiplied(_about_y(right), _about_x(up))))

    def zoomed(self, by: float) -> View:
        return replace(self, zoom=min(MOST, max(LEAST, self.zoom * by)))


def _about_y(angle: float) -> Matrix:
    c, s = cos(radians(angle)), sin(radians(angle))
    return (c, 0.0, -s), (0.0, 1.0, 0.0), (s, 0.0, c)


def _about_x(angle: float) -> Matrix:
    c, s = cos(radians(angle)), sin(radians(angle))
    return (1.0, 0.0, 0.0), (0.0, c, s), (0.0, -s, c)


def first_view() -> View:
    up, right = FIRST
    return View(IDENTITY).turned(right=right).turned(up=up)


@dataclass(frozen=True, slots=True)
class Spot:
    """One character: `element` is that of an atom, empty for bonds and `cell` for the cell's edges."""

    text: str
    element: str = ""
    guest: bool = False
    #: in the back part of what is seen
    far: bool = False


CELL: Final = "cell"
EMPTY: Final = Spot(" ")


@dataclass(frozen=True)
class Scene:
    """All that can be seen of a molecule, in Å around its middle: made once, turned often.

    `ends` are half bonds, from an atom to the middle of the bond; `edges` lines of the cell.
    """

    symbols: Sequence[str]
    atoms: Sequence[Vector]
    guest: frozenset[int]
    ends: Sequence[tuple[Vector, Vector]]
    edges: Sequence[tuple[Vector, Vector]]
    radius: float


def most_cells(molecule: Molecule) -> int:
    """How many cells along each edge are few enough atoms to be drawn: at most 3."""
    return next((n for n in (3, 2) if len(molecule) * n**3 <= MOST_ATOMS), 1)


@lru_cache(maxsize=4)
def _scene(key: _Key) -> Scene:
    molecule, repeat = key.molecule, key.repeat
    offsets = [times((float(i), float(j), float(k)), molecule.cell) for i, j, k in product(range(repeat), repeat=3)]
    a, b, c = molecule.cell
    middle = times((repeat / 2, repeat / 2, repeat / 2), molecule.cell)
    atoms = [minus(plus(place, offset), middle) for offset in offsets for place in molecule.positions]
    count = len(molecule)
    guest = frozenset(index + count * n for n in range(len(offsets)) for index in molecule.guest)
    ends = []
    for n in range(len(offsets)):
        for bond in molecule.bonds:
            x, y, z = bond.vector
            half = (x / 2, y / 2, z / 2)
            one, two = atoms[bond.first + count * n], atoms[bond.second + count * n]
            ends += [(one, plus(one, half)), (two, minus(two, half))]
    edges = []
    for offset in offsets:
        at = minus(offset, middle)
        for along, (u, v) in ((a, (b, c)), (b, (a, c)), (c, (a, b))):
            for corner in (at, plus(at, u), plus(at, v), plus(plus(at, u), v)):
                edges.append((corner, plus(corner, along)))
    edges = list(dict.fromkeys(edges))
    return Scene(tuple(molecule.symbols) * len(offsets), atoms, guest, ends, edges, _radius(atoms))


def _radius(atoms: Sequence[Vector]) -> float:
    """Of what must be seen from every side; the tips of a slanted cell may stick out, or all the rest were small."""
    distances = [hypot(*place) for place in atoms]
    most = max(distances, default=0.0)
    return min(most, 1.45 * sqrt(sum(d * d for d in distances) / max(1, len(distances)))) or 1.0


@dataclass(frozen=True, eq=False)
class _Key:
    """A molecule is told by who it is: to compare all its numbers would cost more than it saves."""

    molecule: Molecule
    repeat: int

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self.molecule is other.molecule and self.repeat == other.repeat

    def __hash__(self) -> int:
        return hash((id(self.molecule), self.repeat))


class Canvas:
    """Characters in rows; each knows how near what it shows is."""

    def __init__(self, width: int, height: int, braille: bool) -> None:
        self.width, self.height, self.braille = width, height, braille
        self.dots_wide, self.dots_high = (2 * width, 4 * height) if braille else (width, height)
        n = width * height
        self.bits = [0] * n
        self.near = [-1e9] * n
        self.line: list[str | None] = [None] * n
        self.spots: list[Spot | None] = [None] * n
        self.spot_near = [-1e9] * n

    def stroke(self, start: Vector, end: Vector, kind: str, every: int = 1) -> None:
        """A line of dots; x and y count dots from the top left, z is how near."""
        x, y, z = start
        steps = max(1, ceil(max(abs(end[0] - x), abs(end[1] - y))))
        if steps > 8 * (self.dots_wide + self.dots_high):
            # Zoomed in far: most of it is outside anyway.
            steps = 8 * (self.dots_wide + self.dots_high)
        dx, dy, dz = (end[0] - x) / steps, (end[1] - y) / steps, (end[2] - z) / steps
        wide, high, width = self.dots_wide, self.dots_high, self.width
        for _ in range(0, steps + 1, every):
            if 0 <= x < wide and 0 <= y < high:
                column, row = int(x), int(y)
                if self.braille:
                    at = (row >> 2) * width + (column >> 1)
                    self.bits[at] |= DOTS[row & 3][column & 1]
                else:
                    at = row * width + column
                    self.bits[at] = 1
                there = self.line[at]
                if there is None or (kind != CELL and (there == CELL or z > self.near[at])):
                    self.line[at], self.near[at] = kind, z
            x, y, z = x + every * dx, y + every * dy, z + every * dz

    def mark(self, x: float, y: float, z: float, spots: Sequence[Spot]) -> None:
        """Characters side by side, the first at a dot; those that are nearer stay."""
        if not (0 <= x < self.dots_wide and 0 <= y < self.dots_high):
            return
        column, row = (int(x) >> 1, int(y) >> 2) if self.braille else (int(x), int(y))
        for spot in spots:
            at = row * self.width + column
            if column >= self.width or z < self.spot_near[at]:
                return
            self.spots[at], self.spot_near[at] = spot, z
            column += 1

    def rows(self, middle: float) -> list[list[Spot]]:
        """What lies behind `middle` is far."""
        return [
            [self._at(row * self.width + column, middle) for column in range(self.width)] for row in range(self.height)
        ]

    def _at(self, at: int, middle: float) -> Spot:
        spot, bits, kind = self.spots[at], self.bits[at], self.line[at]
        if spot is not None:
            return spot
        if not bits or kind is None:
            return EMPTY
        text = chr(BRAILLE | bits) if self.braille else ":" if kind == CELL else "."
        return Spot(text, kind, far=kind == CELL or self.near[at] < middle)


def draw(molecule: Molecule, view: View, width: int, height: int, marks: Marks = UNICODE_MARKS) -> list[list[Spot]]:
    """Rows of exactly `width` spots. The size of what is seen does not change while it is turned."""
    scene = _scene(_Key(molecule, view.repeat))
    canvas = Canvas(width, height, marks.braille)
    # A dot of braille is square; a cell is twice as high as wide.
    high = 1.0 if marks.braille else 0.5
    scale = view.zoom * (min(canvas.dots_wide, canvas.dots_high / high) / 2 - 1) / scene.radius
    left, top = canvas.dots_wide / 2, canvas.dots_high / 2
    (a, b, c), (d, e, f), (g, h, i) = view.rotation

    def seen(point: Vector) -> Vector:
        x, y, z = point
        return (
            left + scale * (x * a + y * d + z * g),
            top - high * scale * (x * b + y * e + z * h),
            x * c + y * f + z * i,
        )

    for start, end in scene.edges:
        canvas.stroke(seen(start), seen(end), CELL, every=DASH if marks.braille else 2)
    if view.bonds:
        for start, end in scene.ends:
            canvas.stroke(seen(start), seen(end), "")
    far = -scene.radius / 5
    for index, place in enumerate(scene.atoms):
        x, y, z = seen(place)
        canvas.mark(x, y, z, _spots(scene.symbols[index], index in scene.guest, z < far, view.letters, marks))
    return canvas.rows(0.0)


@lru_cache(maxsize=2048)
def _spots(symbol: str, guest: bool, far: bool, letters: bool, marks: Marks) -> tuple[Spot, ...]:
    text = symbol if letters else mark_of(symbol, guest, marks)
    return tuple(Spot(letter, symbol, guest, far) for letter in text)


def mark_of(symbol: str, guest: bool, marks: Marks) -> str:
    if guest:
        return marks.guest
    return marks.hydrogen if symbol == "H" else marks.metal if is_metal(symbol) else marks.atom
