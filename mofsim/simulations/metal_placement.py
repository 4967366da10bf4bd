"""A guest at open metals: one of its atoms touches the metal where a ligand has room, the rest points anywhere."""

# The classes of ase are untyped.
# mypy: allow-untyped-calls

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, covalent_radii
from scipy.spatial.transform import Rotation

from .open_metals import OpenMetal
from .placement import Gaps

#: How far the touching atom is from the metal, beyond the sum of their covalent radii: from the length of a strong bond
#: (Ni–CO) over those of weak ones (Mg–OCO 0.2 Å) to contact without a bond (Mg–CH4 0.8, Mg–Ar 0.9 Å).
CONTACT_A = (0.0, 0.9)
#: a place is tried so many times for each that is wanted, before it is taken for too narrow
_ROUNDS = 16
_TRIES = 8
_ROUNDING_A = 1e-6


@dataclass(frozen=True)
class MetalPlaces:
    """`positions` (placed, guest atoms, 3) in Å; `metals` (placed,) are the indices of the metals that are touched."""

    positions: np.ndarray
    metals: np.ndarray


def at_open_metals(
    host: Atoms,
    guest: Atoms,
    rng: np.random.Generator,
    metals: Sequence[OpenMetal],
    *,
    margin_A: float,
    most: int,
) -> MetalPlaces:
    """`most` places, as many at each metal, or fewer where the guest is too large for that.

    The atom that touches, one of the guest's that are not hydrogen, is drawn, and so are its distance, its direction
    among those of the metal, and the orientation of the guest. No other atom of the guest is nearer to any open metal,
    and none overlaps with any other atom of `host`, by the rule of `placement.on_grid`.
    """
    positions, touched = [np.zeros((0, len(guest), 3))], [np.zeros(0, dtype=int)]
    if metals and most:
        room = _Room(host, metals, margin_A)
        shares = np.full(len(metals), most // len(metals))
        shares[rng.permutation(len(metals))[: most % len(metals)]] += 1
        for metal, share in zip(metals, shares.tolist(), strict=True):
            placed = _at(metal, host, guest, rng, room, share)
            positions.append(placed)
            touched.append(np.full(len(placed), metal.site.index))
    return MetalPlaces(np.concatenate(positions), np.concatenate(touched))


class _Room:
    """Says which guests overlap with nothing but the metal that they touch."""

    def __init__(self, host: Atoms, metals: Sequence[OpenMetal], margin_A: float) -> None:
        is_open = np.isin(np.arange(len(host)), [metal.site.index for metal in metals])
        self._margin = margin_A
        self._others = Gaps(host[~is_open], margin_A)
        self._metals = Gaps(host[is_open], max(margin_A, CONTACT_A[1]))

    def has(self, placed: np.ndarray, numbers: np.ndarray, touching: np.ndarray, contacts_A: np.ndarray) -> np.ndarray:
        """Which (N,) of the guests `placed`, whose atoms `touching` (N,) are `contacts_A` from their metals, fit."""
        to_metals = self._metals.of_each(placed, numbers)
        least = np.maximum(self._margin, np.repeat(contacts_A[:, None], len(numbers), axis=1))
        least[np.arange(len(placed)), touching] = contacts_A
        fits: np.ndarray = (to_metals >= least - _ROUNDING_A).all(axis=1)
        return fits & (self._others.of(placed, numbers) >= self._margin)


def _at(metal: OpenMetal, host: Atoms, guest: Atoms, rng: np.random.Generator, room: _Room, wanted: int) -> np.ndarray:
    """Up to `wanted` places at one metal."""
    found = np.zeros((0, len(guest), 3))
    radius = covalent_radii[host.numbers[metal.site.index]]
    for _ in range(_ROUNDS):
        if len(found) == wanted:
            break
        tries = _TRIES * (wanted - len(found))
        touching = rng.choice(_touching(guest), tries)
        contacts = rng.uniform(*CONTACT_A, tries)
        directions = rng.choice(metal.directions, tries)
        turns = Rotation.random(tries, random_state=rng).as_matrix()
        lengths = radius + covalent_radii[guest.numbers[touching]] + contacts
        arms = guest.positions[None, :, :] - guest.positions[touching][:, None, :]
        touches = host.positions[metal.site.index] + lengths[:, None] * directions
        placed = touches[:, None, :] + np.einsum("nij,naj->nai", turns, arms)
        fits = room.has(placed, guest.numbers, touching, contacts)
        found = np.concatenate([found, placed[fits]])[:wanted]
    return found


def _touching(guest: Atoms) -> np.ndarray:
    """The atoms that may touch a metal: all but hydrogen, which has nothing to give, unless there is nothing else."""
    heavy = np.flatnonzero(guest.numbers != atomic_numbers["H"])
    return heavy if len(heavy) else np.arange(len(guest))
