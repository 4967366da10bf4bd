"""The report as one HTML file: tables, plots and curves, without scripts and without anything from elsewhere."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from mofsim.benchmark.curves import ReadResult, versions
from mofsim.benchmark.report import plots, scatter, score_tables, source_tables, task_tables
from mofsim.benchmark.report.markup import Markup, element, joined, link
from mofsim.benchmark.report.method import METHOD
from mofsim.benchmark.report.structures import structure_sections
from mofsim.benchmark.report.style import STYLE
from mofsim.benchmark.report.table import TITLES, VALUES, Cell, Heading, Table
from mofsim.schemas.scores import Column, RunComparison, Scores
from mofsim.vocabulary import TaskType, Verdict

#: logs that a page holds the end of
MOST_LOGS = 200


@dataclass(frozen=True)
class Sources:
    """What a report is enriched with, where it can be had."""

    result: ReadResult = lambda task_id: None
    #: the last lines of a task's log, none where they are gone
    log: Callable[[int], Sequence[str]] = lambda task_id: ()


def as_html(scores: Scores, sources: Sources | None = None, comparison: RunComparison | None = None) -> str:
    """The whole document. `comparison` adds what differs from an earlier run."""
    sources = sources or Sources()
    logs = _logs(scores, sources.log)
    sections = [
        ("summary", "Summary", _summary(scores)),
        *((task_type, TITLES[task_type], _of_type(scores, task_type)) for task_type in score_tables.task_types(scores)),
        ("failures", "Failures and exclusions", [table(task_tables.remarks(scores, logs)), *_log_ends(scores, logs)]),
        *([("changes", "What differs from the earlier run", _comparison(comparison))] if comparison else []),
        ("structures", "Structures", structure_sections(scores, sources.result, table, warning)),
        ("references", "References", [table(source_tables.references(scores))]),
        ("provenance", "Provenance", [table(source_tables.provenance(scores, _versions(scores, sources.result)))]),
        ("method", "How the scores are made", [element("p", text) for text in METHOD]),
    ]
    body = element(
        "body",
        _head(scores),
        element("nav", *(link(title, f"#{id}") for id, title, _ in sections)),
        *(element("section", element("h2", title), *parts, id=id) for id, title, parts in sections),
    )
    head = element(
        "head",
        Markup('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        element("title", scores.title),
        element("style", Markup(STYLE)),
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def _head(scores: Scores) -> Markup:
    made = f"{scores.made_at:%Y-%m-%d %H:%M} UTC, " if scores.made_at else ""
    n = len({each.structure for each in scores.outcomes})
    what = f"{made}{n} structures, {len(scores.columns)} columns, {len(scores.outcomes)} tasks, mofsim {scores.mofsim}"
    return element(
        "header",
        element("h1", scores.title),
        element("p", what, class_="muted"),
        *(element("p", note, class_="note") for note in scores.notes),
    )


def _summary(scores: Scores) -> list[Markup]:
    ranks = [table(score_tables.rankings(scores))] if scores.rankings else []
    return [table(score_tables.summary(scores)), *warning(scores.columns), *ranks]


def _of_type(scores: Scores, task_type: TaskType) -> list[Markup]:
    parts = [table(score_tables.score_grid(scores, task_type)), *warning(score_tables.columns_of(scores, task_type))]
    if task_type is TaskType.STABILITY:
        if (found := task_tables.coordination(scores)).rows:
            parts += [element("h3", "Coordination numbers of the metals"), table(found)]
        return parts
    return [*parts, *_compared(scores, task_type), *_by_metal(scores, task_type)]


def _compared(scores: Scores, task_type: TaskType) -> list[Markup]:
    """A picture for each column that answered."""
    own = {
        series: [
            each
            for each in scores.outcomes
            if (each.column, each.task_type, each.verdict) == (column.id, task_type, Verdict.ANSWERED)
        ]
        for series, column in series_of(scores)
    }
    is_volume = task_type is TaskType.OPTIMIZATION
    pictures = scatter.volume_errors(own) if is_volume else scatter.answers(own, *VALUES[task_type])
    figures = []
    for series, picture in pictures.items():
        hollow = ". Hollow: excluded" if any(each.excluded for each in own[series]) else ""
        figures.append(element("figure", picture, element("figcaption", scores.columns[series].label + hollow)))
    if not figures:
        return []
    title = "Errors over references" if is_volume else "Answers over references"
    return [element("h3", title), element("div", *figures, class_="figures")]


def _by_metal(scores: Scores, task_type: TaskType) -> list[Markup]:
    errors = [each for each in scores.by_metal if each.task_type is task_type]
    series = {column.id: number for number, column in series_of(scores)}
    quantity = VALUES[task_type][0]
    picture = plots.by_metal(errors, series, f"Mean absolute error of the {quantity[0].lower()}{quantity[1:]}")
    if picture is None:
        return []
    there = {each.column for each in errors}
    keys = [plots.key(number, column.label) for number, column in series_of(scores) if column.id in there]
    note = element("p", "A structure with two metals counts for both.", class_="muted")
    figure = element("figure", element("div", *keys, class_="keys"), picture)
    return [element("h3", "Errors by metal"), figure, note]


def series_of(scores: Scores) -> list[tuple[int, Column]]:
    """Each column has the same colour and shape in every plot."""
    return list(enumerate(scores.columns))


def _logs(scores: Scores, read: Callable[[int], Sequence[str]]) -> dict[int, Sequence[str]]:
    """Of tasks that gave no answer; a benchmark that is all failures is not one long log."""
    wrong = [each.task_id for each in scores.outcomes if each.verdict in (Verdict.FAILED, Verdict.NOT_COUNTED)]
    return {task_id: lines for task_id in wrong[:MOST_LOGS] if (lines := read(task_id))}


def _log_ends(scores: Scores, logs: Mapping[int, Sequence[str]]) -> list[Markup]:
    """Folded; a link to the lines unfolds them."""
    told = [
        element(
            "details",
            element("summary", f"task {each.task_id}: {each.task_type} of {task_tables.named(each)}"),
            element("pre", "\n".join(logs[each.task_id]), id=task_tables.log_id(each.task_id)),
        )
        for each in scores.outcomes
        if each.task_id in logs
    ]
    return [element("h3", "How their logs end"), *told] if told else []


def _comparison(found: RunComparison) -> list[Markup]:
    n = element("p", f"{found.n_compared} tasks are in both runs.")
    shown = [part for title, each in source_tables.comparison(found) for part in (element("h3", title), table(each))]
    return [n, *shown]


def _versions(scores: Scores, read: ReadResult) -> dict[str, dict[str, str]]:
    """Of the first task of each column that can tell; it reads one result for each."""
    found: dict[str, dict[str, str]] = {}
    for each in scores.outcomes:
        if each.column not in found and each.verdict is Verdict.ANSWERED:
            told = versions(read(each.task_id))
            if told:
                found[each.column] = told
    return found


def table(found: Table) -> Markup:
    """A wide one can be scrolled."""
    if not found.rows:
        return element("p", found.empty or "none", class_="muted")
    head = element("thead", element("tr", *map(_heading, found.headings)))
    body = element("tbody", *(_row(row, found.headings) for row in found.rows))
    return element("div", element("table", head, body), class_="scroll")


def warning(columns: Iterable[Column]) -> list[Markup]:
    """What must be said below numbers of preset quick."""
    words = score_tables.for_a_first_look(columns)
    return [element("p", words, class_="note")] if words else []


def _heading(heading: Heading) -> Markup:
    under = [element("span", heading.under, class_="under")] if heading.under else []
    return element("th", _words(heading.text), *under, class_="number" if heading.is_number else None, scope="col")


def _words(text: str) -> Markup:
    """The long name of a column breaks only where it is put together."""
    *parts, last = text.split(" · ")
    if not parts:
        return joined([last])
    together = [f"{part} ·" for part in parts]
    return joined([element("span", part, class_="part") for part in [*together, last]], " ")


def _row(row: Sequence[Cell], headings: Sequence[Heading]) -> Markup:
    return element("tr", *(_cell(cell, heading) for cell, heading in zip(row, headings, strict=True)))


def _cell(cell: Cell, heading: Heading) -> Markup:
    kinds = [
        *(("number", heading.is_number), ("long", len(cell.text) > 60), ("bad", cell.is_bad)),
        *(("label", " · " in cell.text), ("whole", cell.is_whole)),
    ]
    text = link(cell.text, cell.address) if cell.address else _words(cell.text)
    under = (element("span", words, class_="under") for words in cell.under if words)
    return element("td", text, *under, class_=" ".join(kind for kind, is_so in kinds if is_so) or None)
