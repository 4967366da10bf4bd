"""What a search for sites found: its result, its tables and its picture, and what a person must be told of it."""

# The classes of ase are untyped.
# mypy: allow-untyped-calls

import logging
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ase import Atoms

from .candidates import Candidates
from .fragments import Gas
from .host_guest import HostGuest
from .interaction_plot import interaction_plot
from .outputs import Outputs
from .sites import Site, as_csv, merged

log = logging.getLogger(__name__)

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
    "nearest_metal_index",
    "nearest_metal_guest_atom",
    "at_open_metal",
    "guest_intact",
    "origin",
    "times_found",
)


@dataclass(frozen=True)
class SiteReport:
    """Of a search that may be still under way; `sites` and `guests` are in the order of their relaxation."""

    atoms: HostGuest
    candidates: Candidates
    #: interaction energies of the candidates that were scored, in eV
    scores_eV: list[float]
    gas: Gas
    host_energy_eV: float
    sites: list[Site]
    guests: list[Atoms]

    @cached_property
    def merged(self) -> list[tuple[Site, Atoms]]:
        """Each site once, the best first."""
        return merged(self.sites, self.guests, self.atoms.host)

    @property
    def is_converged(self) -> bool:
        """Of what was relaxed so far."""
        return self.gas.converged and all(site.converged for site in self.sites)

    def table(self) -> list[dict[str, Any]]:
        return [{"site": number, **site.row()} for number, (site, _) in enumerate(self.merged, start=1)]

    def result(self) -> dict[str, Any]:
        sites, found = self.table(), self.candidates
        best: dict[str, Any] = {}
        if sites:
            best = {name: sites[0][name] for name in _OF_THE_BEST}
            energy = sites[0]["adsorption_energy_eV"] + self.gas.energy_eV + self.host_energy_eV
            best["host_guest_energy_eV"] = energy
        scored = [found.origin(number) for number in range(len(self.scores_eV))]
        return best | {
            "host_energy_eV": self.host_energy_eV,
            "guest_energy_eV": self.gas.energy_eV,
            "open_metals": self._open_metals(),
            "candidates_made": found.made,
            "candidates_overlapping": found.overlapping,
            "candidates_in_the_void": found.in_the_void,
            "candidates_passed": found.passed,
            "candidates_scored": len(scored),
            "candidates_at_open_metals": scored.count("open metal"),
            "candidates_on_grid": scored.count("grid"),
            "sites_relaxed": len(self.sites),
            "sites": sites,
        }

    def _open_metals(self) -> list[dict[str, Any]]:
        """Of the submitted cell, counted by element and coordination."""
        kinds = Counter((site.element, site.coordination) for site in self.candidates.open_metals)
        return [
            {"element": element, "coordination": coordination, "atoms": atoms}
            for (element, coordination), atoms in sorted(kinds.items())
        ]

    def tell(self) -> None:
        """Warn of what makes the number at the top of the result another one than it seems."""
        best, _ = self.merged[0]
        if not self.gas.converged:
            log.warning("The guest alone did not converge; the energies of deformation are too low")
        if not best.guest_intact:
            log.warning("The guest lost or made bonds in every site: this is no energy of a guest, but of a reaction")
        if best.times_found == 1:
            log.warning(
                "The best site was found from one candidate only, of %d that were relaxed: a better one may have been "
                "missed. More `sites` and `max_candidates` tell.",
                len(self.sites),
            )
        self._tell_of_open_metals(best)

    def _tell_of_open_metals(self, best: Site) -> None:
        if not self.candidates.open_metals or best.contact.at_open_metal:
            return
        energies = [site.interaction_energy_eV for site, _ in self.merged if site.contact.at_open_metal]
        if energies:
            log.info("The best site is at no open metal; the best one there has %.3f eV", min(energies))
        else:
            log.warning("The host has open metals, and no site was found at them")

    def write(self, outputs: Outputs, title: str) -> None:
        """candidates.csv; and best.cif and .extxyz, sites.csv and a plot, when there are sites."""
        outputs.write_whole("candidates.csv", as_csv(self._candidate_rows()))
        if not self.sites:
            return
        outputs.write_structure("best", self.atoms.host + self.merged[0][1])
        outputs.write_whole("sites.csv", as_csv(self.table()))
        self._plot(outputs, title)

    def _candidate_rows(self) -> list[dict[str, Any]]:
        """Centres of the guest in Å; a candidate is the place of the guest before anything moved."""
        centres = self.candidates.positions.mean(axis=1).tolist()
        return [
            {
                "candidate": number + 1,
                "origin": self.candidates.origin(number),
                "origin_metal_index": self.candidates.metal(number),
                "x_A": x,
                "y_A": y,
                "z_A": z,
                "interaction_energy_eV": energy,
            }
            for number, (energy, (x, y, z)) in enumerate(zip(self.scores_eV, centres, strict=False))
        ]

    def _plot(self, outputs: Outputs, title: str) -> None:
        """A result without its picture is still a result."""
        try:
            at_metals = self.candidates.count("open metal")
            scores = {"open metal": self.scores_eV[:at_metals], "grid": self.scores_eV[at_metals:]}
            picture = interaction_plot([site.row() for site, _ in self.merged], scores, title)
            outputs.write_whole("interaction.png", picture, durable=False)
        except Exception as error:
            log.warning("interaction.png could not be drawn: %s: %s", type(error).__name__, error)
