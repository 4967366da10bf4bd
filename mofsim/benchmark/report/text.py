"""A report as plain text. `sections` is for those who have a helper for tables of their own."""

from collections.abc import Iterator

from mofsim.benchmark.report import tables
from mofsim.benchmark.report.tables import Table
from mofsim.schemas.scores import RunComparison, Scores


def sections(scores: Scores) -> Iterator[tuple[str, Table]]:
    """Titles and tables, the most important last: there a reader of a terminal begins."""
    for task_type in tables.task_types(scores):
        for column in tables.columns_of(scores, task_type):
            yield f"{tables.TITLES[task_type]} · {column.label}", tables.score_lines(scores, task_type, column)
    yield "Failures and exclusions", tables.remarks(scores, lambda task_id: None)
    for found in scores.rankings:
        yield tables.ranking_title(found), tables.ranking(scores, found)
    yield "Tasks that did not simply answer", tables.counts(scores)
    yield "Summary", tables.summary(scores)


def as_text(scores: Scores, comparison: RunComparison | None = None) -> str:
    parts = [scores.title, *(f"{title}\n{aligned(table)}" for title, table in sections(scores))]
    if comparison:
        parts += [f"{title}\n{aligned(table)}" for title, table in tables.comparison(comparison)]
    return "\n\n".join([*parts, *scores.notes]) + "\n"


def aligned(table: Table) -> str:
    """Columns side by side; headings in capitals, numbers to the right."""
    if not table.rows:
        return table.empty
    lines = [[heading.text.upper() for heading in table.headings], *([cell.text for cell in row] for row in table.rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(table.headings))]
    return "\n".join(
        "  ".join(
            text.rjust(width) if heading.is_number else text.ljust(width)
            for text, width, heading in zip(line, widths, table.headings, strict=True)
        ).rstrip()
        for line in lines
    )
