"""What a task type gets to work with: the atoms with their potential, and one call for each step."""

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

import numpy as np
from ase import Atoms

from .channel import Inbox, Writer
from .checkpoint import Cadence, Checkpoint, CheckpointFolder, cadence_of
from .errors import Stopped
from .measure import Meter
from .models import LoadedModel
from .outputs import Outputs, Series, Trajectory, read_series
from .protocol import RunRequest
from .stage import Stage

log = logging.getLogger(__name__)

_NOTHING: Mapping[str, float] = MappingProxyType({})
#: as many of the last steps tell how long the next ones take
_PACE_STEPS = 20


class Task(Protocol):
    """One kind of simulation. Its constructor takes a Run and may raise InvalidInput."""

    @property
    def total_steps(self) -> int:
        """How many steps there will be, as far as it is known."""

    def work(self) -> None:
        """Run to the end; each step goes through `Run.step`."""

    def conclude(self, complete: bool) -> None:
        """Write the last files; `complete` is False when the run stopped or failed."""

    def stage(self) -> Stage | None:
        """What is being done; None in a simulation without parts. Asked for inside `Run.step`."""

    def result(self) -> dict[str, Any]:
        """What is known at this moment, in the fields of the finished result; {} before the first step."""


@runtime_checkable
class Resumable(Protocol):
    """A task that goes on where it was: what `Run` keeps for it are the atoms, the RNG, the rows and the files."""

    def state(self) -> dict[str, Any]:
        """What the next step depends on besides: JSON and NumPy arrays. Asked for inside `Run.step`, at its end."""

    def restore(self, state: dict[str, Any]) -> None:
        """Make a fresh task one that has just made the step of `state`; the atoms are as they were then."""


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
    checkpoints: CheckpointFolder | None = None
    #: its checkpoints are kept, where it is a Resumable
    task: Task | None = None
    total_steps: int = 1
    rows: list[dict[str, float]] = field(default_factory=list)
    #: the structure of the last row; `atoms` itself may be a step further, and broken
    recorded: Atoms | None = None
    #: the step of the checkpoint from which this run goes on
    resumed_from: int | None = None
    _series: Series | None = None
    _trajectory: Trajectory | None = None

    def __post_init__(self) -> None:
        #: the only source of chance in a run; the parameter `seed` decides, where there is one
        self.rng = np.random.default_rng(self.parameters.get("seed", 0))
        self._cadence: Cadence = cadence_of(self.request)

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
        self._cadence.begin()
        self.writer.send(
            {
                "type": "started",
                "task_id": self.request["task_id"],
                "total_steps": total_steps,
                "resumed_from": self.resumed_from,
            }
        )

    def step(self, step: int, extra: Mapping[str, float] = _NOTHING, *, frame: bool = True) -> None:
        """Report and record one step; `extra` has the columns announced to `record`.

        Computes energy and forces if that is still to be done. A step that the checkpoint has is not recorded again:
        ASE's optimizers look once more at the structure they start from. Raises SimulationExploded, and Stopped when
        the parent wants an end.
        """
        if self.resumed_from is not None and step <= self.resumed_from:
            return
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
        if self._trajectory and frame:
            stress = self.atoms.calc.results.get("stress")
            self._trajectory.append(self.atoms, energy, forces, stress, step)
        if self._series:
            self._series.append(row)
        self._send_progress(row)
        reason = self.inbox.stop_reason(self.request["task_id"], self.request["attempt"])
        if self._cadence.step() or reason:
            self._write_checkpoint(step)
        if reason:
            raise Stopped(reason)

    def resume(self, checkpoint: Checkpoint) -> None:
        """Go on after `checkpoint`, with all that earlier attempts have recorded up to it.

        Raises Unusable, and whatever the task raises about a state that it does not understand.
        """
        if self.checkpoints is None or not isinstance(self.task, Resumable):
            raise TypeError("this run has no task that can be resumed")
        self.outputs.adopt(self.checkpoints.path / checkpoint.directory, checkpoint.files)
        self.rows = read_series(self.outputs.directory)
        self.atoms.set_cell(checkpoint.atoms["cell"])
        self.atoms.set_positions(checkpoint.atoms["positions"])
        if "momenta" in checkpoint.atoms:
            self.atoms.set_momenta(checkpoint.atoms["momenta"])
        self.rng.bit_generator.state = checkpoint.rng
        self.task.restore(checkpoint.task)
        self.recorded = self.atoms.copy()
        self.meter.go_on(checkpoint.seconds, checkpoint.steps_made)
        self.resumed_from = checkpoint.step

    def _write_checkpoint(self, step: int) -> None:
        """A run whose checkpoint cannot be written goes on: it risks time, and nothing else."""
        self._cadence.begin()
        if self.checkpoints is None or not isinstance(self.task, Resumable):
            return
        try:
            self.checkpoints.write(self._checkpoint(self.checkpoints, self.task, step))
        except OSError as error:
            log.warning("No checkpoint at step %d: %s", step, error)

    def _checkpoint(self, folder: CheckpointFolder, task: Resumable, step: int) -> Checkpoint:
        atoms = {"positions": self.atoms.positions, "cell": self.atoms.cell.array}
        if self.atoms.has("momenta"):
            atoms["momenta"] = self.atoms.get_momenta()
        seconds, steps_made = self.meter.made
        return Checkpoint(
            attempt=self.request["attempt"],
            step=step,
            identity=folder.identity,
            directory=os.path.relpath(self.outputs.directory, folder.path),
            files=self.outputs.sync(),
            atoms=atoms,
            rng=dict(self.rng.bit_generator.state),
            seconds=seconds,
            steps_made=steps_made,
            task=task.state(),
        )

    def _send_progress(self, row: dict[str, float]) -> None:
        stage = self.task.stage() if self.task else None
        steps_left, pace = (stage.steps_left if stage else None), self._seconds_per_step()
        self.writer.send(
            {
                "type": "progress",
                "task_id": self.request["task_id"],
                "step": int(row["step"]),
                "total_steps": self.total_steps,
                "energy_eV": row["energy_eV"],
                "fmax_eV_per_A": row["fmax_eV_per_A"],
                "volume_A3": row["volume_A3"],
                "stage": stage.name if stage else None,
                "stage_step": stage.number if stage else None,
                "stage_steps": stage.of if stage else None,
                "steps_left": steps_left,
                "remaining_seconds": None if steps_left is None or pace is None else steps_left * pace,
            }
        )

    def _seconds_per_step(self) -> float | None:
        """Lately; None before there are two steps to tell."""
        lately = self.rows[-_PACE_STEPS - 1 :]
        return (lately[-1]["time_s"] - lately[0]["time_s"]) / (len(lately) - 1) if len(lately) > 1 else None


def largest_force(forces: np.ndarray) -> float:
    """The largest norm of the rows of `forces`, shape (N, 3)."""
    return float(np.sqrt((forces**2).sum(axis=1).max()))
