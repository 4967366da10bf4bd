"""How far benchmarks are: a cell for each model, structure and task type, and what they add up to."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mofsim.core.benchmark_cells import state_of
from mofsim.core.benchmark_definition import structures_of
from mofsim.core.benchmarks import find
from mofsim.core.queries import decode_cursor, encode_cursor
from mofsim.db.tables import Benchmark, BenchmarkCell, Task, utcnow
from mofsim.schemas.benchmarks import AskedType, BenchmarkDetail
from mofsim.schemas.benchmarks import Benchmark as BenchmarkWire
from mofsim.schemas.benchmarks import BenchmarkCell as CellWire
from mofsim.schemas.tasks import StructureBrief
from mofsim.vocabulary import ACTIVE, OPEN_CELLS, SCORED, CellState, Preset, TaskType

#: what a cursor of this list is made for
_SORT = "benchmarks"


@dataclass(frozen=True)
class BenchmarkPage:
    items: list[BenchmarkWire] = field(default_factory=list)
    next_cursor: str | None = None
    total: int | None = None


def page(session: Session, limit: int, cursor: str | None = None) -> BenchmarkPage:
    """Newest first, by keyset. Raises Invalid for a cursor that this list did not hand out."""
    query = select(Benchmark).order_by(Benchmark.id.desc()).limit(limit + 1)
    if cursor:
        query = query.where(Benchmark.id < decode_cursor(cursor, _SORT)[1])
    rows = list(session.scalars(query))
    last = rows[limit - 1] if len(rows) > limit else None
    next_cursor = encode_cursor(_SORT, last.id, last.id) if last else None
    total = session.scalar(select(func.count()).select_from(Benchmark))
    return BenchmarkPage([summary(session, row) for row in rows[:limit]], next_cursor, total)


def summary(session: Session, benchmark: Benchmark) -> BenchmarkWire:
    return _to_summary(benchmark, _Sums.of(session, benchmark))


def brief(session: Session, benchmark_id: int) -> BenchmarkWire:
    """Raises NotFound."""
    return summary(session, find(session, benchmark_id))


def describe(session: Session, benchmark_id: int) -> BenchmarkDetail:
    """With its matrix. Raises NotFound."""
    benchmark = find(session, benchmark_id)
    return BenchmarkDetail(
        **dict(summary(session, benchmark)),
        parameters=[AskedType.model_validate(each) for each in benchmark.definition["task_types"]],
        structures=[StructureBrief.model_validate(each) for each in structures_of(session, benchmark)],
        cells=cells_of(session, benchmark_id),
    )


def cells_of(session: Session, benchmark_id: int, structure_id: int | None = None) -> list[CellWire]:
    """All, or those of one structure."""
    query = _cells(benchmark_id)
    if structure_id is not None:
        query = query.where(BenchmarkCell.structure_id == structure_id)
    return _in_order(session.execute(query).all())


def _cells(benchmark_id: int) -> Any:
    """Every cell with what is needed of its task, which may have thousands of others beside it."""
    return (
        select(
            BenchmarkCell.model_name,
            BenchmarkCell.task_type,
            BenchmarkCell.guest,
            BenchmarkCell.structure_id,
            BenchmarkCell.task_id,
            BenchmarkCell.not_covered,
            Task.status,
            Task.error_type,
            Task.error_message,
            Task.progress,
            Task.reused_from,
        )
        .outerjoin(Task, Task.id == BenchmarkCell.task_id)
        .where(BenchmarkCell.benchmark_id == benchmark_id)
    )


def _state(row: Any) -> CellState:
    return state_of(row.status, row.error_type, is_not_covered=row.not_covered is not None)


def _in_order(rows: Iterable[Any]) -> list[CellWire]:
    types = {str(task_type): number for number, task_type in enumerate(SCORED)}
    ordered = sorted(rows, key=lambda row: (row.model_name, types[row.task_type], row.guest, row.structure_id))
    return [_to_wire(row) for row in ordered]


def _to_wire(row: Any) -> CellWire:
    state = _state(row)
    return CellWire(
        model=row.model_name,
        task_type=TaskType(row.task_type),
        guest=row.guest or None,
        structure_id=row.structure_id,
        state=state,
        task_id=row.task_id,
        percent=row.progress.get("percent") if state is CellState.RUNNING else None,
        reused_from=row.reused_from,
        reason=row.not_covered or _why(row) if state not in (*OPEN_CELLS, CellState.COMPLETED) else None,
    )


def _why(row: Any) -> str | None:
    if row.error_type is None:
        return None if row.status is None else str(row.status).lower()
    return f"{row.error_type}: {row.error_message}" if row.error_message else str(row.error_type)


@dataclass
class _Sums:
    """What is added up over the cells of a benchmark."""

    models: list[str] = field(default_factory=list)
    n_structures: int = 0
    counts: Counter[CellState] = field(default_factory=Counter)
    #: the parts that are done of tasks that run
    running: float = 0.0
    #: computed since the benchmark was last given something to compute: how many, and when the first began
    computed: int = 0
    since: datetime | None = None

    @classmethod
    def of(cls, session: Session, benchmark: Benchmark) -> "_Sums":
        """Added up by the database: a list of benchmarks may be one of 100 000 cells."""
        own = BenchmarkCell.benchmark_id == benchmark.id
        names = session.scalars(select(BenchmarkCell.model_name).where(own).distinct().order_by("model_name"))
        n_structures = session.scalar(select(func.count(BenchmarkCell.structure_id.distinct())).where(own))
        sums = cls(list(names), n_structures or 0)
        kinds = (Task.status, Task.error_type, BenchmarkCell.not_covered.is_not(None))
        joined = select(*kinds, func.count()).outerjoin(Task, Task.id == BenchmarkCell.task_id)
        for status, error_type, is_not_covered, n in session.execute(joined.where(own).group_by(*kinds)):
            sums.counts[state_of(status, error_type, is_not_covered=is_not_covered)] += n
        of_tasks = own, BenchmarkCell.task_id == Task.id
        for progress in session.scalars(select(Task.progress).where(*of_tasks, Task.status.in_(ACTIVE))):
            sums.running += (progress.get("percent") or 0.0) / 100
        fresh = (*of_tasks, Task.started_at >= benchmark.resumed_at, Task.reused_from.is_(None))
        begun = select(func.min(Task.started_at), func.count(Task.completed_at)).where(*fresh)
        sums.since, sums.computed = session.execute(begun).one()
        return sums

    @property
    def n_cells(self) -> int:
        return self.counts.total()

    @property
    def left(self) -> float:
        return sum(self.counts[state] for state in OPEN_CELLS) - self.running

    @property
    def percent(self) -> float | None:
        n = self.n_cells - self.counts[CellState.NOT_COVERED]
        return round(100 * (n - self.left) / n, 2) if n else None

    @property
    def eta_seconds(self) -> float | None:
        """As if the rest took as long as what was computed since; results that were reused tell no pace."""
        if self.since is None or not self.computed or not self.left:
            return None
        elapsed = (utcnow() - self.since).total_seconds()
        return round(elapsed * self.left / (self.computed + self.running), 1)


def _to_summary(benchmark: Benchmark, sums: _Sums) -> BenchmarkWire:
    asked = [TaskType(each["task_type"]) for each in benchmark.definition["task_types"]]
    is_bound = TaskType.INTERACTION_ENERGY in asked
    return BenchmarkWire(
        id=benchmark.id,
        name=benchmark.name,
        set=benchmark.set_name,
        preset=Preset(benchmark.preset),
        task_types=[task_type for task_type in SCORED if task_type in asked],
        guests=benchmark.definition["guests"] if is_bound else [],
        models=sums.models,
        n_structures=sums.n_structures,
        n_own_references=len(benchmark.own_references["items"]),
        n_cells=sums.n_cells,
        counts={state: sums.counts[state] for state in CellState},
        percent=sums.percent,
        eta_seconds=sums.eta_seconds,
        created_at=benchmark.created_at,
        resumed_at=benchmark.resumed_at,
    )
