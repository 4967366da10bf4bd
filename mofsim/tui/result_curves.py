"""The curves that belong to a result: E(V) with its fit, Cv(T), the way of a relaxation, T, P and V of dynamics.

Knows neither Textual nor HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mofsim.vocabulary import TaskType

if TYPE_CHECKING:
    from mofsim.schemas.tasks import SeriesColumns, Task

Values = Sequence[float | None]

EV_PER_A3_IN_GPA = 160.21766208
BAR_IN_GPA = 1e-4
#: Points of a fitted curve: more than a terminal has columns of dots.
FINE = 400


@dataclass(frozen=True)
class Trace:
    """`points` are drawn as marks, others as a line; `label` names it where there are several."""

    xs: Values
    ys: Values
    points: bool = False
    label: str = ""


@dataclass(frozen=True)
class Plot:
    """Captions have the units; `goal` is a line across, with its name in front of its value."""

    title: str
    x_title: str
    traces: tuple[Trace, ...]
    log: bool = False
    goal: float | None = None
    goal_name: str = "goal"
    #: in place of its value, where that is better told in another unit
    goal_text: str = ""
    empty: str = ""


def plots(task: Task, result: Mapping[str, Any], series: SeriesColumns | None) -> list[Plot]:
    """At most three; those only that have something to show."""
    columns = series.columns if series else {}
    found = {
        TaskType.BULK_MODULUS: lambda: _equation_of_state(result),
        TaskType.HEAT_CAPACITY: lambda: _heat_capacity(result),
        TaskType.STABILITY: lambda: _dynamics(task, columns, result),
        TaskType.OPTIMIZATION: lambda: _relaxation(task, columns),
    }.get(task.task_type, list)()
    return [plot for plot in found if any(_has_two(trace) or trace.points for trace in plot.traces)]


def _has_two(trace: Trace) -> bool:
    return sum(y is not None for y in trace.ys) > 1


def _equation_of_state(result: Mapping[str, Any]) -> list[Plot]:
    points = result.get("points") or []
    if len(points) < 2:
        return []
    volumes, energies = ([float(point[name]) for point in points] for name in ("volume_A3", "energy_eV"))
    least = result.get("equilibrium_energy_eV", min(energies))
    fit = fitted(result, min(volumes), max(volumes))
    lines = (Trace(fit.xs, [y - least for y in fit.ys if y is not None]),) if fit else ()
    marks = Trace(volumes, [energy - least for energy in energies], points=True)
    modulus = f"   B = {result['bulk_modulus_GPa']:.4g} GPa" if fit else ""
    return [Plot(f"energy above the minimum (eV){modulus}", "volume (Å³)", (*lines, marks))]


def fitted(result: Mapping[str, Any], low: float, high: float) -> Trace | None:
    """Birch-Murnaghan's E(V) with the parameters of the result, in eV (doi:10.1103/PhysRevB.70.224107)."""
    names = ("equilibrium_energy_eV", "bulk_modulus_GPa", "bulk_modulus_derivative", "equilibrium_volume_A3")
    if any(result.get(name) is None for name in names):
        return None
    energy, modulus, derivative, volume = (float(result[name]) for name in names)
    xs = [low + (high - low) * i / (FINE - 1) for i in range(FINE)]
    ys = []
    for x in xs:
        eta = (volume / x) ** (2 / 3)
        strain = 9 * modulus / EV_PER_A3_IN_GPA * volume / 16 * (eta - 1) ** 2
        ys.append(energy + strain * (6 + derivative * (eta - 1) - 4 * eta))
    return Trace(xs, ys)


def _heat_capacity(result: Mapping[str, Any]) -> list[Plot]:
    temperatures, values = result.get("temperatures_K") or [], result.get("heat_capacities_J_per_gK") or []
    at_300 = result.get("heat_capacity_J_per_gK")
    if len(temperatures) != len(values):
        return []
    marks = (Trace([300.0], [float(at_300)], points=True),) if at_300 is not None else ()
    told = f"   {at_300:.4f} at 300 K" if at_300 is not None else ""
    return [Plot(f"heat capacity (J/g/K){told}", "temperature (K)", (Trace(temperatures, values), *marks))]


def _relaxation(task: Task, columns: Mapping[str, Values]) -> list[Plot]:
    steps = columns.get("step", [])
    force = "fmax_filter_eV_per_A" if task.parameters.get("relax_cell") else "fmax_eV_per_A"
    forces = columns.get(force) or columns.get("fmax_eV_per_A") or [None] * len(steps)
    goal = task.parameters.get("fmax_eV_per_A")
    kind = "fmax with the cell's gradient" if force.startswith("fmax_filter") and force in columns else "fmax"
    energies = columns.get("energy_eV") or [None] * len(steps)
    return [
        Plot("energy (eV)", "step", (Trace(steps, energies),)),
        Plot(f"{kind} (eV/Å, log)", "step", (Trace(steps, forces),), log=True, goal=goal),
    ]


def _dynamics(task: Task, columns: Mapping[str, Values], result: Mapping[str, Any]) -> list[Plot]:
    times = [None if time is None else time / 1000 for time in columns.get("time_fs", [])]
    moving = [bool(time) for time in times]

    def trace(name: str) -> tuple[Trace, ...]:
        """The relaxation before the dynamics has no time of its own."""
        values = columns.get(name) or [None] * len(times)
        kept = [(x, y) for x, y, moves in zip(times, values, moving, strict=True) if moves]
        return (Trace([x for x, _ in kept], [y for _, y in kept]),)

    pressure = task.parameters.get("pressure_bar")
    drift = result.get("volume_drift_percent")
    told = f"   drift {drift:+.2f} %" if drift is not None else ""
    return [
        Plot(
            "temperature (K)",
            "time (ps)",
            trace("temperature_K"),
            goal=task.parameters.get("temperature_K"),
            goal_name="set",
        ),
        Plot(
            "pressure (GPa)",
            "time (ps)",
            trace("pressure_GPa"),
            goal=None if pressure is None else pressure * BAR_IN_GPA,
            goal_name="set",
            goal_text=f"{pressure or 0.0:g} bar",
        ),
        Plot(
            f"volume (Å³){told}",
            "time (ps)",
            trace("volume_A3"),
            goal=result.get("initial_volume_A3"),
            goal_name="start",
        ),
    ]
