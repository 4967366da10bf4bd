"""The results of a batch as a table: a row for each task, read page by page, so that any number fits into memory."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from mofsim.core import batches
from mofsim.db.tables import Task, TaskResult
from mofsim.schemas.batches import BatchRow
from mofsim.vocabulary import TaskStatus

#: rows that are read at a time
PAGE = 200

_STRESS = tuple(f"stress_{part}_GPa" for part in ("xx", "yy", "zz", "yz", "xz", "xy"))
_CELL = ("a_A", "b_A", "c_A", "alpha_deg", "beta_deg", "gamma_deg")
#: lists in a result, and the columns of their elements
_LISTS = {"stress_GPa": _STRESS, "cell_parameters": _CELL}

_MOVED = ("rmsd_A", "rmsd_3n_A", "max_displacement_A")
#: The main results of each task type, as columns. They are fixed, so that tables of two batches have the same ones.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "single-point": ("energy_eV", "energy_per_atom_eV", "fmax_eV_per_A", *_STRESS, "volume_A3"),
    "optimization": (
        *("steps", "initial_energy_eV", "final_energy_eV", "final_fmax_eV_per_A", "final_fmax_filter_eV_per_A"),
        *("initial_volume_A3", "final_volume_A3", "volume_change_percent", *_CELL, *_MOVED),
    ),
    "stability": (
        *("stable", "volume_drift_percent", "initial_volume_A3", "final_volume_A3", *_CELL, *_MOVED),
        *("metals", "metals_with_changed_coordination", "coordination_by_metal"),
        *("relaxation_steps", "dynamics_time_ps"),
        *("mean_temperature_K", "mean_pressure_GPa", "mean_volume_A3"),
    ),
    "bulk-modulus": (
        *("bulk_modulus_GPa", "bulk_modulus_derivative", "equilibrium_volume_A3", "equilibrium_energy_eV"),
        *("r_squared", "fit_ok", "relaxed_volume_A3", *_CELL),
    ),
    "heat-capacity": (
        *("heat_capacity_J_per_gK", "heat_capacity_J_per_molK", "primitive_mass_g_per_mol", "imaginary_modes"),
        *("imaginary_percent_of_mesh", "lowest_frequency_THz", "relaxed_volume_A3", "relaxation_steps"),
    ),
    "interaction-energy": ("interaction_energy_eV",),
}

#: A program that calculates takes a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def columns(session: Session, batch_id: int) -> list[str]:
    """The columns of all rows: those that each task has, then the main results of the batch's task types.

    Raises NotFound.
    """
    batches.find(session, batch_id)
    return columns_of(session.scalars(select(Task.task_type).where(Task.batch_id == batch_id).distinct()))


def columns_of(task_types: Iterable[str]) -> list[str]:
    types = set(task_types)
    main = [name for task_type, names in COLUMNS.items() if task_type in types for name in names]
    return list(dict.fromkeys([*BatchRow.model_fields, *main]))


def rows(session: Session, batch_id: int, after: int) -> list[BatchRow]:
    """The rows of the tasks that follow task `after`, at most PAGE of them."""
    query = (
        select(Task, TaskResult)
        .outerjoin(TaskResult, TaskResult.task_id == Task.id)
        .where(Task.batch_id == batch_id, Task.id > after)
        .order_by(Task.id)
        .limit(PAGE)
    )
    return [row_of(task, result) for task, result in session.execute(query)]


def row_of(task: Task, result: TaskResult | None) -> BatchRow:
    structure = task.structure
    provenance: dict[str, Any] = result.provenance if result else {}
    # What a task reached that did not complete must not be taken for its result.
    found = result.result_data if result and task.status == TaskStatus.COMPLETED else {}
    d3 = provenance.get("d3")
    return BatchRow(
        batch_id=task.batch_id or 0,
        task_id=task.id,
        structure_id=structure.id,
        structure=structure.name,
        formula=structure.formula,
        n_atoms=structure.n_atoms,
        structure_sha256=provenance.get("structure_sha256") or structure.checksum,
        model=task.model_name,
        task_type=task.task_type,
        preset=task.preset,
        parameters=task.parameters,
        status=task.status,
        error_type=task.error_type,
        error_message=task.error_message,
        attempts=task.attempt,
        reused_from=task.reused_from,
        converged=found.get("converged", found.get("relaxation_converged")),
        duration_seconds=result.duration_seconds if result else None,
        seconds_per_step=result.metrics.get("seconds_per_step") if result else None,
        device=provenance.get("device"),
        model_sha256=provenance.get("model_sha256"),
        d3=bool(d3) if "d3" in provenance else None,
        d3_settings=d3 or None,
        dtype=provenance.get("dtype"),
        mofsim=provenance.get("mofsim"),
        input_volume_A3=structure.volume_A3,
        threads=provenance.get("threads"),
        hostname=provenance.get("hostname"),
        **_main(task.task_type, found),
    )


def _main(task_type: str, found: Mapping[str, Any]) -> dict[str, Any]:
    flat = {**found, **_coordination(found.get("metal_coordination"))}
    for name, parts in _LISTS.items():
        flat |= dict(zip(parts, flat.get(name) or (), strict=False))
    return {name: flat.get(name) for name in COLUMNS.get(task_type, ())}


def _coordination(sites: list[dict[str, Any]] | None) -> dict[str, Any]:
    """How many metals there are, and for each element the means of its coordination numbers."""
    if sites is None:
        return {}
    by_metal: dict[str, Any] = {}
    for element in sorted({site["element"] for site in sites}):
        own = [site for site in sites if site["element"] == element]
        before, after = (sum(site[when] for site in own) / len(own) for when in ("before", "after"))
        changed = sum(site["before"] != site["after"] for site in own)
        by_metal[element] = {"sites": len(own), "changed": changed, "before": before, "after": after}
    return {"metals": len(sites), "coordination_by_metal": by_metal}


def csv_lines(names: list[str], found: Iterable[BatchRow]) -> Iterator[str]:
    """A line for each row; what is not known is empty."""
    for row in found:
        values = row.model_dump(mode="json")
        yield csv_line(_cell(values.get(name)) for name in names)


def csv_line(cells: Iterable[Any]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(list(cells))
    return line.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) if isinstance(value, dict) else value
