"""Tables of scores and ranks."""

from collections.abc import Callable, Iterable

from mofsim.benchmark.metrics import METRICS
from mofsim.benchmark.report.numbers import UNKNOWN, number, with_unit
from mofsim.benchmark.report.table import TITLES, Cell, Heading, Table, texts
from mofsim.benchmark.scoring import main_score
from mofsim.schemas.scores import Column, Place, Score, Scores
from mofsim.vocabulary import Preset, TaskType


def task_types(scores: Scores) -> list[TaskType]:
    """Those that were scored, in the order of a report."""
    there = {score.task_type for score in scores.scores}
    return [task_type for task_type in METRICS if task_type in there]


def columns_of(scores: Scores, task_type: TaskType) -> list[Column]:
    there = {score.column for score in scores.scores if score.task_type is task_type}
    return [column for column in scores.columns if column.id in there]


def for_a_first_look(columns: Iterable[Column]) -> str | None:
    """The words that a table with results of preset quick needs; None for one without."""
    quick = [column.label for column in columns if column.preset is Preset.QUICK]
    if not quick:
        return None
    return f"{', '.join(quick)}: preset quick has loose limits; not to be compared with published numbers or quoted."


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
    n = "no reference" if not score.n and score.without_reference else f"n {score.n}"
    under = [", ".join([n, *_failed(score)])]
    if score.baseline is not None:
        under.append(f"without a model {with_unit(score.baseline, score.unit)}")
    place = _place(scores, column, task_type)
    return Cell(with_unit(score.value, score.unit), (*under, *([place] if place else [])))


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
