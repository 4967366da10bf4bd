"""A potential that holds an argon atom as an open metal holds a guest: strongly, and only where it is very near."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.geometry import find_mic

#: Lennard-Jones between the guest and one host atom: depth in eV, place of the minimum in Å
METAL = (0.5, 2.3)
OTHERS = (0.02, 3.6)
REACH_A = 9.0


class Wells(Calculator):
    """The host's atoms do not feel each other."""

    implemented_properties: ClassVar = ["energy", "forces"]

    def calculate(
        self, atoms: Atoms | None = None, properties: Sequence[str] = ("energy",), changes: Sequence[str] = all_changes
    ) -> None:
        super().calculate(atoms, list(properties), list(changes))
        assert atoms is not None
        is_guest = atoms.numbers == 18
        forces = np.zeros((len(atoms), 3))
        energy = 0.0
        for guest in np.flatnonzero(is_guest):
            hosts = np.flatnonzero(~is_guest)
            if not len(hosts):
                continue
            vectors, distances = find_mic(atoms.positions[hosts] - atoms.positions[guest], atoms.cell, atoms.pbc)
            depth, place = np.where((atoms.numbers[hosts] == 12)[:, None], METAL, OTHERS).T
            near = np.where(distances < REACH_A, (place / distances) ** 6, 0.0)
            energy += float((depth * (near**2 - 2 * near)).sum())
            slope = -12 * depth * (near**2 - near) / distances
            pull = slope[:, None] * vectors / distances[:, None]
            forces[guest] += pull.sum(axis=0)
            forces[hosts] -= pull
        self.results: dict[str, Any] = {"energy": energy, "forces": forces}
