"""What a report says as tables, before anybody decides how a table looks: terminal, HTML and CSV share them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from mofsim.benchmark.metrics import METRICS, VOLUME_LIMIT_PERCENT
from mofsim.benchmark.report.numbers import UNKNOWN, number, with_unit
from mofsim.benchmark.scoring import main_score
from mofsim.schemas.scores import Change, Column, Outcome, Place, RunComparison, Score, Scores
from mofsim.vocabulary import Preset, TaskType, Verdict

LogLink = Callable[[int], str | None]

#: what the values of a task type are, and their unit
VALUES = {
    TaskType.OPTIMIZATION: ("Volume", "Å³"),
    TaskType.STABILITY: ("Drift of the volume", "%"),
    TaskType.BULK_MODULUS: ("Bulk modulus", "GPa"),
    TaskType.HEAT_CAPACITY: ("Heat capacity at 300 K", "J/(g K)"),
    TaskType.INTERACTION_ENERGY: ("Interaction energy", "eV"),
}
TITLES = {
    TaskType.OPTIMIZATION: "Optimization",
    TaskType.STABILITY: "Stability",
    TaskType.BULK_MODULUS: "Bulk modulus",
    TaskType.HEAT_CAPACITY: "Heat capacity",
    TaskType.INTERACTION_ENERGY: "Interaction energy",
}


@dataclass(frozen=True)
class Cell:
    text: str
    #: smaller, below it
    under: tuple[str, ...] = ()
    address: str | None = None
    is_bad: bool = False


@dataclass(frozen=True)
class Heading:
    text: str
    is_number: bool = False
    #: smaller, below it
    under: str = ""


@dataclass(frozen=True)
class Table:
    headings: tuple[Heading, ...]
    rows: list[list[Cell]] = field(default_factory=list)
    #: said where there is no row
    empty: str = ""


def texts(*words: str) -> tuple[Heading, ...]:
    """Headings; one that begins with # is that of numbers."""
    return tuple(Heading(word.removeprefix("#"), word.startswith("#")) for word in words)


def task_types(scores: Scores) -> list[TaskType]:
    """Those that were scored, in the order of a report."""
    there = {score.task_type for score in scores.scores}
    return [task_type for task_type in METRICS if task_type in there]


def columns_of(scores: Scores, task_type: TaskType) -> list[Column]:
    there = {score.column for score in scores.scores if score.task_type is task_type}
    return [column for column in scores.columns if column.id in there]


def summary(scores: Scores) -> Table:
    """A row for each column, and the one number of each task type with its place among the others."""
    types = task_types(scores)
    heads = [Heading(TITLES[each], True, _main_title(scores, each)) for each in types]
    rows = [[Cell(column.label), *(_main(scores, column, each) for each in types)] for column in scores.columns]
    return Table((Heading("Model"), *heads), rows, "nothing was scored")


def _main_title(scores: Scores, task_type: TaskType) -> str:
    return next(score.title for column in scores.columns if (score := main_score(scores, column, task_type)))


def _main(scores: Scores, column: Column, task_type: TaskType) -> Cell:
    score = main_score(scores, column, task_type)
    if score is None:
        return Cell(UNKNOWN)
    under = [f"n {score.n}", *_failed(score)]
    if not score.n and score.without_reference:
        under = ["no reference", *_failed(score)]
    if score.baseline is not None:
        under.append(f"without a model {with_unit(score.baseline, score.unit)}")
    place = _place(scores, column, task_type)
    return Cell(with_unit(score.value, score.unit), (", ".join(under[:2]), *under[2:], *([place] if place else [])))


def _failed(score: Score) -> list[str]:
    return [f"{score.failures} failed"] if score.failures else []


def _place(scores: Scores, column: Column, task_type: TaskType) -> str | None:
    for ranking in scores.rankings:
        if ranking.task_type is task_type and ranking.device is None:
            for place in ranking.places:
                if place.column == column.id:
                    return f"rank {place.rank:g} of {len(ranking.places)}"
    return None


def score_lines(scores: Scores, task_type: TaskType, column: Column) -> Table:
    """A line for each score: for terminals, which have room below rather than aside."""
    heads = texts("Score", "#Value", f"#{scores.confidence_percent:g} % interval", "#n", "#Without a model")
    own = [each for each in scores.scores if (each.task_type, each.column) == (task_type, column.id)]
    return Table(heads, [_score_line(each) for each in own], "nothing was scored")


def _score_line(score: Score) -> list[Cell]:
    title = f"{score.title} on {score.device}" if score.device else score.title
    numbers = (with_unit(score.value, score.unit), interval(score), str(score.n), with_unit(score.baseline, score.unit))
    return [Cell(title), *map(Cell, numbers)]


def counts(scores: Scores) -> Table:
    """How many tasks of each column and type did not simply answer."""
    rows = []
    for task_type in task_types(scores):
        for column in columns_of(scores, task_type):
            own = _counted(scores, task_type, column)
            rows.append([Cell(task_type), Cell(column.label), *(Cell(str(count(own))) for _, count in _COUNTS)])
    short = ("#Failed", "#Not converged", "#Excluded", "#Not counted", "#Not ended", "#No reference")
    return Table(texts("Task type", "Model", *short), rows)


def _counted(scores: Scores, task_type: TaskType, column: Column) -> Score:
    """Any score of them: the counts are those of the column and task type."""
    own = ((score.task_type, score.column, score.device) for score in scores.scores)
    return scores.scores[list(own).index((task_type, column.id, None))]


def interval(score: Score) -> str:
    if score.low is None or score.high is None:
        return UNKNOWN
    return f"{number(score.low, score.unit)} to {number(score.high, score.unit)}"


def score_grid(scores: Scores, task_type: TaskType) -> Table:
    """A row for each score and a column for each model, each number with its interval, count and baseline."""
    columns = columns_of(scores, task_type)
    own = [score for score in scores.scores if score.task_type is task_type]
    kinds = list(dict.fromkeys((s.metric, s.title, s.unit, s.device) for s in own))
    found = {(s.metric, s.device, s.column): s for s in own}
    rows = []
    for metric, title, unit, device in kinds:
        name = Cell(title, (f"{unit}, median, on {device}" if device else unit,))
        rows.append([name, *(_grid_cell(found.get((metric, device, column.id))) for column in columns)])
    for title, count in _COUNTS:
        numbers = [count(_counted(scores, task_type, column)) for column in columns]
        if any(numbers):
            rows.append([Cell(title, ("tasks",)), *(Cell(str(n)) for n in numbers)])
    return Table((Heading("Score"), *(Heading(column.label, True) for column in columns)), rows)


_COUNTS: tuple[tuple[str, Callable[[Score], int]], ...] = (
    ("Failed by itself, which counts against the model", lambda score: score.failures),
    ("Not converged", lambda score: score.unconverged),
    ("Excluded from errors", lambda score: score.excluded),
    ("Not counted: worker, device, disk or a person", lambda score: score.not_counted),
    ("Not ended", lambda score: score.pending),
    ("No reference", lambda score: score.without_reference),
)


def _grid_cell(score: Score | None) -> Cell:
    if score is None or score.value is None:
        return Cell(UNKNOWN)
    under = [f"n {score.n}" if score.low is None else f"{interval(score)}, n {score.n}"]
    if score.baseline is not None:
        under.append(f"without a model {number(score.baseline, score.unit)}")
    return Cell(number(score.value, score.unit), tuple(under))


def rankings(scores: Scores) -> Table:
    """A row for each order, a column for each model that has a place in one."""
    ranked = {place.column for found in scores.rankings for place in found.places}
    columns = [column for column in scores.columns if column.id in ranked]
    rows = []
    for found in scores.rankings:
        places = {place.column: place for place in found.places}
        where = f" on {found.device}" if found.device else ""
        what = Cell(TITLES[found.task_type], (f"by {found.by}{where}", f"preset {found.preset}"))
        rows.append([what, Cell(str(found.n_structures)), *(_rank(places.get(column.id)) for column in columns)])
    heads = (Heading("Ranks"), Heading("n", True), *(Heading(column.label, True) for column in columns))
    return Table(heads, rows, "there is nothing to rank")


def _rank(place: Place | None) -> Cell:
    return Cell(UNKNOWN) if place is None else Cell(f"{place.rank:g}", (f"mean rank {place.mean_rank:.2f}",))


def remarks(scores: Scores, log: LogLink) -> Table:
    """Every task that did not simply answer: what failed, what does not count, what is excluded, and why."""
    labels = {column.id: column.label for column in scores.columns}
    rows = [
        [
            Cell(what, is_bad=what == "failed"),
            Cell(named(each)),
            Cell(each.task_type),
            Cell(labels[each.column]),
            Cell(why),
            Cell(f"task {each.task_id}", address=log(each.task_id)),
        ]
        for each in scores.outcomes
        for what, why in _remarks(each)
    ]
    heads = texts("What", "Structure", "Task type", "Model", "Why", "Log")
    return Table(heads, sorted(rows, key=lambda row: _ORDER.index(row[0].text)), "every task answered")


_ORDER = ("failed", "not counted", "not ended", "excluded", "not converged", "imaginary modes")


def _remarks(outcome: Outcome) -> Iterable[tuple[str, str]]:
    if outcome.verdict is not Verdict.ANSWERED:
        word = {Verdict.FAILED: "failed", Verdict.NOT_COUNTED: "not counted", Verdict.PENDING: "not ended"}
        yield word[outcome.verdict], outcome.reason or UNKNOWN
        return
    if outcome.excluded:
        yield "excluded", outcome.excluded
    if outcome.converged is False:
        yield "not converged", "the limit of steps was reached first"
    modes = outcome.facts.get("imaginary_modes")
    if modes:
        yield "imaginary modes", f"{modes} at Γ: the structure is no minimum of this model"


def named(outcome: Outcome) -> str:
    return f"{outcome.structure} with {outcome.guest}" if outcome.guest else outcome.structure


def structure_table(scores: Scores, structure: str) -> Table:
    """What all models answered for one structure, beside the reference."""
    own = [each for each in scores.outcomes if each.structure == structure]
    columns = [column for column in scores.columns if any(each.column == column.id for each in own)]
    kinds = sorted({(each.task_type, each.guest or "") for each in own}, key=lambda kind: (_type_order(kind[0]), kind))
    found = {(each.task_type, each.guest or "", each.column): each for each in own}
    rows = []
    for task_type, guest in kinds:
        answers = [found.get((task_type, guest, column.id)) for column in columns]
        rows.append([_quantity(task_type, guest), _reference(answers), *map(_answer, answers)])
    heads = (Heading("Quantity"), Heading("Reference", True), *(Heading(column.label, True) for column in columns))
    return Table(heads, rows)


def _type_order(task_type: TaskType) -> int:
    return list(METRICS).index(task_type)


def _quantity(task_type: TaskType, guest: str) -> Cell:
    title, unit = VALUES[task_type]
    return Cell(title, (unit, *([f"guest {guest}"] if guest else [])))


def _reference(answers: Sequence[Outcome | None]) -> Cell:
    known = [each for each in answers if each is not None]
    task_type = known[0].task_type
    if task_type is TaskType.STABILITY:
        return Cell(f"±{VOLUME_LIMIT_PERCENT:g}", ("what counts as stable",))
    _, unit = VALUES[task_type]
    for each in known:
        if each.reference is not None:
            cells = [each.cells] if each.cells and task_type is TaskType.OPTIMIZATION else []
            return Cell(number(each.reference, unit), tuple(cells))
    return Cell(UNKNOWN, (known[0].reference_missing or "",))


def _answer(outcome: Outcome | None) -> Cell:
    if outcome is None:
        return Cell(UNKNOWN)
    _, unit = VALUES[outcome.task_type]
    if outcome.value is None:
        return Cell(outcome.verdict, (outcome.reason or "",), is_bad=outcome.verdict is Verdict.FAILED)
    under = []
    if outcome.error_percent is not None and outcome.error is not None:
        is_energy = outcome.task_type is TaskType.INTERACTION_ENERGY
        under.append(
            f"{signed(outcome.error, unit)} {unit}" if is_energy else f"{signed(outcome.error_percent, '%')} %"
        )
    if outcome.excluded:
        under.append("excluded")
    if outcome.converged is False:
        under.append("not converged")
    changed, metals = (outcome.facts.get(name) for name in ("metals_with_changed_coordination", "metals"))
    if changed is not None and metals:
        under.append(f"{changed} of {metals} metals changed their coordination")
    return Cell(number(outcome.value, unit), tuple(under), is_bad=bool(outcome.excluded) or outcome.converged is False)


def signed(value: float, unit: str) -> str:
    text = number(value, unit)
    return text if value < 0 or text == UNKNOWN else f"+{text}"


def coordination(scores: Scores) -> Table:
    """Of each metal in all structures of a column: how many sites there are, and their mean coordination numbers."""
    rows = []
    for metal in sorted({metal for each in scores.outcomes for metal in each.facts.get("coordination_by_metal") or ()}):
        for column in scores.columns:
            own = [
                found
                for each in scores.outcomes
                if each.column == column.id and (found := (each.facts.get("coordination_by_metal") or {}).get(metal))
            ]
            if own:
                rows.append(_coordination(metal, column.label, own))
    return Table(texts("Metal", "Model", "#Structures", "#Sites", "#Changed", "#Mean before", "#Mean after"), rows)


def _coordination(metal: str, label: str, found: Sequence[dict[str, Any]]) -> list[Cell]:
    sites, changed = (sum(each[name] for each in found) for name in ("sites", "changed"))
    before, after = (sum(each[when] * each["sites"] for each in found) / sites for when in ("before", "after"))
    counted = (Cell(str(len(found))), Cell(str(sites)), Cell(str(changed), is_bad=bool(changed)))
    return [Cell(metal), Cell(label), *counted, Cell(f"{before:.2f}"), Cell(f"{after:.2f}")]


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


def for_a_first_look(columns: Iterable[Column]) -> str | None:
    """The words that a table with results of preset quick needs; None for one without."""
    quick = [column.label for column in columns if column.preset is Preset.QUICK]
    if not quick:
        return None
    return f"{', '.join(quick)}: preset quick has loose limits; not to be compared with published numbers or quoted."


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
