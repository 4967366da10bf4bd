"""What a task type gets to work with: the atoms with their potential, and one call for each step."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from ase import Atoms

from .channel import Inbox, Writer
from .errors import Stopped
from .measure import Meter
from .models import LoadedModel
from .outputs import Outputs, Series, Trajectory
from .protocol import RunRequest


class Task(Protocol):
    """One kind of simulation. Its constructor takes a Run and may raise InvalidInput."""

    total_steps: int

    def work(self) -> None:
        """Run to the end; each step goes through `Run.step`."""

    def conclude(self, complete: bool) -> None:
        """Write the last files; `complete` is False when the run stopped or failed."""

    def result(self) -> dict[str, Any]:
        """What is known at this moment, in the fields of the finished result; {} before the first step."""


@dataclass
class Run:
    """One run of one task type; `atoms` has the potential as its calculator."""

    request: RunRequest
    atoms: Atoms
    model: LoadedModel
    writer: Writer
    inbox: Inbox
    meter: Meter
    outputs: Outputs
    total_steps: int = 1
    rows: list[dict[str, float]] = field(default_factory=list)
    #: the structure of the last row; `atoms` itself may be a step further, and broken
    recorded: Atoms | None = None
    _series: Series | None = None
    _trajectory: Trajectory | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        return self.request["parameters"]

    @property
    def title(self) -> str:
        """For plots: the structure and the model."""
        structure = self.request.get("structure_name") or self.atoms.get_chemical_formula("hill")
        dispersion = " + D3(BJ)" if self.model.entry.get("d3") else ""
        return f"{structure} · {self.model.name}{dispersion}"

    def record(self, extra_columns: Sequence[str] = ()) -> None:
        """From now on each step leaves a frame in trajectory.extxyz and a row in series.csv."""
        self._series = Series(self.outputs, extra_columns)
        self._trajectory = Trajectory(self.outputs, list(self.atoms.symbols))

    def start(self, total_steps: int) -> None:
        """Tell the parent that steps are made from now on."""
        self.total_steps = total_steps
        self.writer.send({"type": "started", "task_id": self.request["task_id"], "total_steps": total_steps})

    def step(self, step: int, **extra: float) -> None:
        """Report and record one step; `extra` has the columns announced to `record`.

        Computes energy and forces if that is still to be done. Raises SimulationExploded, and Stopped when
        the parent wants an end.
        """
        energy = float(self.atoms.get_potential_energy())
        forces = self.atoms.get_forces()
        row = {
            "step": step,
            "energy_eV": energy,
            "fmax_eV_per_A": largest_force(forces),
            "volume_A3": float(self.atoms.cell.volume),
            "time_s": round(self.meter.step(), 6),
            **{name: float(value) for name, value in extra.items()},
        }
        self.rows.append(row)
        self.recorded = self.atoms.copy()
        if self._trajectory:
            stress = self.atoms.calc.results.get("stress")
            self._trajectory.append(self.atoms, energy, forces, stress, step)
        if self._series:
            self._series.append(row)
        self._send_progress(row)
        self.stop_if_asked()

    def stop_if_asked(self) -> None:
        """Raises Stopped when the parent has cancelled this run."""
        reason = self.inbox.stop_reason(self.request["task_id"], self.request["attempt"])
        if reason:
            raise Stopped(reason)

    def _send_progress(self, row: dict[str, float]) -> None:
        self.writer.send(
            {
                "type": "progress",
                "task_id": self.request["task_id"],
                "step": int(row["step"]),
                "total_steps": self.total_steps,
                "energy_eV": row["energy_eV"],
                "fmax_eV_per_A": row["fmax_eV_per_A"],
                "volume_A3": row["volume_A3"],
            }
        )


def largest_force(forces: np.ndarray) -> float:
    """The largest norm of the rows of `forces`, shape (N, 3)."""
    return float(np.sqrt((forces**2).sum(axis=1).max()))
