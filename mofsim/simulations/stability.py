"""Does a framework hold when it is warm? A relaxation, then dynamics at constant volume, then at constant pressure."""

# The classes of ase are untyped.
# mypy: allow-untyped-calls

import logging
from dataclasses import dataclass
from typing import Any

from ase import Atoms

from .coordination import metal_sites
from .dynamics import Integrator, Npt, Nvt, pressure_GPa, temperature_K, thermalize
from .dynamics_plot import Targets, dynamics_plot
from .errors import InvalidInput
from .geometry import cell_parameters, displacement
from .optimizers import memory, optimizer, restore
from .parameters import read_parameters
from .run import Run
from .stage import Stage

log = logging.getLogger(__name__)

RELAXATION, NVT, NPT = 1, 2, 3
COLUMNS = ("stage", "time_fs", "temperature_K", "pressure_GPa", "total_energy_eV")
#: a framework is stable when its volume drifts by no more than this
DRIFT_LIMIT_PERCENT = 10.0


@dataclass(frozen=True)
class Parameters:
    """All that the protocol leaves open."""

    fmax_eV_per_A: float
    relax_steps: int
    nvt_steps: int
    npt_steps: int
    timestep_fs: float
    temperature_K: float
    pressure_bar: float
    friction_per_fs: float
    thermostat_fs: float
    barostat_fs: float
    frame_interval: int
    seed: int


class Stability:
    """MOFSimBench's protocol with its parameters. A step is one of the optimizer, or one of the dynamics."""

    def __init__(self, run: Run) -> None:
        if not run.model.potential.has_stress:
            raise InvalidInput(
                f"Model {run.model.name!r} gives no stress, so there is no dynamics at constant pressure. Choose "
                "another model."
            )
        self._run = run
        self._p = read_parameters(Parameters, run.parameters)
        self._initial = run.atoms.copy()
        self._optimizer = optimizer("LBFGS", run.atoms)
        self._relaxed: Atoms | None = None
        self._converged = False
        self._stage = RELAXATION
        #: steps of dynamics made, of the present stage
        self._made = 0
        self._integrator: Integrator | None = None
        self._steps = {NVT: self._p.nvt_steps, NPT: self._p.npt_steps}

    @property
    def total_steps(self) -> int:
        """An upper bound, until the relaxation has ended."""
        relaxed = self._stage > RELAXATION
        relaxation = self._optimizer.nsteps if relaxed else self._p.relax_steps
        return int(relaxation) + self._p.nvt_steps + self._p.npt_steps

    def work(self) -> None:
        self._run.record(COLUMNS)
        if self._stage == RELAXATION:
            self._relax()
        for stage in (NVT, NPT):
            if self._stage <= stage:
                self._dynamics(stage)

    def _relax(self) -> None:
        """Atoms only: the cell is the one that was given."""
        left = self._p.relax_steps - self._optimizer.nsteps
        for converged in self._optimizer.irun(fmax=self._p.fmax_eV_per_A, steps=left):
            self._converged = bool(converged)
            last = self._converged or self._optimizer.nsteps == self._p.relax_steps
            self._record(self._optimizer.nsteps, last)
        if not self._converged:
            log.warning("The relaxation did not converge in %d steps; the dynamics starts anyway", self._p.relax_steps)

    def _dynamics(self, stage: int) -> None:
        if self._stage < stage:
            self._enter(stage)
        assert self._integrator
        while self._made < self._steps[stage]:
            self._integrator.step()
            self._made += 1
            self._record(self._made, last=self._made == self._steps[stage])

    def _enter(self, stage: int) -> None:
        if stage == NVT:
            self._relaxed = self._run.atoms.copy()
            thermalize(self._run.atoms, self._p.temperature_K, self._run.rng)
        self._stage, self._made = stage, 0
        self._integrator = self._new_integrator()
        self._run.total_steps = self.total_steps

    def _new_integrator(self) -> Integrator:
        p, atoms = self._p, self._run.atoms
        common = {"timestep_fs": p.timestep_fs, "temperature_K": p.temperature_K}
        if self._stage == NVT:
            return Nvt(atoms, **common, friction_per_fs=p.friction_per_fs, rng=self._run.rng)
        return Npt(
            atoms,
            **common,
            pressure_bar=p.pressure_bar,
            thermostat_fs=p.thermostat_fs,
            barostat_fs=p.barostat_fs,
        )

    def _record(self, step_of_stage: int, last: bool) -> None:
        """A row for each step, and a frame for every so many and for the last of the stage."""
        atoms = self._run.atoms
        dynamic = (self._made if self._stage > RELAXATION else 0) + (self._p.nvt_steps if self._stage == NPT else 0)
        extra = {
            "stage": float(self._stage),
            "time_fs": dynamic * self._p.timestep_fs,
            "temperature_K": temperature_K(atoms),
            "pressure_GPa": pressure_GPa(atoms),
            "total_energy_eV": float(atoms.get_total_energy()),
        }
        frame = last or step_of_stage % self._p.frame_interval == 0
        self._run.step(self._optimizer.nsteps + dynamic, extra, frame=frame)

    def state(self) -> dict[str, Any]:
        return {
            "stage": self._stage,
            "made": self._made,
            "converged": self._converged,
            "optimizer": memory(self._optimizer) if self._stage == RELAXATION else {"nsteps": self._optimizer.nsteps},
            "integrator": self._integrator.state() if self._integrator else {},
            "relaxed": self._relaxed.positions if self._relaxed is not None else None,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self._stage, self._made, self._converged = state["stage"], state["made"], state["converged"]
        if self._stage == RELAXATION:
            restore(self._optimizer, state["optimizer"])
            return
        self._optimizer.nsteps = state["optimizer"]["nsteps"]
        self._relaxed = self._initial.copy()
        self._relaxed.positions = state["relaxed"]
        self._integrator = self._new_integrator()
        self._integrator.restore(state["integrator"])

    def stage(self) -> Stage:
        """The dynamics is by far the longest part, so the relaxation's limit is good enough for what is left of it."""
        p, relaxation = self._p, int(self._optimizer.nsteps)
        if self._stage == RELAXATION:
            left = p.relax_steps - relaxation + p.nvt_steps + p.npt_steps
            return Stage("relaxation", relaxation, p.relax_steps, left)
        of = self._steps[self._stage]
        later = p.npt_steps if self._stage == NVT else 0
        return Stage("NVT" if self._stage == NVT else "NPT", self._made, of, of - self._made + later)

    def conclude(self, complete: bool) -> None:
        """final.cif and .extxyz when the run got to its end, and a plot once there is dynamics to show."""
        if complete:
            self._run.outputs.write_structure("final", self._run.atoms)
        if self._stage > RELAXATION and self._run.rows[-1]["stage"] > RELAXATION:
            self._plot()

    def result(self) -> dict[str, Any]:
        rows, last = self._run.rows, self._run.recorded
        if last is None:
            return {}
        drift = 100 * (last.cell.volume / self._initial.cell.volume - 1)
        before, after = metal_sites(self._initial), metal_sites(last)
        sites = [
            {"index": b.index, "element": b.element, "before": b.coordination, "after": a.coordination}
            for b, a in zip(before, after, strict=True)
        ]
        finished = self._stage == NPT and self._made == self._p.npt_steps
        result = {
            "stable": abs(drift) <= DRIFT_LIMIT_PERCENT if finished else None,
            "volume_drift_percent": drift,
            "initial_volume_A3": float(self._initial.cell.volume),
            "final_volume_A3": float(last.cell.volume),
            "cell_parameters": cell_parameters(last),
            "metal_coordination": sites,
            "metals_with_changed_coordination": sum(site["before"] != site["after"] for site in sites),
            "relaxation_converged": self._converged,
            "relaxation_steps": int(self._optimizer.nsteps),
            "dynamics_time_ps": rows[-1]["time_fs"] / 1000,
            **self._means(),
        }
        if self._relaxed is not None:
            moved = displacement(self._relaxed, last)
            result |= {"rmsd_A": moved.rmsd_A, "rmsd_3n_A": moved.rmsd_3n_A, "max_displacement_A": moved.max_A}
        return result

    def _means(self) -> dict[str, float]:
        """Over the second half of the dynamics at constant pressure, where the start is forgotten."""
        npt = [row for row in self._run.rows if row["stage"] == NPT]
        half = npt[len(npt) // 2 :]
        names = ("temperature_K", "pressure_GPa", "volume_A3")
        return {f"mean_{name}": sum(row[name] for row in half) / len(half) for name in names} if half else {}

    def _plot(self) -> None:
        """A result without its picture is still a result."""
        p, result = self._p, self.result()
        word = {True: "stable", False: "not stable", None: "stopped early"}[result["stable"]]
        note = f"volume {result['volume_drift_percent']:+.2f} %, {word}"
        targets = Targets(p.temperature_K, p.pressure_bar, result["initial_volume_A3"], DRIFT_LIMIT_PERCENT)
        try:
            picture = dynamics_plot(self._run.rows, NPT, targets, len(self._initial), self._run.title, note)
            self._run.outputs.write_whole("dynamics.png", picture, durable=False)
        except Exception as error:
            log.warning("dynamics.png could not be drawn: %s: %s", type(error).__name__, error)
