"""A relaxation that is a part of a longer run."""

# The classes of ase are untyped.
# mypy: allow-untyped-calls

from collections.abc import Mapping
from typing import Any

from ase import Atoms
from ase.filters import Filter

from .optimizers import memory, optimizer, restore
from .run import Run, largest_force
from .stage import Stage

#: the largest row of what the optimizer sees; beside it, `fmax_eV_per_A` is the largest force on an atom
CRITERION = "fmax_filter_eV_per_A"


class Relaxation:
    """One optimizer on `target`; its step 0 is step `first` of the run."""

    def __init__(
        self, run: Run, target: Atoms | Filter, name: str, *, fmax_eV_per_A: float, max_steps: int, first: int
    ) -> None:
        self._run = run
        self._target = target
        self._optimizer = optimizer(name, target)
        self._fmax = fmax_eV_per_A
        self._max_steps = max_steps
        self.first = first
        self.converged = False

    @property
    def steps(self) -> int:
        """Made so far, without the step 0."""
        return int(self._optimizer.nsteps)

    def stage(self) -> Stage:
        """Of a run that does nothing else yet; how long it takes nobody can tell."""
        return Stage("relaxation", self.steps, self._max_steps, None)

    def work(self, extra: Mapping[str, float]) -> None:
        """To the end; `extra` has the columns of each row besides the criterion. The last step leaves a frame."""
        left = self._max_steps - self.steps
        for converged in self._optimizer.irun(fmax=self._fmax, steps=left):
            self.converged = bool(converged)
            row = {**extra, CRITERION: largest_force(self._target.get_forces())}
            last = self.converged or self.steps == self._max_steps
            self._run.step(self.first + self.steps, row, frame=last)

    def state(self) -> dict[str, Any]:
        return {"first": self.first, "optimizer": memory(self._optimizer)}

    def restore(self, state: dict[str, Any]) -> None:
        restore(self._optimizer, state["optimizer"])
