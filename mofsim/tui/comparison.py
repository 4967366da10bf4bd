"""Tasks side by side: what went in and what came out, with differences to the first. Knows neither Textual nor HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from mofsim.tui import figures, format, quantities
from mofsim.tui.export_table import csv_text, flat
from mofsim.tui.inputs import parameter
from mofsim.tui.result_words import LABELS

if TYPE_CHECKING:
    from mofsim.schemas.tasks import Task, TaskResult

#: Stand for the tasks, in their order.
LETTERS = "abcdef"
#: What differs between any two runs, and says nothing.
_NEVER = frozenset({"parameters", "versions", "preset", "task_type", "model", "seed"})
#: Names that mean something else than the same name elsewhere.
_RUN = {
    "duration_seconds": "computed for",
    "seconds_per_step": "time of a step",
    "load_seconds": "model loaded in",
    "peak_memory_MB": "most memory",
}

Labels = Mapping[str, str]
NO_LABELS: Final[Labels] = MappingProxyType({})
Results = Mapping[int, "TaskResult | None"]


@dataclass(frozen=True)
class Row:
    """A value of each task; None where it has none."""

    section: str
    name: str
    label: str
    unit: str
    values: tuple[Any, ...]

    @property
    def differs(self) -> bool:
        return any(value != self.values[0] for value in self.values[1:])

    def text(self, index: int) -> str:
        value = self.values[index]
        if value is None:
            return "–"
        if self.section == "parameters":
            return parameter(self.name, value).removesuffix(f" {self.unit}")
        if self.name == "duration_seconds":
            return format.clock(value)
        return figures.digits(value, self.unit) if figures.is_number(value) else quantities.text(value)

    def delta(self, index: int) -> tuple[str, str]:
        """How far a number is from that of the first task, as it is and in percent; empty where it is not."""
        first, value = self.values[0], self.values[index]
        numbers = figures.is_number(first) and figures.is_number(value)
        if index == 0 or not numbers or first == value or self.name == "structure_id":
            return "", ""
        if self.name == "duration_seconds":
            return "", figures.percent(value, first)
        change = figures.digits(value - first, self.unit)
        return (change if change.startswith("-") else f"+{change}"), figures.percent(value, first)


def rows(tasks: Sequence[Task], results: Results) -> list[Row]:
    """All of them, in the order in which they are read."""
    found = [results.get(task.id) for task in tasks]
    provenance = [result.provenance if result else {} for result in found]
    return [
        *_section("task", [_what(task) for task in tasks]),
        *_section("parameters", [dict(task.parameters) for task in tasks]),
        *_results(found),
        *_section("run", [_run(task, result) for task, result in zip(tasks, found, strict=True)], _RUN),
        *_section("made by", [_made_by(each) for each in provenance]),
        *_section("versions", [dict(each.get("versions") or {}) for each in provenance]),
    ]


def different(all_rows: Sequence[Row]) -> list[Row]:
    return [row for row in all_rows if row.differs]


def _section(title: str, columns: Sequence[Mapping[str, Any]], labels: Labels = NO_LABELS) -> Iterator[Row]:
    for name in dict.fromkeys(name for column in columns for name in column):
        label, unit = quantities.split_unit(name)
        told = labels.get(name, label)
        # An indented one speaks of the line above it, which may not be there.
        label = label if told.startswith(" ") else told
        values = tuple(column.get(name) for column in columns)
        if any(value is not None for value in values):
            yield Row(title, name, label, unit, values)


def _results(found: Sequence[TaskResult | None]) -> Iterator[Row]:
    """The main numbers in the order of the result's own pane, then the others."""
    columns = [dict(flat(result.result)) if result else {} for result in found]
    order = {name: place for place, name in enumerate(LABELS)}
    yield from sorted(_section("result", columns, LABELS), key=lambda row: order.get(row.name, len(order)))


def _what(task: Task) -> dict[str, Any]:
    return {
        "status": str(task.status).lower(),
        "type": str(task.task_type),
        "structure": task.structure.name,
        "structure_id": task.structure.id,
        "formula": task.structure.formula,
        "atoms": task.structure.n_atoms,
        "model": task.model,
        "preset": str(task.preset),
        "error": f"{task.error.type}: {task.error.message}" if task.error else None,
    }


def _run(task: Task, result: TaskResult | None) -> dict[str, Any]:
    return {"worker": task.worker_id, "attempts": task.attempt, **(result.metrics if result else {})}


def _made_by(provenance: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in flat(provenance) if name.split(".")[0] not in _NEVER}


def as_csv(shown: Sequence[Row], tasks: Sequence[Task]) -> str:
    """The rows with all digits, then how far each task is from the first."""
    others = range(1, len(tasks))
    head = ["section", "name", *(f"task {task.id}" for task in tasks)]
    head += [f"{what} of task {tasks[index].id}" for index in others for what in ("difference", "percent")]
    return csv_text([head, *([row.section, row.name, *row.values, *_differences(row, others)] for row in shown)])


def _differences(row: Row, others: Sequence[int]) -> Iterator[float | None]:
    first = row.values[0]
    for index in others:
        value = row.values[index]
        both = figures.is_number(first) and figures.is_number(value)
        yield value - first if both else None
        yield 100 * (value - first) / abs(first) if both and first else None
