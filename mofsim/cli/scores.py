"""Scores of a benchmark on a terminal: what must be known first, then tables, the summary last."""

from mofsim.benchmark.report import source_tables, text
from mofsim.benchmark.report.table import Table
from mofsim.cli.output import Column, Output
from mofsim.schemas.scores import RunComparison, Scores


def say(out: Output, scores: Scores, comparison: RunComparison | None = None) -> None:
    """The notes are messages: a program that reads the tables is not given them."""
    for note in scores.notes:
        out.note(note)
    shown = [*text.sections(scores), *(source_tables.comparison(comparison) if comparison else [])]
    for title, table in shown:
        out.line()
        out.line(title)
        _table(out, table)


def _table(out: Output, table: Table) -> None:
    columns = [Column(heading.text.upper(), heading.is_number) for heading in table.headings]
    out.table(columns, [[text.in_a_line(cell) for cell in row] for row in table.rows], table.empty)
