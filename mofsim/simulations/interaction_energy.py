"""How strongly a guest is held by a framework: E(host+guest) − E(host) − E(guest), negative where it is bound.

All three are single points of the same model, dispersion included. The guest alone is in vacuum (`guests.VACUUM_A`), in
the shape that it has in the host, so that the energy is that of the interaction alone; what it costs to bend the guest
into that shape is told beside it.

Where `guest_indices` name the guest in the structure, nothing moves (given_place.py). Else places are searched
(site_search.py).
"""

import hashlib
from pathlib import Path
from typing import Any

from ase import Atoms

from .errors import InvalidInput
from .given_place import GivenPlace
from .guests import guest_of_file, named_guest
from .host_guest import HostGuest, added, given
from .parameters import read_parameters
from .run import Run
from .site_search import SearchParameters, SiteSearch
from .stage import Stage


class InteractionEnergy:
    """Finds out what the guest is and which of the two ways to go, and adds to the result what both have."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._guest_sha256: str | None = None
        self._atoms: HostGuest
        self._way: GivenPlace | SiteSearch
        indices = run.parameters["guest_indices"]
        if indices is not None:
            self._atoms = given(run, indices)
            self._way = GivenPlace(run, self._atoms)
        else:
            # A task that was submitted before there was this parameter goes on as it began.
            parameters = {"open_metal_share": 0.0, **run.parameters}
            self._atoms = added(run, self._read_guest(), float(parameters["image_distance_A"]))
            self._way = SiteSearch(run, self._atoms, read_parameters(SearchParameters, parameters))

    def _read_guest(self) -> Atoms:
        if "guest" in self._run.request:
            path = Path(self._run.request["guest"])
            guest = guest_of_file(path)
            self._guest_sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
            return guest
        name = self._run.parameters["guest"]
        if name is None:
            raise InvalidInput("The guest's structure is gone. Upload it again, and submit a new task.")
        return named_guest(str(name))

    @property
    def total_steps(self) -> int:
        return self._way.total_steps

    def work(self) -> None:
        self._way.work()

    def stage(self) -> Stage | None:
        return self._way.stage()

    def state(self) -> dict[str, Any]:
        return self._way.state()

    def restore(self, state: dict[str, Any]) -> None:
        self._way.restore(state)

    def conclude(self, complete: bool) -> None:
        self._way.conclude()

    def result(self) -> dict[str, Any]:
        if not self._run.rows:
            return {}
        atoms = self._atoms
        cell = {
            "supercell": list(atoms.repeated),
            "guest_image_distance_A": atoms.image_distance(),
            "guest_formula": atoms.formula,
            "guest_indices": atoms.index.tolist(),
        }
        return self._way.result() | cell | ({"guest_sha256": self._guest_sha256} if self._guest_sha256 else {})
