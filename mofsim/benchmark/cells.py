"""A reference volume is that of one cell, and a structure may have several of them in its own, or a part of one."""

from dataclasses import dataclass

from mofsim.schemas.scores import Reference

#: how far the volumes may be apart once the number of cells is taken into account
TOLERANCE = 0.25


class NoMatch(Exception):
    """No integer number of cells makes the two volumes alike."""


@dataclass(frozen=True)
class Cells:
    """`scale` times a volume of the structure is a volume of the reference's cell."""

    scale: float
    words: str


def match(volume_A3: float, n_atoms: int, reference: Reference) -> Cells:
    """Of a structure as it was submitted; raises NoMatch.

    Where the reference says how many atoms its cell has, they decide; else the integer nearest to the volumes' ratio.
    """
    ratio = n_atoms / reference.n_atoms if reference.n_atoms else volume_A3 / reference.value
    many, part = max(1, round(ratio)), max(1, round(1 / ratio))
    if reference.n_atoms and n_atoms not in (many * reference.n_atoms, reference.n_atoms / part):
        raise NoMatch(
            f"{n_atoms} atoms are no integer number of cells with {reference.n_atoms}, which the reference has; "
            "is it the same structure?"
        )
    cells = Cells(1 / many, _words(many, "the cell has {} of the reference's"))
    if ratio < 1:
        cells = Cells(float(part), _words(part, "the reference's cell has {} of this one"))
    off = volume_A3 * cells.scale / reference.value - 1
    if abs(off) > TOLERANCE:
        raise NoMatch(
            f"{volume_A3:.1f} Å³ is within {TOLERANCE:.0%} of no integer number of cells with {reference.value:.1f} "
            "Å³, which the reference has; is it the same structure?"
        )
    return cells


def _words(number: int, several: str) -> str:
    return "the same cell" if number == 1 else several.format(number)
