"""A search for the places where a guest is held best: single points of candidates, then relaxations of the best.

The host does not move. Where candidates come from is told in candidates.py, what a site is in sites.py.
"""

# The classes of ase are untyped.
# mypy: allow-untyped-calls

import logging
from dataclasses import asdict, dataclass
from typing import Any

from ase import Atoms

from .candidates import Candidates, candidates, candidates_of, choose, tell
from .errors import InvalidInput
from .fragments import Gas, energy_of, gas
from .guests import alone, same_bonds
from .host_guest import HostGuest
from .relaxation import CRITERION, Relaxation
from .run import Run, largest_force
from .site_report import SiteReport
from .sites import Site, site_of
from .stage import Stage

log = logging.getLogger(__name__)

#: `site` 0 of the series are the candidates
COLUMNS = ("candidate", "site", CRITERION)
#: more than rounding
_UPHILL_EV = 1e-3


@dataclass(frozen=True)
class SearchParameters:
    """What they mean is told in the schema of the API."""

    grid_spacing_A: float
    orientations: int
    overlap_margin_A: float
    max_candidates: int
    open_metal_share: float
    sites: int
    fmax_eV_per_A: float
    relax_steps: int
    seed: int


class SiteSearch:
    """Steps are the candidates, then the relaxation of each site, each with a step 0 of its own."""

    def __init__(self, run: Run, atoms: HostGuest, parameters: SearchParameters) -> None:
        self._run = run
        self._atoms = atoms
        self._p = parameters
        self._host_energy = 0.0
        self._gas: Gas | None = None
        self._candidates: Candidates | None = None
        #: that of all candidates, once they are scored; asked for in each step
        self._choice: list[int] | None = None
        self._sites: list[Site] = []
        self._guests: list[Atoms] = []
        self._current: Relaxation | None = None
        #: the step 0 of the site that is relaxed, or is next; 0 while there are candidates left
        self._first = 0

    @property
    def total_steps(self) -> int:
        """An upper bound, which comes down with each site that is relaxed."""
        p = self._p
        if self._candidates is None:
            return p.max_candidates + p.sites * (p.relax_steps + 1)
        if not self._first:
            return len(self._candidates) + p.sites * (p.relax_steps + 1)
        return self._first - 1 + (len(self._chosen()) - len(self._sites)) * (p.relax_steps + 1)

    def work(self) -> None:
        self._run.record(COLUMNS)
        if self._candidates is None:
            self._prepare()
        self._score()
        self._relax()
        self._report().tell()

    def _prepare(self) -> None:
        """The energies that all others are compared with, and the candidates."""
        p, potential = self._p, self._run.model.potential
        self._host_energy = energy_of(self._atoms.host, potential)
        self._gas = gas(self._atoms.guest, potential, p.fmax_eV_per_A)
        found = candidates(
            self._atoms.unit,
            self._gas.guest,
            self._run.rng,
            self._atoms.open_metals,
            spacing_A=p.grid_spacing_A,
            orientations=p.orientations,
            margin_A=p.overlap_margin_A,
            most=p.max_candidates,
            metal_share=p.open_metal_share,
        )
        if not len(found):
            raise InvalidInput(
                f"The guest fits nowhere: {found.overlapping} of {found.made} candidates overlap with the host, and "
                f"{found.in_the_void} touch nothing. Is it too large for the pores? A finer `grid_spacing_A`, more "
                "`orientations` or a smaller `overlap_margin_A` try harder."
            )
        self._candidates = found
        self._run.total_steps = self.total_steps
        tell(found)

    def _score(self) -> None:
        """A single point of each candidate. The rows of the series keep their energies."""
        assert self._candidates
        target = self._atoms.movable()
        for number in range(len(self._run.rows), len(self._candidates)):
            self._atoms.put(self._candidates.positions[number])
            row = {"candidate": number + 1.0, "site": 0.0, CRITERION: largest_force(target.get_forces())}
            self._run.step(number + 1, row, frame=False)
        self._first = self._first or len(self._candidates) + 1
        self._run.total_steps = self.total_steps

    def _relax(self) -> None:
        assert self._candidates
        chosen = self._chosen()
        for number in chosen[len(self._sites) :]:
            at = {"candidate": number + 1.0, "site": len(self._sites) + 1.0}
            if self._current is None:
                self._atoms.put(self._candidates.positions[number])
                self._current = self._relaxation()
            log.info(
                "Site %d of %d, from candidate %d (%s)",
                len(self._sites) + 1,
                len(chosen),
                number + 1,
                self._candidates.origin(number),
            )
            self._current.work(at)
            self._guests.append(self._run.atoms[self._atoms.index])
            self._sites.append(self._site(number))
            self._first, self._current = self._first + self._current.steps + 1, None
            self._run.total_steps = self.total_steps

    def _relaxation(self) -> Relaxation:
        p = self._p
        target, fmax, most = self._atoms.movable(), p.fmax_eV_per_A, p.relax_steps
        return Relaxation(self._run, target, "LBFGS", fmax_eV_per_A=fmax, max_steps=most, first=self._first)

    def _chosen(self) -> list[int]:
        """Numbers of the candidates to relax, of those that are scored."""
        assert self._candidates
        if self._choice is None or not self._first:
            self._choice = choose(self._candidates, self._scores(), self._atoms.unit.cell.array, self._p.sites)
        return self._choice

    def _scores(self) -> list[float]:
        """Interaction energies of the candidates that were scored, in eV; their guest is that of the gas."""
        assert self._gas
        zero = self._host_energy + self._gas.energy_eV
        return [row["energy_eV"] - zero for row in self._run.rows if not row["site"]]

    def _site(self, number: int) -> Site:
        """The end of the relaxation of a candidate."""
        assert self._current and self._gas and self._candidates
        run, guest, potential = self._run, self._guests[-1], self._run.model.potential
        if not self._current.converged:
            log.warning("Site %d did not converge in %d steps", len(self._sites) + 1, self._current.steps)
        last = run.rows[-1]
        gained = self._scores()[number] - (last["energy_eV"] - self._host_energy - self._gas.energy_eV)
        if gained < -_UPHILL_EV:
            log.warning(
                "Site %d ended %.3f eV above its candidate: the relaxation left the place where it began",
                len(self._sites) + 1,
                -gained,
            )
        guest_energy = energy_of(alone(guest), potential)
        before = self._atoms.with_positions(self._candidates.positions[number])
        return Site(
            candidate=number + 1,
            origin=self._candidates.origin(number),
            origin_metal_index=self._candidates.metal(number),
            interaction_energy_eV=last["energy_eV"] - self._host_energy - guest_energy,
            unrelaxed_interaction_energy_eV=self._scores()[number],
            guest_deformation_energy_eV=guest_energy - self._gas.energy_eV,
            guest_image_energy_eV=energy_of(self._atoms.in_cell(guest), potential) - guest_energy,
            contact=self._atoms.contact(guest),
            unrelaxed_contact=self._atoms.contact(before),
            converged=self._current.converged,
            steps=self._current.steps,
            guest_fmax_eV_per_A=last[CRITERION],
            guest_intact=same_bonds(guest, self._gas.guest),
        )

    def state(self) -> dict[str, Any]:
        if self._candidates is None or self._gas is None:
            return {}
        return {
            "host_energy_eV": self._host_energy,
            "gas": {**asdict(self._gas), "guest": self._gas.guest.positions},
            "search": asdict(self._candidates),
            "sites": [asdict(site) for site in self._sites],
            "guests": [guest.positions for guest in self._guests],
            "first": self._first,
            "current": self._current.state() if self._current else None,
        }

    def restore(self, state: dict[str, Any]) -> None:
        if not state:
            return
        self._host_energy = state["host_energy_eV"]
        self._gas = Gas(**{**state["gas"], "guest": self._atoms.with_positions(state["gas"]["guest"])})
        self._candidates = candidates_of(state["search"])
        self._sites = [site_of(site) for site in state["sites"]]
        self._guests = [self._atoms.with_positions(positions) for positions in state["guests"]]
        self._first = state["first"]
        if state["current"] is not None:
            self._current = self._relaxation()
            self._current.restore(state["current"])

    def stage(self) -> Stage | None:
        """Each site that is left takes its limit of steps, or what those that are done took in the mean."""
        if self._candidates is None:
            return None
        scored, of = len(self._scores()), len(self._candidates)
        longest = self._p.relax_steps + 1.0
        if not self._first:
            return Stage("candidate", scored, of, of - scored + self._p.sites * longest)
        done, sites = len(self._sites), len(self._chosen())
        if done:
            longest = sum(site.steps + 1 for site in self._sites) / done
        made = self._current.steps + 1 if self._current else 0
        left = max(0.0, longest - made) + max(0, sites - done - 1) * longest
        return Stage("site", min(done + 1, sites), sites, left)

    def conclude(self) -> None:
        if self._candidates is not None:
            self._report().write(self._run.outputs, f"{self._atoms.formula} in {self._run.title}")

    def result(self) -> dict[str, Any]:
        found = self._report()
        chosen = len(self._chosen())
        return found.result() | {
            "converged": found.is_converged and len(self._sites) == chosen,
            "seed": self._p.seed,
        }

    def _report(self) -> SiteReport:
        assert self._candidates and self._gas
        return SiteReport(
            self._atoms, self._candidates, self._scores(), self._gas, self._host_energy, self._sites, self._guests
        )
