"""How strongly a guest is held by a framework: E(host+guest) − E(host) − E(guest), negative where it is bound.

All three are single points of the same model, dispersion included. The guest alone is in vacuum (`guests.VACUUM_A`), in
the shape that it has in the host, so that the energy is that of the interaction alone; what it costs to bend the guest
into that shape is told beside it.

Where `guest_indices` name the guest in the structure, nothing moves. Else places are searched: a grid with random
orientations, single points of those that touch the host without overlap, and a relaxation of the guest, the host held
fixed, in the best of them.
"""

# The classes of ase are untyped.
# mypy: allow-untyped-calls

import hashlib
import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.filters import Filter

from .errors import InvalidInput
from .fragments import Gas, energy_of, gas
from .guards import Guard
from .guests import alone, diameter, guest_of_file, named_guest, same_bonds, whole
from .interaction_plot import interaction_plot
from .parameters import read_parameters
from .placement import Candidates, apart, candidates, multiples, shortest_vector
from .relaxation import CRITERION, Relaxation
from .run import Run, largest_force
from .sites import EV_IN_KJ_PER_MOL, Site, as_csv, contact, merged, site_of, symbols_of
from .stage import Stage

log = logging.getLogger(__name__)

#: `site` 0 of the series are the candidates
COLUMNS = ("candidate", "site", CRITERION)
#: Nearer than this, the periodic images of a guest feel each other.
LEAST_IMAGE_DISTANCE_A = 10.0
#: Candidates whose centres are nearer than this lead to the same site; of them only the best is relaxed.
_SAME_PLACE_A = 2.0


@dataclass(frozen=True)
class Parameters:
    """Of the search for places; the guest is read apart."""

    grid_spacing_A: float
    orientations: int
    overlap_margin_A: float
    max_candidates: int
    sites: int
    fmax_eV_per_A: float
    relax_steps: int
    image_distance_A: float
    seed: int


class InteractionEnergy:
    """Steps of a search are the candidates, then the relaxation of each site, each with a step 0 of its own.

    `run.atoms` is host and guest together; after a search the atoms of the guest are its last.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._p = read_parameters(Parameters, run.parameters)
        self._unit = run.atoms.copy()
        self._given = run.parameters["guest_indices"] is not None
        self._repeated = (1, 1, 1)
        self._guest_sha256: str | None = None
        if self._given:
            self._index = _indices(run.parameters["guest_indices"], len(run.atoms))
            self._guest = whole(run.atoms[self._index])
        else:
            self._guest = self._read_guest()
            self._add_guest()
        _check_elements(self._guest, run)
        of_host = np.setdiff1d(np.arange(len(run.atoms)), self._index)
        self._host = run.atoms[of_host]
        #: where each atom of the host is in the submitted structure
        self._submitted = of_host % len(self._unit)
        self._host_energy: float | None = None
        self._place: dict[str, Any] = {}
        self._gas: Gas | None = None
        self._search: Candidates | None = None
        self._sites: list[Site] = []
        self._guests: list[Atoms] = []
        self._current: Relaxation | None = None
        self._first = 0

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

    def _add_guest(self) -> None:
        """The host, repeated until the guest's images are far from each other, and the guest behind it."""
        run = self._run
        self._repeated = multiples(run.atoms.cell.array, self._p.image_distance_A + diameter(self._guest))
        host = run.atoms.repeat(self._repeated)
        self._index = np.arange(len(host), len(host) + len(self._guest))
        run.atoms = host + self._guest
        run.model.potential.guard = Guard(float(host.cell.volume))
        run.atoms.calc = run.model.potential

    @property
    def total_steps(self) -> int:
        """An upper bound, which comes down with each site that is relaxed."""
        if self._given:
            return 1
        p = self._p
        if self._search is None:
            return p.max_candidates + p.sites * (p.relax_steps + 1)
        if not self._first:
            return len(self._search.positions) + p.sites * (p.relax_steps + 1)
        return self._first - 1 + (len(self._chosen()) - len(self._sites)) * (p.relax_steps + 1)

    def work(self) -> None:
        if self._given:
            self._at_given_place()
            return
        self._run.record(COLUMNS)
        if self._search is None:
            self._prepare()
        self._score()
        self._relax()
        self._warn()

    def _at_given_place(self) -> None:
        run, potential = self._run, self._run.model.potential
        self._host_energy = energy_of(self._host, potential)
        guest_energy = energy_of(alone(self._guest), potential)
        image_energy = energy_of(self._in_cell(self._guest), potential) - guest_energy
        run.step(1)
        energy = run.rows[-1]["energy_eV"] - self._host_energy - guest_energy
        self._place = {
            "interaction_energy_eV": energy,
            "interaction_energy_kJ_per_mol": energy * EV_IN_KJ_PER_MOL,
            "guest_energy_eV": guest_energy,
            "guest_image_energy_eV": image_energy,
            **asdict(contact(self._host, self._guest, self._submitted)),
        }
        if self._image_distance() < LEAST_IMAGE_DISTANCE_A:
            log.warning(
                "The guest's periodic images are %.1f Å from each other; they add %.4f eV to the interaction energy. "
                "Submit a supercell for a single guest.",
                self._image_distance(),
                image_energy,
            )

    def _prepare(self) -> None:
        """The energies that all others are compared with, and the candidates."""
        p, potential = self._p, self._run.model.potential
        self._host_energy = energy_of(self._host, potential)
        self._gas = gas(self._guest, potential, p.fmax_eV_per_A)
        self._search = candidates(
            self._unit,
            self._gas.guest,
            self._run.rng,
            spacing_A=p.grid_spacing_A,
            orientations=p.orientations,
            margin_A=p.overlap_margin_A,
            most=p.max_candidates,
        )
        if not len(self._search.positions):
            raise InvalidInput(
                f"The guest fits nowhere: {self._search.overlapping} of {self._search.made} candidates overlap with "
                f"the host, and {self._search.in_the_void} touch nothing. Is it too large for the pores? A finer "
                "`grid_spacing_A`, more `orientations` or a smaller `overlap_margin_A` try harder."
            )
        self._run.total_steps = self.total_steps
        log.info(
            "%d candidates, of which %d overlap with the host and %d touch nothing; %d of the others are scored",
            self._search.made,
            self._search.overlapping,
            self._search.in_the_void,
            len(self._search.positions),
        )

    def _score(self) -> None:
        """A single point of each candidate. The rows of the series keep their energies."""
        assert self._search
        target = self._target()
        for number in range(len(self._run.rows), len(self._search.positions)):
            self._set_guest(self._search.positions[number])
            row = {"candidate": number + 1.0, "site": 0.0, CRITERION: largest_force(target.get_forces())}
            self._run.step(number + 1, row, frame=False)
        self._first = self._first or len(self._search.positions) + 1
        self._run.total_steps = self.total_steps

    def _relax(self) -> None:
        assert self._search
        chosen = self._chosen()
        for number in chosen[len(self._sites) :]:
            at = {"candidate": number + 1.0, "site": len(self._sites) + 1.0}
            if self._current is None:
                self._set_guest(self._search.positions[number])
                self._current = self._relaxation()
            log.info("Site %d of %d, from candidate %d", len(self._sites) + 1, len(chosen), number + 1)
            self._current.work(at)
            self._guests.append(self._run.atoms[self._index])
            self._sites.append(self._site(number))
            self._first, self._current = self._first + self._current.steps + 1, None
            self._run.total_steps = self.total_steps

    def _target(self) -> Filter:
        """Only the guest moves; the forces on the host stay in the frames as they are."""
        return Filter(self._run.atoms, indices=self._index)

    def _relaxation(self) -> Relaxation:
        p = self._p
        fmax, most = p.fmax_eV_per_A, p.relax_steps
        return Relaxation(self._run, self._target(), "LBFGS", fmax_eV_per_A=fmax, max_steps=most, first=self._first)

    def _chosen(self) -> list[int]:
        """The candidates to relax: the best ones, no two of them at the same place of the unit cell."""
        assert self._search
        energies = self._scores()
        centres = self._search.positions.mean(axis=1)
        chosen: list[int] = []
        for number in np.argsort(energies, kind="stable").tolist():
            if (apart(self._unit.cell.array, centres[chosen], centres[number]) >= _SAME_PLACE_A).all():
                chosen.append(number)
            if len(chosen) == self._p.sites:
                break
        return chosen

    def _scores(self) -> list[float]:
        """Interaction energies of the candidates that were scored, in eV; their guest is that of the gas."""
        assert self._gas and self._host_energy is not None
        zero = self._host_energy + self._gas.energy_eV
        return [row["energy_eV"] - zero for row in self._run.rows if not row["site"]]

    def _site(self, number: int) -> Site:
        assert self._current and self._gas and self._search and self._host_energy is not None
        run, guest = self._run, self._guests[-1]
        if not self._current.converged:
            log.warning("Site %d did not converge in %d steps", len(self._sites) + 1, self._current.steps)
        last = run.rows[-1]
        guest_energy = energy_of(alone(guest), run.model.potential)
        before = Atoms(guest.numbers, positions=self._search.positions[number])
        return Site(
            candidate=number + 1,
            interaction_energy_eV=last["energy_eV"] - self._host_energy - guest_energy,
            unrelaxed_interaction_energy_eV=self._scores()[number],
            guest_deformation_energy_eV=guest_energy - self._gas.energy_eV,
            guest_image_energy_eV=energy_of(self._in_cell(guest), run.model.potential) - guest_energy,
            contact=contact(self._host, guest, self._submitted),
            unrelaxed_contact=contact(self._host, before, self._submitted),
            converged=self._current.converged,
            steps=self._current.steps,
            guest_fmax_eV_per_A=last[CRITERION],
            guest_intact=same_bonds(guest, self._gas.guest),
        )

    def _in_cell(self, guest: Atoms) -> Atoms:
        """`guest` with its periodic images, and no host."""
        return Atoms(guest.numbers, positions=guest.positions, cell=self._host.cell, pbc=True)

    def _image_distance(self) -> float:
        """Between a guest and its nearest periodic image, in Å, at least."""
        return shortest_vector(self._host.cell.array) - diameter(self._guest)

    def _set_guest(self, positions: np.ndarray) -> None:
        everything = self._run.atoms.positions.copy()
        everything[self._index] = positions
        self._run.atoms.set_positions(everything)

    def _warn(self) -> None:
        best, _ = self._merged()[0]
        if self._gas and not self._gas.converged:
            log.warning("The guest alone did not converge; the energies of deformation are too low")
        if not best.guest_intact:
            log.warning("The guest lost or made bonds in every site: this is no energy of a guest, but of a reaction")

    def _merged(self) -> list[tuple[Site, Atoms]]:
        return merged(self._sites, self._guests, self._host)

    def state(self) -> dict[str, Any]:
        if self._search is None or self._gas is None:
            return {}
        return {
            "host_energy_eV": self._host_energy,
            "gas": {**asdict(self._gas), "guest": self._gas.guest.positions},
            "search": asdict(self._search),
            "sites": [asdict(site) for site in self._sites],
            "guests": [guest.positions for guest in self._guests],
            "first": self._first,
            "current": self._current.state() if self._current else None,
        }

    def restore(self, state: dict[str, Any]) -> None:
        if not state:
            return
        self._host_energy = state["host_energy_eV"]
        self._gas = Gas(**{**state["gas"], "guest": self._with(state["gas"]["guest"])})
        self._search = Candidates(**state["search"])
        self._sites = [site_of(site) for site in state["sites"]]
        self._guests = [self._with(positions) for positions in state["guests"]]
        self._first = state["first"]
        if state["current"] is not None:
            self._current = self._relaxation()
            self._current.restore(state["current"])

    def _with(self, positions: np.ndarray) -> Atoms:
        return Atoms(self._guest.numbers, positions=positions)

    def stage(self) -> Stage | None:
        """Each site that is left takes its limit of steps, or what those that are done took in the mean."""
        if self._given or self._search is None:
            return None
        scored, candidates = len(self._scores()), len(self._search.positions)
        longest = self._p.relax_steps + 1.0
        if not self._first:
            return Stage("candidate", scored, candidates, candidates - scored + self._p.sites * longest)
        done, sites = len(self._sites), len(self._chosen())
        if done:
            longest = sum(site.steps + 1 for site in self._sites) / done
        made = self._current.steps + 1 if self._current else 0
        left = max(0.0, longest - made) + max(0, sites - done - 1) * longest
        return Stage("site", min(done + 1, sites), sites, left)

    def conclude(self, complete: bool) -> None:
        """best.cif and .extxyz, sites.csv, candidates.csv, and a plot of the sites there are."""
        if self._search is None:
            return
        outputs = self._run.outputs
        outputs.write_whole("candidates.csv", as_csv(self._candidate_rows()))
        if not self._sites:
            return
        sites = self._merged()
        outputs.write_structure("best", self._host + sites[0][1])
        outputs.write_whole("sites.csv", as_csv(_table(sites)))
        self._plot([site for site, _ in sites])

    def _candidate_rows(self) -> list[dict[str, Any]]:
        """Centres of the guest in Å; a candidate is the place of the guest before anything moved."""
        assert self._search
        centres = self._search.positions.mean(axis=1).tolist()
        return [
            {"candidate": number + 1, "x_A": x, "y_A": y, "z_A": z, "interaction_energy_eV": energy}
            for number, (energy, (x, y, z)) in enumerate(zip(self._scores(), centres, strict=False))
        ]

    def result(self) -> dict[str, Any]:
        if not self._run.rows:
            return {}
        found = self._place_found() if self._given else self._search_found()
        cell = {
            "host_energy_eV": self._host_energy,
            "supercell": list(self._repeated),
            "guest_image_distance_A": self._image_distance(),
            "guest_formula": self._guest.get_chemical_formula("hill"),
            "guest_indices": self._index.tolist(),
        }
        return found | cell | ({"guest_sha256": self._guest_sha256} if self._guest_sha256 else {})

    def _place_found(self) -> dict[str, Any]:
        return self._place | {"host_guest_energy_eV": self._run.rows[-1]["energy_eV"]}

    def _search_found(self) -> dict[str, Any]:
        assert self._search and self._gas
        found: dict[str, Any] = {}
        sites = self._merged()
        if sites:
            best = _table(sites)[0]
            found = {name: best[name] for name in _OF_THE_BEST}
            found["host_guest_energy_eV"] = (
                best["adsorption_energy_eV"] + self._gas.energy_eV + (self._host_energy or 0.0)
            )
        everything_converged = self._gas.converged and all(site.converged for site in self._sites)
        return found | {
            "converged": everything_converged and len(self._sites) == len(self._chosen()),
            "guest_energy_eV": self._gas.energy_eV,
            "seed": self._p.seed,
            "candidates_made": self._search.made,
            "candidates_overlapping": self._search.overlapping,
            "candidates_in_the_void": self._search.in_the_void,
            "candidates_passed": self._search.passed,
            "candidates_scored": len(self._scores()),
            "sites_relaxed": len(self._sites),
            "sites": _table(sites),
        }

    def _plot(self, sites: list[Site]) -> None:
        """A result without its picture is still a result."""
        try:
            title = f"{self._guest.get_chemical_formula('hill')} in {self._run.title}"
            picture = interaction_plot([site.row() for site in sites], self._scores(), title)
            self._run.outputs.write_whole("interaction.png", picture, durable=False)
        except Exception as error:
            log.warning("interaction.png could not be drawn: %s: %s", type(error).__name__, error)


#: what is told of the best site at the top of the result
_OF_THE_BEST = (
    "interaction_energy_eV",
    "interaction_energy_kJ_per_mol",
    "adsorption_energy_eV",
    "guest_deformation_energy_eV",
    "guest_image_energy_eV",
    "nearest_host_A",
    "nearest_host",
    "nearest_metal_A",
    "nearest_metal",
    "nearest_metal_guest_atom",
    "guest_intact",
)


def _table(sites: list[tuple[Site, Atoms]]) -> list[dict[str, Any]]:
    """The best first."""
    return [{"site": number, **site.row()} for number, (site, _) in enumerate(sites, start=1)]


def _indices(given: Any, n_atoms: int) -> np.ndarray:
    """Raises InvalidInput for what is no choice of some atoms."""
    index = np.unique(np.array(given, dtype=int))
    if not len(index) or index[0] < 0 or index[-1] >= n_atoms or len(index) == n_atoms:
        raise InvalidInput(
            f"`guest_indices` must name some of the {n_atoms} atoms, counted from 0, and leave some to the host."
        )
    return index


def _check_elements(guest: Atoms, run: Run) -> None:
    unknown = symbols_of(guest) - set(run.model.elements) if run.model.elements is not None else set()
    if unknown:
        raise InvalidInput(
            f"Model {run.model.name!r} does not know {', '.join(sorted(unknown))} of the guest. Choose a model that "
            "was trained on these elements."
        )
