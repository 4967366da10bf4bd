"""A result in the words of those who read it: warnings, main numbers, the rest, where it comes from, its files.

Knows neither Textual nor HTTP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from mofsim.tui import figures, grid, quantities, result_origin
from mofsim.tui.looks import BAD, GOOD, PLAIN, WARN, Glyphs
from mofsim.tui.result_warnings import warnings
from mofsim.tui.sheet import BLANK, Entry, block
from mofsim.vocabulary import AlertLevel, TaskStatus

if TYPE_CHECKING:
    from rich.style import Style

    from mofsim.schemas.tasks import OutputFile, Task, TaskResult

#: The main numbers first, in the order in which they are read; what is not named here comes below, by its own name.
LABELS: Final[Mapping[str, str]] = {
    "stable": "stable",
    "converged": "converged",
    "relaxation_converged": "relaxation converged",
    "heat_capacity_J_per_gK": "heat capacity at 300 K",
    "heat_capacity_J_per_molK": "  per mole (primitive)",
    "bulk_modulus_GPa": "bulk modulus",
    "bulk_modulus_derivative": "  its derivative B'",
    "equilibrium_volume_A3": "equilibrium volume",
    "equilibrium_energy_eV": "equilibrium energy",
    "r_squared": "R² of the fit",
    "fit_ok": "fit is sound",
    "interaction_energy_eV": "interaction energy",
    "adsorption_energy_eV": "adsorption energy",
    "guest_deformation_energy_eV": "  deformation of the guest",
    "guest_image_energy_eV": "  with its own images",
    "energy_eV": "energy",
    "energy_per_atom_eV": "  per atom",
    "fmax_eV_per_A": "largest force",
    "stress_GPa": "stress xx yy zz yz xz xy",
    "final_energy_eV": "final energy",
    "final_fmax_eV_per_A": "largest force",
    "final_fmax_filter_eV_per_A": "  with the cell's gradient",
    "final_volume_A3": "final volume",
    "volume_drift_percent": "volume drift",
    "volume_A3": "volume",
    "relaxed_volume_A3": "relaxed volume",
    "cell_parameters": "cell",
    "rmsd_A": "atoms moved (RMSD)",
    "rmsd_3n_A": "  averaged over 3N",
    "max_displacement_A": "  the furthest",
    "mean_temperature_K": "mean temperature",
    "mean_pressure_GPa": "mean pressure",
    "mean_volume_A3": "mean volume",
    "dynamics_time_ps": "time of the dynamics",
    "imaginary_modes": "imaginary modes",
    "imaginary_percent_of_mesh": "  of the whole mesh",
    "lowest_frequency_THz": "lowest frequency",
    "metals_with_changed_coordination": "metals that changed",
    "steps": "steps",
    "relaxation_steps": "steps of the relaxation",
}
#: Told beside another number, where that is there.
_BESIDE: Final = {
    "interaction_energy_kJ_per_mol": "interaction_energy_eV",
    "initial_energy_eV": "final_energy_eV",
    "initial_volume_A3": "final_volume_A3",
    "volume_change_percent": "final_volume_A3",
}
#: Shown as curves, and too long to read.
_CURVES: Final = frozenset({"temperatures_K", "heat_capacities_J_per_gK"})
#: Records of a table in a result that are shown, and how wide it may be before it is turned.
MOST_ROWS, TABLE_WIDTH = 50, 60
EV_IN_KJ_PER_MOL = 96.48533212


def entries(
    task: Task, found: TaskResult | None, files: Sequence[OutputFile], glyphs: Glyphs, under_way: Mapping[str, str]
) -> list[Entry]:
    """`under_way` tells of files that are being saved how far that is."""
    if found is None:
        return [*_no_result(task), BLANK, *result_origin.files_of(files, under_way)]
    told = [Entry(value=f"{glyphs.levels[AlertLevel.WARNING]} {text}", style=WARN) for text in warnings(task, found)]
    return [
        *told,
        *([BLANK] if told else []),
        *block("result", _main(task, found.result, glyphs)),
        *block("details", _details(found.result)),
        *_blocks(found.result),
        *block("run", result_origin.run(found)),
        *block("made by", result_origin.provenance_of(found.provenance, glyphs.dots)),
        *result_origin.files_of(files, under_way),
    ]


def _no_result(task: Task) -> Iterator[Entry]:
    if task.status is TaskStatus.COMPLETED:
        # There is one, but the server was too busy to answer.
        yield Entry(value="Its result could not be read. Leave the task and open it again to ask once more.")
    elif task.status.is_final:
        yield Entry(value=f"It ended without a result ({task.status.lower()}).")
        if task.error:
            yield Entry(value=f"{task.error.type}: {task.error.message}", style=BAD)
    else:
        yield Entry(value="No result yet; it is here when the task has ended.")


def _main(task: Task, result: Mapping[str, Any], glyphs: Glyphs) -> Iterator[Entry]:
    for name, label in LABELS.items():
        if name in result and result[name] is not None:
            text = _value(name, result, task)
            yield Entry(label, text, _style(result[name]), copied=figures.exact(result[name]))
            yield from _below(name, result, task)


def _style(value: Any) -> Style:
    if value is True:
        return GOOD
    return WARN if value is False else PLAIN


def _value(name: str, result: Mapping[str, Any], task: Task) -> str:
    value = result[name]
    match name:
        case "final_fmax_eV_per_A" | "final_fmax_filter_eV_per_A":
            goal = task.parameters.get("fmax_eV_per_A")
            return figures.named(name, value) + (f"   goal {goal:g}" if goal else "")
        case "interaction_energy_eV":
            in_kJ = result.get("interaction_energy_kJ_per_mol", value * EV_IN_KJ_PER_MOL)
            return f"{figures.named(name, value)}   {in_kJ:.2f} kJ/mol"
        case "cell_parameters":
            return " ".join(f"{length:.4f}" for length in value[:3]) + " Å"
        case "stress_GPa":
            return " ".join(f"{part:.4g}" for part in value) + " GPa"
        case "imaginary_percent_of_mesh":
            return f"{value:.3g} %"
        case "metals_with_changed_coordination":
            return f"{value} of {len(result.get('metal_coordination') or ())}"
        case "steps":
            limit = task.parameters.get("max_steps")
            return f"{value} of at most {limit}" if limit else str(value)
    return figures.named(name, value)


def _below(name: str, result: Mapping[str, Any], task: Task) -> Iterator[Entry]:
    """What belongs to a number, on a line of its own."""
    match name:
        case "final_energy_eV":
            yield from _from_start(name, "initial_energy_eV", result, per_atom=task.structure.n_atoms)
        case "final_volume_A3":
            yield from _from_start(name, "initial_volume_A3", result)
        case "cell_parameters":
            yield Entry("  its angles", " ".join(f"{angle:.3f}" for angle in result[name][3:]) + "°")


def _from_start(name: str, first_name: str, result: Mapping[str, Any], per_atom: int = 0) -> Iterator[Entry]:
    first = result.get(first_name)
    if first is None:
        return
    change = result[name] - first
    told = f"{1000 * change / per_atom:+.1f} meV/atom" if per_atom else figures.percent(result[name], first)
    text = figures.change(change, quantities.split_unit(name)[1])
    yield Entry("  from the start", f"{text}, {told}" if told else text, copied=figures.exact(change))


def _details(result: Mapping[str, Any]) -> Iterator[Entry]:
    """What has no words of its own."""
    for name, value in result.items():
        told = name in LABELS or name in _CURVES or _BESIDE.get(name) in result
        if told or value is None or isinstance(value, Mapping) or grid.is_table(value):
            continue
        yield _single(name, value)


def _single(name: str, value: Any) -> Entry:
    label, unit = quantities.split_unit(name)
    if grid.is_long(value):
        text = f"{grid.ends(value, quantities.text, ' ')} ({len(value)} values) {unit}".strip()
    elif isinstance(value, list | Mapping):
        text = f"{quantities.text(value)} {unit}".strip()
    else:
        text = figures.named(name, value)
    return Entry(label, text, copied=figures.exact(value))


def _blocks(result: Mapping[str, Any]) -> Iterator[Entry]:
    """Tables and mappings within the result."""
    for name, value in result.items():
        heading = quantities.split_unit(name)[0]
        if grid.is_table(value):
            yield from block(heading, _table(value))
        elif isinstance(value, Mapping):
            yield from block(heading, (_single(each, item) for each, item in value.items() if item is not None))


class _Figure(float):
    """A number that knows the unit of its column."""

    unit = ""


def _table(records: Sequence[Mapping[str, Any]]) -> Iterator[Entry]:
    told = [{name: _with_unit(name, value) for name, value in record.items()} for record in records[:MOST_ROWS]]
    for line in grid.table(told, _cell, _heading, TABLE_WIDTH):
        yield Entry(value=line, rigid=True)
    if len(records) > MOST_ROWS:
        yield Entry(value=f"and {len(records) - MOST_ROWS} more; the files have all of them")


def _with_unit(name: str, value: Any) -> Any:
    if not isinstance(value, float):
        return value
    told = _Figure(value)
    told.unit = quantities.split_unit(name)[1]
    return told


def _cell(value: Any) -> str:
    return figures.digits(float(value), value.unit) if isinstance(value, _Figure) else quantities.text(value)


def _heading(name: str) -> str:
    label, unit = quantities.split_unit(name)
    return f"{label} ({unit})" if unit else label
