"""The curves of several tasks over each other, where they are of one type. Knows neither Textual nor HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mofsim.tui.comparison import LETTERS, Results
from mofsim.tui.result_curves import Plot, Trace, fitted
from mofsim.vocabulary import TaskType

if TYPE_CHECKING:
    from mofsim.schemas.tasks import SeriesColumns, Task, TaskResult

SeriesOf = Mapping[int, "SeriesColumns | None"]
MEV = 1000.0


def overlaid(tasks: Sequence[Task], results: Results, series: SeriesOf) -> list[Plot]:
    """At most two; none where nothing of two of them can be drawn."""
    if len({task.task_type for task in tasks}) != 1:
        return []
    match tasks[0].task_type:
        case TaskType.BULK_MODULUS:
            found = _equations(tasks, results)
        case TaskType.HEAT_CAPACITY:
            found = _heat_capacities(tasks, results)
        case TaskType.OPTIMIZATION:
            found = _relaxations(tasks, series)
        case TaskType.STABILITY:
            found = _dynamics(tasks, series)
        case _:
            found = []
    return [plot for plot in found if len({trace.label for trace in plot.traces}) > 1]


def _with_letters(tasks: Sequence[Task], results: Results) -> list[tuple[str, Task, TaskResult]]:
    return [
        (letter, task, result)
        for letter, task in zip(LETTERS, tasks, strict=False)
        if (result := results.get(task.id)) is not None
    ]


def _equations(tasks: Sequence[Task], results: Results) -> list[Plot]:
    """Each from its own minimum, for models disagree in the energy of an atom: the curves show how stiff it is."""
    lines, marks = [], []
    for letter, task, result in _with_letters(tasks, results):
        points, lowest = result.result.get("points") or [], result.result.get("equilibrium_energy_eV")
        at = result.result.get("equilibrium_volume_A3")
        if not points or lowest is None or not at:
            continue
        volumes = [float(point["volume_A3"]) for point in points]
        per_atom = MEV / task.structure.n_atoms
        fit = fitted(result.result, min(volumes), max(volumes))
        if fit:
            ys = [(y - lowest) * per_atom for y in fit.ys if y is not None]
            lines.append(Trace([x / at for x in fit.xs if x is not None], ys, label=letter))
        energies = [(float(point["energy_eV"]) - lowest) * per_atom for point in points]
        marks.append(Trace([volume / at for volume in volumes], energies, points=True, label=letter))
    return [Plot("energy above the minimum (meV/atom)", "volume / equilibrium volume", (*lines, *marks))]


def _heat_capacities(tasks: Sequence[Task], results: Results) -> list[Plot]:
    traces = []
    for letter, _, result in _with_letters(tasks, results):
        temperatures = result.result.get("temperatures_K") or []
        values = result.result.get("heat_capacities_J_per_gK") or []
        if temperatures and len(temperatures) == len(values):
            traces.append(Trace(temperatures, values, label=letter))
    return [Plot("heat capacity (J/g/K)", "temperature (K)", tuple(traces))]


def _relaxations(tasks: Sequence[Task], series: SeriesOf) -> list[Plot]:
    forces, energies = [], []
    for letter, task in zip(LETTERS, tasks, strict=False):
        columns = found.columns if (found := series.get(task.id)) else {}
        steps = columns.get("step") or []
        force = (columns.get("fmax_filter_eV_per_A") if task.parameters.get("relax_cell") else None) or columns.get(
            "fmax_eV_per_A"
        )
        if steps and force:
            forces.append(Trace(steps, force, label=letter))
        levels = columns.get("energy_eV") or []
        last = next((value for value in reversed(levels) if value is not None), None)
        if steps and last is not None:
            per_atom = MEV / task.structure.n_atoms
            above = [None if value is None else (value - last) * per_atom for value in levels]
            energies.append(Trace(steps, above, label=letter))
    goals = {task.parameters.get("fmax_eV_per_A") for task in tasks}
    return [
        Plot("fmax (eV/Å, log)", "step", tuple(forces), log=True, goal=goals.pop() if len(goals) == 1 else None),
        Plot("energy above the last one (meV/atom)", "step", tuple(energies)),
    ]


def _dynamics(tasks: Sequence[Task], series: SeriesOf) -> list[Plot]:
    volumes: list[Trace] = []
    temperatures: list[Trace] = []
    for letter, task in zip(LETTERS, tasks, strict=False):
        columns = found.columns if (found := series.get(task.id)) else {}
        times = columns.get("time_fs") or []
        for name, traces in (("volume_A3", volumes), ("temperature_K", temperatures)):
            kept = [
                (time / 1000, value)
                for time, value in zip(times, columns.get(name) or [], strict=False)
                if time and value is not None
            ]
            if kept:
                first = kept[0][1] if name == "volume_A3" else 0.0
                ys = [100 * (value / first - 1) if first else value for _, value in kept]
                traces.append(Trace([time for time, _ in kept], ys, label=letter))
    return [
        Plot("volume from the start (%)", "time (ps)", tuple(volumes)),
        Plot("temperature (K)", "time (ps)", tuple(temperatures)),
    ]
