"""The atoms of an interaction energy: a host, and a guest in it."""

# The classes of ase are untyped.
# mypy: allow-untyped-calls

from functools import cached_property

import numpy as np
from ase import Atoms
from ase.filters import Filter

from .errors import InvalidInput
from .guards import Guard
from .guests import diameter, whole
from .open_metals import OpenMetal, open_metals
from .placement import multiples, shortest_vector
from .run import Run
from .sites import Contact, contact, symbols_of


class HostGuest:
    """`run.atoms` is host and guest together; `guest` is a molecule without a cell, whole across the faces."""

    def __init__(self, run: Run, guest: Atoms, index: np.ndarray, unit: Atoms, repeated: tuple[int, int, int]) -> None:
        _check_elements(guest, run)
        self._run = run
        self.guest = guest
        #: which of `run.atoms` are the guest
        self.index = index
        #: the host as it was submitted, before it was repeated
        self.unit = unit
        self.repeated = repeated
        of_host = np.setdiff1d(np.arange(len(run.atoms)), index)
        self.host: Atoms = run.atoms[of_host]
        #: where each atom of the host is in the submitted structure
        self._submitted = of_host if len(unit) == len(of_host) else of_host % len(unit)

    @property
    def formula(self) -> str:
        return str(self.guest.get_chemical_formula("hill"))

    @cached_property
    def open_metals(self) -> list[OpenMetal]:
        """Of `unit`."""
        return open_metals(self.unit)

    def with_positions(self, positions: np.ndarray) -> Atoms:
        """The guest at a place."""
        return Atoms(self.guest.numbers, positions=positions)

    def put(self, positions: np.ndarray) -> None:
        """Move the guest of the run to a place."""
        everything = self._run.atoms.positions.copy()
        everything[self.index] = positions
        self._run.atoms.set_positions(everything)

    def movable(self) -> Filter:
        """Only the guest moves; the forces on the host stay in the frames as they are."""
        return Filter(self._run.atoms, indices=self.index)

    def in_cell(self, guest: Atoms) -> Atoms:
        """`guest` with its periodic images, and no host."""
        return Atoms(guest.numbers, positions=guest.positions, cell=self.host.cell, pbc=True)

    def image_distance(self) -> float:
        """Between a guest and its nearest periodic image, in Å, at least."""
        return shortest_vector(self.host.cell.array) - diameter(self.guest)

    def contact(self, guest: Atoms) -> Contact:
        """Of `guest`, wherever it is."""
        is_open = np.isin(np.arange(len(self.host)) % len(self.unit), [m.site.index for m in self.open_metals])
        return contact(self.host, guest, self._submitted, is_open)


def given(run: Run, indices: list[int]) -> HostGuest:
    """The guest is there already: some atoms of the submitted structure. Raises InvalidInput."""
    index = np.unique(np.array(indices, dtype=int))
    n_atoms = len(run.atoms)
    if not len(index) or index[0] < 0 or index[-1] >= n_atoms or len(index) == n_atoms:
        raise InvalidInput(
            f"`guest_indices` must name some of the {n_atoms} atoms, counted from 0, and leave some to the host."
        )
    unit = run.atoms[np.setdiff1d(np.arange(n_atoms), index)]
    return HostGuest(run, whole(run.atoms[index]), index, unit, (1, 1, 1))


def added(run: Run, guest: Atoms, image_distance_A: float) -> HostGuest:
    """The host, repeated until the guest's images are that far from each other, and the guest behind it."""
    unit = run.atoms.copy()
    repeated = multiples(unit.cell.array, image_distance_A + diameter(guest))
    host = run.atoms.repeat(repeated)
    run.atoms = host + guest
    run.model.potential.guard = Guard(float(host.cell.volume))
    run.atoms.calc = run.model.potential
    return HostGuest(run, guest, np.arange(len(host), len(host) + len(guest)), unit, repeated)


def _check_elements(guest: Atoms, run: Run) -> None:
    unknown = symbols_of(guest) - set(run.model.elements) if run.model.elements is not None else set()
    if unknown:
        raise InvalidInput(
            f"Model {run.model.name!r} does not know {', '.join(sorted(unknown))} of the guest. Choose a model that "
            "was trained on these elements."
        )
