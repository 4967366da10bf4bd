"""The checks of an uploaded model: what tells whether tasks may use it."""

from typing import Any

from .run import Run
from .validation import Check, validate


class Validation:
    """All checks of mofsim.simulations.validation on the structure of the run."""

    total_steps = 1

    def __init__(self, run: Run) -> None:
        self._run = run
        self._checks: dict[str, Check] = {}

    def work(self) -> None:
        # What is no number is a check that failed, and no simulation that exploded.
        self._run.model.potential.guard = None
        self._checks = validate(self._run.atoms, self._run.model.potential)
        self._run.step(1)

    def stage(self) -> None:
        """The checks are over in a moment."""

    def conclude(self, complete: bool) -> None:
        """It leaves no files."""

    def result(self) -> dict[str, Any]:
        if not self._checks:
            return {}
        return {"passed": all(check["passed"] for check in self._checks.values()), "checks": self._checks}
