"""A benchmark for programs: one JSON document from which everything can be computed again, and tables as CSV."""

import csv
import io
from collections.abc import Iterable
from typing import Any

from mofsim.schemas.scores import Scores

#: A program that calculates takes a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")

_SCORE = (
    *("model", "preset", "dtype", "d3", "task_type", "metric", "unit", "statistic", "device", "value", "low", "high"),
    *("n", "baseline", "baseline_n", "failures", "unconverged", "excluded", "not_counted", "pending"),
    "without_reference",
)
_OUTCOME = (
    *("model", "preset", "dtype", "d3", "task_type", "structure", "guest", "task_id", "formula", "n_atoms", "status"),
    *("verdict", "reason", "converged", "value", "reference", "error", "error_percent", "baseline", "excluded"),
    *("reference_source", "reference_missing", "cells", "device", "atom_steps_per_second"),
)


def as_json(scores: Scores) -> str:
    """Scores, outcomes, references, and the rows that all of it came from."""
    return scores.model_dump_json(indent=1)


def scores_csv(scores: Scores) -> str:
    """A line for each score."""
    return _lines(scores, _SCORE, (each.model_dump(mode="json") for each in scores.scores))


def outcomes_csv(scores: Scores) -> str:
    """A line for each task that is scored."""
    return _lines(scores, _OUTCOME, (each.model_dump(mode="json") for each in scores.outcomes))


def _lines(scores: Scores, names: tuple[str, ...], found: Iterable[dict[str, Any]]) -> str:
    columns = {column.id: column.model_dump(mode="json") for column in scores.columns}
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\r\n")
    writer.writerow(("column", *names))
    for each in found:
        column = columns[each["column"]]
        writer.writerow([_cell(column["label"]), *(_cell(each.get(name, column.get(name))) for name in names)])
    return lines.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return str(value).lower() if isinstance(value, bool) else value
