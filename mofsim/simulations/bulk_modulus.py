"""How hard it is to compress a framework: energies at several volumes, and an equation of state through them."""

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms

from .eos_plot import eos_plot
from .equation_of_state import Fit, fit
from .errors import InvalidInput
from .geometry import cell_parameters
from .parameters import read_parameters
from .relax import CellFilter
from .relaxation import CRITERION, Relaxation
from .run import Run
from .stage import Stage

log = logging.getLogger(__name__)

COLUMNS = ("point", CRITERION)


@dataclass(frozen=True)
class Parameters:
    """All that the protocol leaves open; the volumes are parts of the relaxed one."""

    fmax_eV_per_A: float
    relax_steps: int
    points: int
    point_steps: int
    smallest_volume: float
    largest_volume: float


class BulkModulus:
    """MOFSimBench's protocol with its parameters. Point 0 of the series is the relaxation of the cell."""

    def __init__(self, run: Run) -> None:
        if not run.model.potential.has_stress:
            raise InvalidInput(
                f"Model {run.model.name!r} gives no stress, so the cell cannot be relaxed. Choose another model."
            )
        self._run = run
        self._p = read_parameters(Parameters, run.parameters)
        self._relaxed: Atoms | None = None
        self._relaxation = {"converged": False, "steps": 0}
        self._points: list[dict[str, Any]] = []
        self._current = self._at_cell()

    def _at_cell(self) -> Relaxation:
        target, p = CellFilter(self._run.atoms), self._p
        return Relaxation(self._run, target, "LBFGS", fmax_eV_per_A=p.fmax_eV_per_A, max_steps=p.relax_steps, first=0)

    def _at_point(self, first: int) -> Relaxation:
        p = self._p
        return Relaxation(
            self._run, self._run.atoms, "FIRE", fmax_eV_per_A=p.fmax_eV_per_A, max_steps=p.point_steps, first=first
        )

    @property
    def total_steps(self) -> int:
        """An upper bound, which comes down with each part that has ended. Each part has a step 0 of its own."""
        left = self._p.points - len(self._points) - (self._relaxed is not None)
        longest = self._p.relax_steps if self._relaxed is None else self._p.point_steps
        return self._current.first + longest + left * (self._p.point_steps + 1)

    def work(self) -> None:
        self._run.record(COLUMNS)
        if self._relaxed is None:
            self._current.work({"point": 0.0})
            self._relaxation = {"converged": self._current.converged, "steps": self._current.steps}
            self._relaxed = self._run.atoms.copy()
            self._move_to_point()
        while True:
            self._current.work({"point": float(len(self._points) + 1)})
            self._points.append(self._point())
            if len(self._points) == self._p.points:
                return
            self._move_to_point()

    def _move_to_point(self) -> None:
        """The relaxed structure, scaled to the next volume."""
        assert self._relaxed is not None
        p, atoms = self._p, self._run.atoms
        part = np.linspace(p.smallest_volume, p.largest_volume, p.points)[len(self._points)]
        atoms.set_cell(self._relaxed.cell)
        atoms.set_positions(self._relaxed.positions)
        atoms.set_cell(self._relaxed.cell.array * part ** (1 / 3), scale_atoms=True)
        self._current = self._at_point(self._current.first + self._current.steps + 1)
        self._run.total_steps = self.total_steps

    def _point(self) -> dict[str, Any]:
        row = self._run.rows[-1]
        converged, steps = self._current.converged, self._current.steps
        if not converged:
            log.warning("Point %d did not converge in %d steps", len(self._points) + 1, steps)
        kept = {name: row[name] for name in ("volume_A3", "energy_eV", "fmax_eV_per_A")}
        return {**kept, "converged": converged, "steps": steps}

    def state(self) -> dict[str, Any]:
        relaxed = self._relaxed
        return {
            "relaxed": None if relaxed is None else {"positions": relaxed.positions, "cell": relaxed.cell.array},
            "relaxation": self._relaxation,
            "points": self._points,
            "current": self._current.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        if state["relaxed"] is not None:
            self._relaxed = self._run.atoms.copy()
            self._relaxed.set_cell(state["relaxed"]["cell"])
            self._relaxed.set_positions(state["relaxed"]["positions"])
            self._current = self._at_point(state["current"]["first"])
        self._relaxation, self._points = state["relaxation"], state["points"]
        self._current.restore(state["current"])

    def stage(self) -> Stage:
        """The points that are left take as many steps as those that are done did in the mean."""
        if self._relaxed is None:
            return self._current.stage()
        done = len(self._points)
        left = None
        if done:
            mean = sum(point["steps"] + 1 for point in self._points) / done
            left = max(0.0, mean - self._current.steps - 1) + (self._p.points - done - 1) * mean
        return Stage("point", done + 1, self._p.points, left)

    def conclude(self, complete: bool) -> None:
        """optimized.cif and .extxyz as soon as the cell is relaxed, and a plot of the points there are."""
        if self._relaxed is not None:
            self._run.outputs.write_structure("optimized", self._relaxed)
        if len(self._points) > 1:
            self._plot()

    def result(self) -> dict[str, Any]:
        if not self._run.rows:
            return {}
        found: dict[str, Any] = {"relaxation": self._relaxation, "points": self._points, "fit_ok": False}
        if self._relaxed is not None:
            found["relaxed_volume_A3"] = float(self._relaxed.cell.volume)
            found["cell_parameters"] = cell_parameters(self._relaxed)
        found["converged"] = bool(self._relaxation["converged"]) and all(point["converged"] for point in self._points)
        curve = self._fit()
        if curve:
            found |= {
                "bulk_modulus_GPa": curve.bulk_modulus_GPa,
                "bulk_modulus_derivative": curve.derivative,
                "equilibrium_volume_A3": curve.volume_A3,
                "equilibrium_energy_eV": curve.energy_eV,
                "r_squared": curve.r_squared,
                "fit_ok": curve.ok and len(self._points) == self._p.points,
            }
        return found

    def _fit(self) -> Fit | None:
        """Four parameters need five points to be more than a line through them."""
        if self._relaxed is None or len(self._points) < 5:
            return None
        volumes = [point["volume_A3"] for point in self._points]
        energies = [point["energy_eV"] for point in self._points]
        return fit(volumes, energies, float(self._relaxed.cell.volume))

    def _plot(self) -> None:
        """A result without its picture is still a result."""
        assert self._relaxed is not None
        try:
            picture = eos_plot(self._points, self._fit(), float(self._relaxed.cell.volume), self._run.title)
            self._run.outputs.write_whole("eos.png", picture, durable=False)
        except Exception as error:
            log.warning("eos.png could not be drawn: %s: %s", type(error).__name__, error)
