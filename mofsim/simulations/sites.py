"""Adsorption sites: where a guest sits, which of them are the same, and their table."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols, covalent_radii
from ase.units import kJ, mol

from .coordination import NONMETALS
from .metal_placement import CONTACT_A
from .placement import distances_to

EV_IN_KJ_PER_MOL = mol / kJ

#: Two sites are one when their energies differ by less than this (relaxations end that far from a flat minimum) …
SAME_ENERGY_EV = 0.01
#: … and each distance to the nearest host atoms by less than this.
SAME_DISTANCE_A = 0.3
_COMPARED_NEIGHBOURS = 6


@dataclass(frozen=True)
class Contact:
    """The nearest host atoms of a guest; distances in Å. `index` counts the atoms of the submitted structure."""

    nearest_host_A: float
    nearest_host: str
    nearest_host_index: int
    #: None where the host has no metal
    nearest_metal_A: float | None
    nearest_metal: str | None
    #: the element of the guest that is nearest to that metal
    nearest_metal_guest_atom: str | None
    #: None in what an older version left in a checkpoint
    nearest_metal_index: int | None = None
    #: whether an atom of the guest touches a metal that has room for it (open_metals.py)
    at_open_metal: bool = False


@dataclass(frozen=True)
class Site:
    """One relaxed place of the guest. Negative energies mean bound."""

    candidate: int
    interaction_energy_eV: float
    unrelaxed_interaction_energy_eV: float
    #: of the guest, from its own minimum in vacuum to its shape in the site
    guest_deformation_energy_eV: float
    #: of the guest with its own periodic images; a part of the interaction energy
    guest_image_energy_eV: float
    contact: Contact
    unrelaxed_contact: Contact
    converged: bool
    steps: int
    guest_fmax_eV_per_A: float
    #: whether the guest has the bonds that it has in vacuum
    guest_intact: bool
    #: where its candidate came from: candidates.Origin
    origin: str = "grid"
    #: the open metal that the candidate was put at
    origin_metal_index: int | None = None
    times_found: int = 1
    #: how many of them came from candidates at open metals
    times_found_from_open_metals: int = 0

    def row(self) -> dict[str, Any]:
        """For the table of the result, all in one level."""
        row = {name: value for name, value in asdict(self).items() if not isinstance(value, dict)}
        row["interaction_energy_kJ_per_mol"] = self.interaction_energy_eV * EV_IN_KJ_PER_MOL
        row["adsorption_energy_eV"] = self.interaction_energy_eV + self.guest_deformation_energy_eV
        row |= asdict(self.contact)
        row["unrelaxed_nearest_host_A"] = self.unrelaxed_contact.nearest_host_A
        row["unrelaxed_nearest_metal_A"] = self.unrelaxed_contact.nearest_metal_A
        return row


def site_of(state: dict[str, Any]) -> Site:
    """The Site that `asdict` made `state` of."""
    contacts = {name: Contact(**state[name]) for name in ("contact", "unrelaxed_contact")}
    return Site(**{**state, **contacts})


def contact(host: Atoms, guest: Atoms, submitted: np.ndarray, is_open: np.ndarray) -> Contact:
    """Distances over the faces of the cell.

    `submitted` (host atoms,) has their indices in the submitted structure, `is_open` which of them are open metals.
    """
    distances = distances_to(host, guest.positions)
    _, at = np.unravel_index(int(distances.argmin()), distances.shape)
    nearest = (float(distances.min()), str(host.symbols[at]), int(submitted[at]))
    metals = np.flatnonzero([symbol not in NONMETALS for symbol in host.symbols])
    if not len(metals):
        return Contact(*nearest, None, None, None)
    part = distances[:, metals]
    atom, which = np.unravel_index(int(part.argmin()), part.shape)
    metal = metals[which]
    touching = covalent_radii[guest.numbers][:, None] + covalent_radii[host.numbers[is_open]] + CONTACT_A[1]
    return Contact(
        *nearest,
        nearest_metal_A=float(part.min()),
        nearest_metal=str(host.symbols[metal]),
        nearest_metal_guest_atom=str(guest.symbols[atom]),
        nearest_metal_index=int(submitted[metal]),
        at_open_metal=bool((distances[:, is_open] <= touching).any()),
    )


def merged(sites: Sequence[Site], guests: Sequence[Atoms], host: Atoms) -> list[tuple[Site, Atoms]]:
    """Different sites with their guests, the best first: those with a whole guest, by their energy.

    Sites are the same when energy and surroundings are, so that those that symmetry makes equal are one too.
    """
    pairs = sorted(
        zip(sites, guests, strict=True), key=lambda pair: (not pair[0].guest_intact, pair[0].interaction_energy_eV)
    )
    kept: list[tuple[Site, Atoms]] = []
    prints: list[np.ndarray] = []
    for site, guest in pairs:
        surroundings = _surroundings(host, guest)
        same = [i for i in range(len(kept)) if _is_same(site, surroundings, kept[i][0], prints[i])]
        if same:
            first, its_guest = kept[same[0]]
            kept[same[0]] = (_found_again(first, site), its_guest)
        else:
            kept.append((replace(site, times_found_from_open_metals=_is_from_metal(site)), guest))
            prints.append(surroundings)
    return kept


def _found_again(first: Site, again: Site) -> Site:
    return replace(
        first,
        times_found=first.times_found + 1,
        times_found_from_open_metals=first.times_found_from_open_metals + _is_from_metal(again),
    )


def _is_from_metal(site: Site) -> int:
    return int(site.origin == "open metal")


def _is_same(site: Site, surroundings: np.ndarray, other: Site, others: np.ndarray) -> bool:
    close = abs(site.interaction_energy_eV - other.interaction_energy_eV) < SAME_ENERGY_EV
    same_kind = site.guest_intact == other.guest_intact
    return same_kind and close and bool((np.abs(surroundings - others) < SAME_DISTANCE_A).all())


def _surroundings(host: Atoms, guest: Atoms) -> np.ndarray:
    """The shortest distances of each pair of elements, in Å: the same wherever symmetry puts the guest."""
    distances = distances_to(host, guest.positions)
    found: list[float] = []
    for ours in np.unique(guest.numbers):
        for theirs in np.unique(host.numbers):
            block = distances[np.ix_(guest.numbers == ours, host.numbers == theirs)]
            found += np.sort(block.ravel())[: _COMPARED_NEIGHBOURS * int((guest.numbers == ours).sum())].tolist()
    return np.array(found)


def as_csv(rows: Sequence[dict[str, Any]]) -> str:
    """A table with a header; what is not known is empty."""
    if not rows:
        return ""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def symbols_of(atoms: Atoms) -> set[str]:
    return {chemical_symbols[number] for number in atoms.numbers}
