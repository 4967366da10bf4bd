"""Tasks with what they found as a table, or as JSON, for other programs. Knows neither Textual nor HTTP."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from mofsim.tui import grid

if TYPE_CHECKING:
    from mofsim.schemas.tasks import Task, TaskResult

#: Lists in a result that are columns of their own, as in the tables of batches.
_PARTS: Final[Mapping[str, Sequence[str]]] = {
    "stress_GPa": tuple(f"stress_{part}_GPa" for part in ("xx", "yy", "zz", "yz", "xz", "xy")),
    "cell_parameters": ("a_A", "b_A", "c_A", "alpha_deg", "beta_deg", "gamma_deg"),
}
_PROVENANCE: Final = ("device", "dtype", "model_sha256", "structure_sha256", "mofsim")
#: A program that calculates takes a cell that begins so for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def table(tasks: Iterable[tuple[Task, TaskResult | None]]) -> str:
    """CSV with a row for each task; its columns are those of all of them, tables within results left out."""
    rows = [row(task, result) for task, result in tasks]
    groups = ({name: None for each in rows for name in each[group]} for group in range(4))
    names = [name for group in groups for name in group]
    flat = [{name: value for group in each for name, value in group.items()} for each in rows]
    return csv_text([names, *([each.get(name) for name in names] for each in flat)])


def row(task: Task, result: TaskResult | None) -> Sequence[dict[str, Any]]:
    """What every task has, its parameters, what it found, and how."""
    about = {
        "id": task.id,
        "task_type": str(task.task_type),
        "status": str(task.status),
        "structure": task.structure.name,
        "formula": task.structure.formula,
        "n_atoms": task.structure.n_atoms,
        "model": task.model,
        "preset": str(task.preset),
        "priority": task.priority.name,
        "batch_id": task.batch_id,
        "created_at": task.created_at.isoformat(),
        "started_at": task.started_at.isoformat() if task.started_at else None,
        "completed_at": task.completed_at.isoformat() if task.completed_at else None,
        "worker_id": task.worker_id,
        "attempts": task.attempt,
        "reused_from": task.reused_from,
        "error_type": task.error.type if task.error else None,
        "error_message": task.error.message if task.error else None,
    }
    parameters = {f"parameter.{name}": value for name, value in flat(task.parameters)}
    if result is None:
        return about, parameters, {}, {}
    how = {name: value for name, value in result.metrics.items() if value is not None}
    how |= {name: result.provenance[name] for name in _PROVENANCE if result.provenance.get(name) is not None}
    return about, parameters, dict(flat(result.result)), how


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Single values by name, those of a mapping behind its name; tables and long lists are no cells."""
    for name, value in values.items():
        if name in _PARTS and isinstance(value, list):
            yield from zip(_PARTS[name], value, strict=False)
        elif isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}.")
        elif not (grid.is_table(value) or grid.is_long(value)):
            yield prefix + name, value


def csv_text(rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerows([_cell(value) for value in each] for each in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return " ".join(str(item) for item in value)
    return value


def as_json(tasks: Iterable[tuple[Task, TaskResult | None]]) -> str:
    """All of it: a list of {task, result}, the result null where there is none."""
    found = [
        {"task": task.model_dump(mode="json"), "result": result.model_dump(mode="json") if result else None}
        for task, result in tasks
    ]
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"
