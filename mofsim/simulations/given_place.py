"""The interaction energy of a guest that is at its place already: nothing moves, and nothing is searched."""

import logging
from dataclasses import asdict
from typing import Any

from .fragments import energy_of
from .guests import alone
from .host_guest import HostGuest
from .run import Run
from .sites import EV_IN_KJ_PER_MOL
from .stage import Stage

log = logging.getLogger(__name__)

#: Nearer than this, the periodic images of a guest feel each other.
LEAST_IMAGE_DISTANCE_A = 10.0


class GivenPlace:
    """One step."""

    total_steps = 1

    def __init__(self, run: Run, atoms: HostGuest) -> None:
        self._run = run
        self._atoms = atoms
        self._found: dict[str, Any] = {}

    def work(self) -> None:
        run, atoms, potential = self._run, self._atoms, self._run.model.potential
        host_energy = energy_of(atoms.host, potential)
        guest_energy = energy_of(alone(atoms.guest), potential)
        image_energy = energy_of(atoms.in_cell(atoms.guest), potential) - guest_energy
        run.step(1)
        energy = run.rows[-1]["energy_eV"] - host_energy - guest_energy
        self._found = {
            "interaction_energy_eV": energy,
            "interaction_energy_kJ_per_mol": energy * EV_IN_KJ_PER_MOL,
            "guest_energy_eV": guest_energy,
            "guest_image_energy_eV": image_energy,
            **asdict(atoms.contact(atoms.guest)),
            "host_guest_energy_eV": run.rows[-1]["energy_eV"],
            "host_energy_eV": host_energy,
        }
        if atoms.image_distance() < LEAST_IMAGE_DISTANCE_A:
            log.warning(
                "The guest's periodic images are %.1f Å from each other; they add %.4f eV to the interaction energy. "
                "Submit a supercell for a single guest.",
                atoms.image_distance(),
                image_energy,
            )

    def stage(self) -> Stage | None:
        return None

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """There is nothing between its beginning and its only step."""

    def conclude(self) -> None:
        """There are no files."""

    def result(self) -> dict[str, Any]:
        return self._found
