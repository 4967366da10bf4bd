"""The places where a search for sites looks: those at open metals, and those of a grid through the whole cell."""

# The classes of ase are untyped.
# mypy: allow-untyped-calls

import logging
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from ase import Atoms

from .coordination import MetalSite
from .metal_placement import at_open_metals
from .open_metals import OpenMetal
from .placement import apart, on_grid

log = logging.getLogger(__name__)

Origin = Literal["open metal", "grid"]

#: in `Candidates.metals`, of a candidate of the grid
NO_METAL = -1
#: Candidates whose centres are nearer than this lead to the same site; of them only the best is relaxed.
SAME_PLACE_A = 2.0


@dataclass(frozen=True)
class Candidates:
    """`positions` (scored, guest atoms, 3) in Å, those at open metals first."""

    positions: np.ndarray
    #: (scored,) the index of the open metal that each was put at, or NO_METAL
    metals: np.ndarray
    open_metals: tuple[MetalSite, ...]
    #: of the grid; those that passed and were not drawn are counted too
    made: int
    overlapping: int
    in_the_void: int

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def passed(self) -> int:
        return self.made - self.overlapping - self.in_the_void

    def count(self, origin: Origin) -> int:
        return sum(self.origin(number) == origin for number in range(len(self)))

    def origin(self, number: int) -> Origin:
        return "grid" if self.metals[number] == NO_METAL else "open metal"

    def metal(self, number: int) -> int | None:
        """The index of the metal that it was put at."""
        return None if self.metals[number] == NO_METAL else int(self.metals[number])


def candidates(
    host: Atoms,
    guest: Atoms,
    rng: np.random.Generator,
    metals: list[OpenMetal],
    *,
    spacing_A: float,
    orientations: int,
    margin_A: float,
    most: int,
    metal_share: float,
) -> Candidates:
    """At most `most` places, of which `metal_share` are at open metals where there are any, as far as they fit there.

    Chance alone comes near a metal too seldom: its bond to a guest is shorter than what counts as an overlap on the
    grid, and what is near it is a small part of the cell.
    """
    at_metals = at_open_metals(host, guest, rng, metals, margin_A=margin_A, most=round(metal_share * most))
    grid = on_grid(
        host,
        guest,
        rng,
        spacing_A=spacing_A,
        orientations=orientations,
        margin_A=margin_A,
        most=most - len(at_metals.positions),
    )
    return Candidates(
        positions=np.concatenate([at_metals.positions, grid.positions]),
        metals=np.concatenate([at_metals.metals, np.full(len(grid.positions), NO_METAL)]),
        open_metals=tuple(metal.site for metal in metals),
        made=grid.made,
        overlapping=grid.overlapping,
        in_the_void=grid.in_the_void,
    )


def candidates_of(state: dict[str, Any]) -> Candidates:
    """The Candidates that `asdict` made `state` of. An older version knew those of the grid only."""
    everywhere = {"metals": np.full(len(state["positions"]), NO_METAL), "open_metals": []}
    known = {**everywhere, **state}
    known["open_metals"] = tuple(MetalSite(**site) for site in known["open_metals"])
    return Candidates(**known)


def choose(found: Candidates, scores_eV: list[float], cell: np.ndarray, most: int) -> list[int]:
    """The numbers of the candidates to relax, no two of them at the same place of the unit cell.

    The best of each origin come first, then the others by their score: a candidate that is a little too near to a metal
    scores badly, and still leads to the best site.
    """
    ranked = np.argsort(scores_eV, kind="stable").tolist()
    centres = found.positions.mean(axis=1)
    chosen: list[int] = []

    def is_new(number: int) -> bool:
        return bool((apart(cell, centres[chosen], centres[number]) >= SAME_PLACE_A).all())

    # in the order of their best candidates
    for origin in dict.fromkeys(found.origin(number) for number in ranked):
        chosen += next(([number] for number in ranked if found.origin(number) == origin and is_new(number)), [])
    for number in ranked:
        if len(chosen) >= most:
            break
        if is_new(number):
            chosen.append(number)
    return chosen[:most]


def tell(found: Candidates) -> None:
    """To the log: how many there are of which kind, and of what."""
    at_metals = found.count("open metal")
    if found.open_metals:
        log.info(
            "%d candidates at %d open metals (%s)",
            at_metals,
            len(found.open_metals),
            ", ".join(sorted({f"{site.element} with {site.coordination} neighbours" for site in found.open_metals})),
        )
    else:
        log.info("No open metals: all candidates are of the grid")
    log.info(
        "%d candidates of the grid, of which %d overlap with the host and %d touch nothing; %d others are scored",
        found.made,
        found.overlapping,
        found.in_the_void,
        found.count("grid"),
    )
    missed = len(found.open_metals) - len(np.unique(found.metals[:at_metals]))
    if at_metals and missed:
        log.info("%d of the open metals have no candidate; more `max_candidates` reach all", missed)
