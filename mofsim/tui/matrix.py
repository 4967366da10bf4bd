"""A benchmark as a matrix, and how far it is in words. Knows no widgets and no HTTP."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from rich.style import Style

from mofsim.tui import format
from mofsim.tui.looks import ACTIVE, BAD, DIM, GOOD, PLAIN, WARN, Glyphs
from mofsim.vocabulary import CellState, TaskType

if TYPE_CHECKING:
    from mofsim.schemas.benchmarks import Benchmark, BenchmarkCell, BenchmarkDetail
    from mofsim.schemas.tasks import StructureBrief

#: A cell's glyph where the terminal has Unicode, and where it has not.
CELL_GLYPHS: Final[Mapping[CellState, tuple[str, str]]] = {
    CellState.WAITING: ("◌", "."),
    CellState.RUNNING: ("●", "*"),
    CellState.COMPLETED: ("✓", "+"),
    CellState.FAILED: ("✗", "x"),
    CellState.LOST: ("▲", "!"),
    CellState.CANCELLED: ("⊘", "-"),
    CellState.DELETED: ("?", "?"),
    CellState.NOT_COVERED: ("·", "n"),
}
CELL_STYLES: Final[Mapping[CellState, Style]] = {
    CellState.WAITING: PLAIN,
    CellState.RUNNING: ACTIVE,
    CellState.COMPLETED: GOOD,
    CellState.FAILED: BAD,
    CellState.LOST: WARN,
    CellState.CANCELLED: DIM,
    CellState.DELETED: WARN,
    CellState.NOT_COVERED: DIM,
}
#: Above its column; an interaction energy is named after its guest.
SHORT: Final = {
    TaskType.OPTIMIZATION: "relax",
    TaskType.STABILITY: "stab",
    TaskType.BULK_MODULUS: "bulk",
    TaskType.HEAT_CAPACITY: "heat",
    TaskType.INTERACTION_ENERGY: "bind",
}


def cell_glyph(state: CellState, glyphs: Glyphs) -> str:
    return CELL_GLYPHS[state][0 if glyphs.braille else 1]


@dataclass(frozen=True)
class Kind:
    """A column of the matrix."""

    model: str
    task_type: TaskType
    guest: str | None

    @property
    def short(self) -> str:
        return self.guest or SHORT.get(self.task_type, str(self.task_type))

    @property
    def words(self) -> str:
        return f"{self.task_type}{f' of {self.guest}' if self.guest else ''}"


@dataclass(frozen=True)
class Matrix:
    """A row for each structure, a column for each model, task type and guest, those of a model side by side."""

    detail: BenchmarkDetail

    @cached_property
    def kinds(self) -> Sequence[Kind]:
        return list(dict.fromkeys(Kind(c.model, c.task_type, c.guest) for c in self.detail.cells))

    @property
    def structures(self) -> Sequence[StructureBrief]:
        return self.detail.structures

    @cached_property
    def _cells(self) -> Mapping[tuple[int, Kind], BenchmarkCell]:
        return {(c.structure_id, Kind(c.model, c.task_type, c.guest)): c for c in self.detail.cells}

    def at(self, row: int, column: int) -> BenchmarkCell | None:
        if not (0 <= row < len(self.structures) and 0 <= column < len(self.kinds)):
            return None
        return self._cells.get((self.structures[row].id, self.kinds[column]))

    def next(self, row: int, column: int, states: Collection[CellState]) -> tuple[int, int] | None:
        """The next cell in one of these states, column by column, and from the start again."""
        rows, n = len(self.structures), len(self.structures) * len(self.kinds)
        begin = column * rows + row
        for step in range(1, n + 1):
            place_column, place_row = divmod((begin + step) % n, rows)
            cell = self.at(place_row, place_column)
            if cell is not None and cell.state in states:
                return place_row, place_column
        return None


def counts(benchmark: Benchmark, glyphs: Glyphs) -> list[tuple[str, Style]]:
    """How many cells are in each state: glyph, number and word, which is the legend of the matrix too."""
    return [
        (f"{cell_glyph(state, glyphs)} {format.grouped(benchmark.counts[state])} {state}", CELL_STYLES[state])
        for state in CellState
        if benchmark.counts.get(state)
    ]


def left(benchmark: Benchmark) -> str:
    """`31 %, about 2 h 01 m left`; what is not known is left out."""
    percent = f"{benchmark.percent:.0f} %" if benchmark.percent is not None else "nothing to compute"
    if not any(benchmark.counts.get(state) for state in (CellState.WAITING, CellState.RUNNING)):
        return f"{percent}, ended" if benchmark.percent is not None else percent
    eta = benchmark.eta_seconds
    return f"{percent}, about {format.rough(eta)} left" if eta is not None else f"{percent}, time left not known yet"


def cell_lines(matrix: Matrix, row: int, column: int) -> list[str]:
    """What is known of the cell under the cursor."""
    cell = matrix.at(row, column)
    if cell is None:
        return []
    structure, kind = matrix.structures[row], matrix.kinds[column]
    percent = f", {cell.percent:.0f} %" if cell.percent is not None else ""
    reused = f", with the result of task {cell.reused_from}" if cell.reused_from is not None else ""
    lines = [
        f"{structure.name}, {kind.words}, {kind.model}: {cell.state}{percent}{reused}",
        f"{structure.formula}, {structure.n_atoms} atoms",
    ]
    if cell.task_id is not None:
        lines.append(f"task {cell.task_id}; enter opens it")
    if cell.reason:
        lines.append(cell.reason)
    return lines
