"""Relaxation of atoms and cell to a minimum of the energy."""

# The classes of ase are untyped, and mypy cannot exclude calls of super().
# mypy: allow-untyped-calls

import logging
from typing import Any

import numpy as np
from ase import Atoms
from ase.filters import FrechetCellFilter

from .errors import InvalidInput
from .geometry import cell_parameters, displacement
from .optimizers import OPTIMIZERS, memory, optimizer, restore
from .plots import convergence_plot
from .run import Run, largest_force
from .stage import Stage

log = logging.getLogger(__name__)

#: the largest row of what the optimizer sees: forces on atoms, and the stress on the cell as three more rows
_FILTER_COLUMN = "fmax_filter_eV_per_A"


class CellFilter(FrechetCellFilter):
    """FrechetCellFilter that works out its forces once a force call; the optimizer asks four times a step.

    They take 2.5 ms, which is a tenth of a GPU's force call.
    """

    def __init__(self, atoms: Atoms) -> None:
        super().__init__(atoms)
        self._forces = np.zeros((len(atoms) + 3, 3))
        self._results: dict[str, Any] | None = None

    def get_forces(self, **kwargs: Any) -> np.ndarray:
        """Rows of the atoms (eV/Å), then three of the cell."""
        self.atoms.get_forces(**kwargs)
        # The potential makes a new dictionary for each geometry.
        if self.atoms.calc.results is not self._results:
            self._forces = super().get_forces(**kwargs)
            self._results = self.atoms.calc.results
        return self._forces.copy()


class Optimization:
    """MOFSimBench's protocol with its parameters: ASE's optimizer on a FrechetCellFilter.

    Like there, the optimizer stops when `fmax` holds for the rows of the filter, those of the cell included;
    the largest force on an atom is reported beside it.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._fmax, self.total_steps, name, relax_cell = _parameters(run.parameters)
        if relax_cell and not run.model.potential.has_stress:
            raise InvalidInput(
                f"Model {run.model.name!r} gives no stress, so the cell cannot be relaxed. Set `relax_cell` "
                "to false, or choose another model."
            )
        self._initial = run.atoms.copy()
        self._target = CellFilter(run.atoms) if relax_cell else run.atoms
        self._optimizer = optimizer(name, self._target)
        self._converged = False

    def work(self) -> None:
        self._run.record((_FILTER_COLUMN,))
        left = self.total_steps - self._optimizer.nsteps
        for converged in self._optimizer.irun(fmax=self._fmax, steps=left):
            self._converged = bool(converged)
            self._run.step(self._optimizer.nsteps, {_FILTER_COLUMN: largest_force(self._target.get_forces())})
        if not self._converged:
            log.warning(
                "Not converged: fmax is %.4g eV/Å after %d steps, the goal is %.4g. Take the structure for "
                "what it is, or allow more steps.",
                self._run.rows[-1][_FILTER_COLUMN],
                self._optimizer.nsteps,
                self._fmax,
            )

    def stage(self) -> Stage:
        return Stage("relaxation", int(self._optimizer.nsteps), self.total_steps, None)

    def conclude(self, complete: bool) -> None:
        """optimized.cif and .extxyz when the run got to its end, and a plot in any case."""
        if complete:
            self._run.outputs.write_structure("optimized", self._run.atoms)
        if self._run.rows:
            self._plot()

    def result(self) -> dict[str, Any]:
        rows, atoms = self._run.rows, self._run.recorded
        if atoms is None:
            return {}
        first, last = rows[0], rows[-1]
        moved = displacement(self._initial, atoms)
        return {
            "converged": self._converged,
            "steps": int(last["step"]),
            "initial_energy_eV": first["energy_eV"],
            "final_energy_eV": last["energy_eV"],
            "final_fmax_eV_per_A": last["fmax_eV_per_A"],
            "final_fmax_filter_eV_per_A": last[_FILTER_COLUMN],
            "initial_volume_A3": first["volume_A3"],
            "final_volume_A3": last["volume_A3"],
            "volume_change_percent": 100 * (last["volume_A3"] / first["volume_A3"] - 1),
            "cell_parameters": cell_parameters(atoms),
            "rmsd_A": moved.rmsd_A,
            "rmsd_3n_A": moved.rmsd_3n_A,
            "max_displacement_A": moved.max_A,
        }

    def state(self) -> dict[str, Any]:
        return memory(self._optimizer)

    def restore(self, state: dict[str, Any]) -> None:
        restore(self._optimizer, state)

    def _plot(self) -> None:
        """A result without its picture is still a result."""
        try:
            picture = convergence_plot(
                self._run.rows,
                len(self._initial),
                self._fmax,
                _FILTER_COLUMN,
                self._run.title,
                self._note(),
            )
            self._run.outputs.write_whole("convergence.png", picture, durable=False)
        except Exception as error:
            log.warning("convergence.png could not be drawn: %s: %s", type(error).__name__, error)

    def _note(self) -> str:
        result = self.result()
        end = "converged" if self._converged else "not converged"
        return f"{result['steps']} steps, {end} · volume {result['volume_change_percent']:+.2f} %"


def _parameters(parameters: dict[str, Any]) -> tuple[float, int, str, bool]:
    """fmax (eV/Å), steps, optimizer, relax_cell; raises InvalidInput naming the one that is wrong."""
    try:
        fmax, steps = float(parameters["fmax_eV_per_A"]), int(parameters["max_steps"])
        optimizer, relax_cell = parameters["optimizer"], bool(parameters["relax_cell"])
    except KeyError as error:
        raise InvalidInput(f"The parameter {error} is missing.") from error
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"`fmax_eV_per_A` and `max_steps` must be numbers: {error}.") from error
    if not fmax > 0 or steps < 0:
        raise InvalidInput("`fmax_eV_per_A` must be positive, and `max_steps` must not be negative.")
    if optimizer not in OPTIMIZERS:
        raise InvalidInput(f"`optimizer` is {optimizer!r}; it can be {', '.join(OPTIMIZERS)}.")
    return fmax, steps, optimizer, relax_cell
