"""The columns of the list of benchmarks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mofsim.tui import format
from mofsim.tui.looks import ACTIVE, BAD, DIM, GOOD, PLAIN, Glyphs
from mofsim.tui.widgets.table import Cell, Column
from mofsim.vocabulary import OPEN_CELLS, CellState

if TYPE_CHECKING:
    from mofsim.schemas.benchmarks import Benchmark

#: Cells of the bar that shows how far it is.
BAR = 10


def benchmark_columns(glyphs: Glyphs) -> list[Column[Benchmark]]:
    """What is dropped first where room is short: STARTED, PRESET, SET, STRUCT, CELLS, LEFT, FAILED."""
    return [
        Column("ID", 5, lambda row, _: (str(row.id), PLAIN), right=True),
        Column("NAME", 22, lambda row, width: (format.shorten(row.name, width, glyphs), PLAIN), flex=2, most=40),
        Column("SET", 9, lambda row, width: (format.shorten(row.set, width, glyphs), PLAIN), drop=5),
        Column("PRESET", 11, lambda row, _: (str(row.preset), PLAIN), drop=6),
        Column("MODELS", 10, lambda row, width: (format.shorten(" ".join(row.models), width, glyphs), PLAIN), flex=3,
               most=60, drop=1),
        Column("STRUCT", 6, lambda row, _: (format.grouped(row.n_structures), PLAIN), right=True, drop=4),
        Column("CELLS", 6, lambda row, _: (format.grouped(row.n_cells), PLAIN), right=True, drop=3),
        Column("DONE", BAR + 6, lambda row, _: _done(row, glyphs)),
        Column("FAILED", 8, lambda row, _: _failed(row, glyphs), drop=1),
        Column("LEFT", 9, lambda row, _: _left(row, glyphs), right=True, drop=2),
        Column("STARTED", 16, lambda row, _: (f"{row.created_at.astimezone():%Y-%m-%d %H:%M}", DIM), drop=7),
    ]  # fmt: skip


def _done(row: Benchmark, glyphs: Glyphs) -> Cell:
    if row.percent is None:
        return glyphs.none, DIM
    runs = any(row.counts.get(state) for state in OPEN_CELLS)
    return f"{format.bar(row.percent / 100, BAR, glyphs)} {row.percent:3.0f} %", ACTIVE if runs else GOOD


def _failed(row: Benchmark, glyphs: Glyphs) -> Cell:
    n = row.counts.get(CellState.FAILED, 0) + row.counts.get(CellState.LOST, 0)
    return (f"{glyphs.failed} {format.grouped(n)}", BAD) if n else (glyphs.none, DIM)


def _left(row: Benchmark, glyphs: Glyphs) -> Cell:
    if not any(row.counts.get(state) for state in OPEN_CELLS):
        return "ended", DIM
    return (format.rough(row.eta_seconds), PLAIN) if row.eta_seconds is not None else (glyphs.none, DIM)
