"""Tables of where numbers come from: references, provenance, and what an earlier run had otherwise."""

from collections.abc import Sequence

from mofsim.benchmark.report.numbers import UNKNOWN, number
from mofsim.benchmark.report.table import Cell, Table, texts
from mofsim.schemas.scores import Change, RunComparison, Scores


def references(scores: Scores) -> Table:
    rows = [
        [
            *(Cell(each.structure), Cell(each.quantity), Cell(each.guest or ""), Cell(f"{each.value:.6g}")),
            *(Cell(str(each.n_atoms or "")), Cell(each.source), Cell(each.note or "")),
        ]
        for each in scores.references
    ]
    heads = texts("Structure", "Quantity", "Guest", "#Value", "#Atoms", "Source", "Note")
    return Table(heads, rows, "there are no reference values")


def provenance(scores: Scores, versions: dict[str, dict[str, str]]) -> Table:
    """What made each column; `versions` are those of packages, by the id of the column."""
    rows = []
    for column in scores.columns:
        packages = ", ".join(f"{name} {version}" for name, version in versions.get(column.id, {}).items())
        settings = column.d3_settings or {}
        rows.append(
            [
                *(Cell(column.label), Cell(column.model_sha256 or UNKNOWN), Cell(column.dtype or UNKNOWN)),
                Cell(", ".join(f"{name} {value}" for name, value in settings.items()) or ("none" if column.d3 is False
                     else UNKNOWN)),
                *(Cell(", ".join(column.devices) or UNKNOWN), Cell(", ".join(column.mofsim) or UNKNOWN)),
                *(Cell(str(column.n_tasks)), Cell(packages or UNKNOWN)),
            ]
        )  # fmt: skip
    heads = texts("Model", "Weights, SHA-256", "Precision", "D3", "Devices", "mofsim", "#Tasks", "Packages")
    return Table(heads, rows)


def comparison(found: RunComparison) -> list[tuple[str, Table]]:
    """What is not the same in two runs of a model: how it was computed, the scores, and single results."""
    title = f"{found.before} → {found.after}"
    tables = [
        (f"Computed otherwise · {title}", _changes(found.settings, "everything was computed the same way")),
        (f"Scores that changed · {title}", _changes(found.scores, "no score changed")),
        (f"Results that changed · {title}", _changes(found.results, "no result changed")),
    ]
    for when, only in (("before", found.only_before), ("after", found.only_after)):
        if only:
            rows = [[Cell(name)] for name in only]
            tables.append((f"Only {when} · {title}", Table(texts("Task"), rows)))
    return tables


def _changes(changes: Sequence[Change], empty: str) -> Table:
    rows = [
        [
            *(Cell(each.column), Cell(each.structure), Cell(each.task_type), Cell(each.name)),
            *(Cell(_said(each.before)), Cell(_said(each.after))),
        ]
        for each in changes
    ]
    return Table(texts("Model", "Structure", "Task type", "What", "#Before", "#After"), rows, empty)


def _said(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: UNKNOWN}[value]
    return number(value) if isinstance(value, float) else str(value)
