"""The heat capacity of a framework from its phonons: relaxation, then forces of structures with one atom displaced."""

import importlib.util
import logging
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms

from .errors import InvalidInput, MissingPackage
from .heat_capacity_plot import heat_capacity_plot
from .parameters import read_parameters
from .phonons import Displacements, HeatCapacity
from .relax import CellFilter
from .relaxation import CRITERION, Relaxation
from .run import Run, largest_force
from .stage import Stage
from .versions import versions

log = logging.getLogger(__name__)

COLUMNS = ("displacement", CRITERION)


@dataclass(frozen=True)
class Parameters:
    """All that the protocol leaves open."""

    fmax_eV_per_A: float
    relax_steps: int
    displacement_A: float
    symprec_A: float
    mesh_length: float
    temperature_step_K: float


class HeatCapacityTask:
    """MOFSimBench's protocol with its parameters. Displacement 0 of the series is the relaxation."""

    def __init__(self, run: Run) -> None:
        if importlib.util.find_spec("phonopy") is None:
            raise MissingPackage(f"{sys.executable} has no phonopy. Install it there with `pip install phonopy`.")
        if not run.model.potential.has_stress:
            raise InvalidInput(
                f"Model {run.model.name!r} gives no stress, so the cell cannot be relaxed. Choose another model."
            )
        self._run = run
        self._p = read_parameters(Parameters, run.parameters)
        self._relaxation = Relaxation(
            run,
            CellFilter(run.atoms),
            "BFGS",
            fmax_eV_per_A=self._p.fmax_eV_per_A,
            max_steps=self._p.relax_steps,
            first=0,
        )
        self._relaxed: Atoms | None = None
        self._converged = False
        self._relax_steps = self._p.relax_steps
        self._displacements: Displacements | None = None
        self._forces: list[np.ndarray] = []
        self._found: HeatCapacity | None = None

    @property
    def total_steps(self) -> int:
        """Until the relaxation has ended: as many displacements as a structure without symmetry can need."""
        displacements = self._displacements
        return self._relax_steps + (len(displacements.positions) if displacements else 6 * len(self._run.atoms))

    def work(self) -> None:
        self._run.record(COLUMNS)
        if self._relaxed is None:
            self._relax()
        assert self._displacements
        for positions in self._displacements.positions[len(self._forces) :]:
            self._run.atoms.set_positions(positions)
            forces = self._run.atoms.get_forces()
            self._forces.append(forces)
            row = {"displacement": float(len(self._forces)), CRITERION: largest_force(forces)}
            self._run.step(self._relax_steps + len(self._forces), row, frame=False)
        p = self._p
        self._found = self._displacements.heat_capacity(self._forces, p.mesh_length, p.temperature_step_K)
        if self._found.imaginary_modes:
            log.warning(
                "%s (the lowest is %.2f THz): the structure is no minimum",
                self._found.left_out,
                self._found.lowest_frequency_THz,
            )
        elif self._found.imaginary_percent:
            log.warning(
                "%s (the lowest is %.2f THz): away from Γ a supercell of one cell only interpolates",
                self._found.left_out,
                self._found.lowest_frequency_THz,
            )

    def _relax(self) -> None:
        self._relaxation.work({"displacement": 0.0})
        self._converged, self._relax_steps = self._relaxation.converged, self._relaxation.steps
        if not self._converged:
            log.warning("The relaxation did not converge in %d steps; phonons are taken anyway", self._relax_steps)
        self._displace(self._run.atoms.copy())
        self._run.total_steps = self.total_steps

    def _displace(self, relaxed: Atoms) -> None:
        self._relaxed = relaxed
        self._displacements = Displacements(relaxed, self._p.displacement_A, self._p.symprec_A)

    def state(self) -> dict[str, Any]:
        relaxed = self._relaxed
        if relaxed is None:
            return {"relaxing": self._relaxation.state()}
        return {
            "relaxed": {"positions": relaxed.positions, "cell": relaxed.cell.array},
            "converged": self._converged,
            "relax_steps": self._relax_steps,
            "forces": np.array(self._forces),
        }

    def restore(self, state: dict[str, Any]) -> None:
        if "relaxing" in state:
            self._relaxation.restore(state["relaxing"])
            return
        relaxed = self._run.atoms.copy()
        relaxed.set_cell(state["relaxed"]["cell"])
        relaxed.set_positions(state["relaxed"]["positions"])
        self._displace(relaxed)
        self._converged, self._relax_steps = state["converged"], state["relax_steps"]
        self._forces = list(state["forces"])

    def stage(self) -> Stage:
        if self._displacements is None:
            return self._relaxation.stage()
        done, of = len(self._forces), len(self._displacements.positions)
        return Stage("displacement", done, of, of - done)

    def conclude(self, complete: bool) -> None:
        """optimized.cif and .extxyz as soon as there is one; heat_capacity.csv and a plot at the end."""
        if self._relaxed is not None:
            self._run.outputs.write_structure("optimized", self._relaxed)
        if self._found is None:
            return
        lines = ["temperature_K,heat_capacity_J_per_molK,heat_capacity_J_per_gK"]
        table = zip(self._found.temperatures_K, self._found.per_mol, self._found.per_gram, strict=True)
        lines += [f"{float(t)!r},{float(mol)!r},{float(gram)!r}" for t, mol, gram in table]
        self._run.outputs.write_whole("heat_capacity.csv", "\n".join(lines) + "\n")
        self._plot(self._found)

    def result(self) -> dict[str, Any]:
        if not self._run.rows:
            return {}
        result: dict[str, Any] = {
            "relaxation_converged": self._converged,
            "relaxation_steps": self._relaxation.steps if self._relaxed is None else self._relax_steps,
            "displacements": len(self._forces),
        }
        if self._relaxed is not None:
            result["relaxed_volume_A3"] = float(self._relaxed.cell.volume)
        found = self._found
        if found:
            result |= {
                "heat_capacity_J_per_gK": found.at_300_K_J_per_molK / found.mass,
                "heat_capacity_J_per_molK": found.at_300_K_J_per_molK,
                "primitive_mass_g_per_mol": found.mass,
                "temperatures_K": found.temperatures_K.tolist(),
                "heat_capacities_J_per_gK": found.per_gram.tolist(),
                "imaginary_modes": found.imaginary_modes,
                "imaginary_percent_of_mesh": found.imaginary_percent,
                "lowest_frequency_THz": found.lowest_frequency_THz,
                "phonopy_version": versions(("phonopy",))["phonopy"],
            }
        return result

    def _plot(self, found: HeatCapacity) -> None:
        """A result without its picture is still a result."""
        try:
            at_300 = found.at_300_K_J_per_molK / found.mass
            picture = heat_capacity_plot(found.temperatures_K, found.per_gram, at_300, found.left_out, self._run.title)
            self._run.outputs.write_whole("heat_capacity.png", picture, durable=False)
        except Exception as error:
            log.warning("heat_capacity.png could not be drawn: %s: %s", type(error).__name__, error)
