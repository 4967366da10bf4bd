"""A report as plain text. `sections` is for those who have a helper for tables of their own."""

from collections.abc import Iterator

from mofsim.benchmark.report import score_tables, source_tables, task_tables
from mofsim.benchmark.report.table import TITLES, Cell, Table
from mofsim.schemas.scores import RunComparison, Scores


def sections(scores: Scores) -> Iterator[tuple[str, Table]]:
    """Titles and tables, the most important last: there a reader of a terminal begins."""
    for task_type in score_tables.task_types(scores):
        for column in score_tables.columns_of(scores, task_type):
            yield f"{TITLES[task_type]} · {column.label}", score_tables.score_lines(scores, task_type, column)
    yield "Failures and exclusions", task_tables.remarks(scores)
    yield "Ranks", score_tables.rankings(scores)
    yield "Tasks that did not simply answer", score_tables.counts(scores)
    yield "Summary", score_tables.summary(scores)


def as_text(scores: Scores, comparison: RunComparison | None = None) -> str:
    parts = [scores.title, *(f"{title}\n{aligned(table)}" for title, table in sections(scores))]
    if comparison:
        parts += [f"{title}\n{aligned(table)}" for title, table in source_tables.comparison(comparison)]
    return "\n\n".join([*parts, *scores.notes]) + "\n"


def aligned(table: Table) -> str:
    """Columns side by side; headings in capitals, numbers to the right."""
    if not table.rows:
        return table.empty
    heads = [heading.text.upper() for heading in table.headings]
    lines = [heads, *([in_a_line(cell) for cell in row] for row in table.rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(table.headings))]
    return "\n".join(
        "  ".join(
            text.rjust(width) if heading.is_number else text.ljust(width)
            for text, width, heading in zip(line, widths, table.headings, strict=True)
        ).rstrip()
        for line in lines
    )


def in_a_line(cell: Cell) -> str:
    """With what stands below it on a page, but for what is long."""
    under = ", ".join(words for words in cell.under if words)
    return f"{cell.text} ({under})" if under else cell.text
