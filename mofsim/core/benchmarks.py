"""Benchmarks: started, extended by models, tried again where nothing was said of a model, cancelled, forgotten.

All of it is rows: whatever is killed, what was accepted is computed, and asking again adds what is missing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from mofsim.core import benchmark_cells, models, steering
from mofsim.core.benchmark_cells import state_of
from mofsim.core.benchmark_definition import (
    Kind,
    definition_of,
    fingerprint,
    kinds_of,
    structure_ids,
    structures_of,
)
from mofsim.core.errors import Conflict, Invalid, NotFound
from mofsim.core.reuse import Reuse
from mofsim.core.submission import Defaults
from mofsim.db.tables import Benchmark, BenchmarkCell, Structure, Task, utcnow
from mofsim.schemas.benchmarks import MAX_CELLS, BenchmarkOptions, BenchmarkSubmit, OwnReference
from mofsim.vocabulary import FINAL, CellState, Preset, TaskStatus


@dataclass(frozen=True)
class Changed:
    """What a change did; `tasks` are those that wait now, for whoever wakes the workers."""

    benchmark: Benchmark
    is_new: bool = False
    submitted: list[Task] = field(default_factory=list)
    retried: list[Task] = field(default_factory=list)
    cancelled: list[Task] = field(default_factory=list)
    #: models that can not be used any more, so that nothing of theirs was tried again
    left_out: list[str] = field(default_factory=list)

    @property
    def tasks(self) -> list[Task]:
        return [*self.submitted, *self.retried]


@dataclass(frozen=True)
class Wanted:
    """What was asked for, checked; `benchmark` is the one that there is of it."""

    name: str
    preset: Preset
    kinds: list[Kind]
    structures: list[Structure]
    fingerprint: str
    benchmark: Benchmark | None


def find(session: Session, benchmark_id: int) -> Benchmark:
    benchmark = session.get(Benchmark, benchmark_id)
    if benchmark is None:
        raise NotFound(
            f"there is no benchmark {benchmark_id}; `mofsim benchmarks list` shows those there are", field="id"
        )
    return benchmark


def wanted(session: Session, body: BenchmarkSubmit) -> Wanted:
    """Raises Invalid for what can not be computed, whatever the model."""
    kinds = kinds_of(definition_of(body), body.preset)
    ids = structure_ids(session, body.set)
    name = body.name.strip() or f"{body.set}, {body.preset}"
    n_cells = len(dict.fromkeys(body.models)) * len(kinds) * len(ids)
    if n_cells > MAX_CELLS:
        raise Invalid(
            f"makes {n_cells} tasks; {MAX_CELLS} are taken at a time, so begin with fewer models", field="models"
        )
    structures = [session.get_one(Structure, id) for id in ids]
    made_of = fingerprint(name, body.preset, kinds, ids)
    there = session.scalar(select(Benchmark).where(Benchmark.fingerprint == made_of))
    return Wanted(name, body.preset, kinds, structures, made_of, there)


def start(
    session: Session, body: BenchmarkSubmit, defaults: Defaults, root: Path, reuse: Reuse | None = None
) -> Changed:
    """Begin it, or add to the one that there is what it lacks. `root` is the data folder.

    Raises Invalid for what can not run, and Conflict for a model whose weights are not those of its results.
    """
    asked = wanted(session, body)
    benchmark, is_new = asked.benchmark, asked.benchmark is None
    if benchmark is None:
        benchmark = Benchmark(
            name=asked.name,
            set_name=body.set,
            preset=body.preset,
            definition=definition_of(body),
            fingerprint=asked.fingerprint,
            created_at=utcnow(),
            own_references={"items": []},
        )
        session.add(benchmark)
    benchmark.options = body.options.model_dump(mode="json")
    if body.own_references is not None:
        benchmark.own_references = {"items": [each.model_dump(mode="json") for each in body.own_references]}
    session.flush()
    submitted = benchmark_cells.fill(
        session, benchmark, body.models, asked.kinds, asked.structures, defaults, root, reuse
    )
    return Changed(benchmark, is_new, submitted)


def add_models(
    session: Session,
    benchmark_id: int,
    names: Sequence[str],
    defaults: Defaults,
    root: Path,
    reuse: Reuse | None = None,
) -> Changed:
    """Compute the same with further models. Raises NotFound, and what `start` raises."""
    benchmark = find(session, benchmark_id)
    found = structures_of(session, benchmark)
    kinds = _kinds(benchmark, found)
    return Changed(
        benchmark, submitted=benchmark_cells.fill(session, benchmark, names, kinds, found, defaults, root, reuse)
    )


def retry(
    session: Session,
    benchmark_id: int,
    defaults: Defaults,
    root: Path,
    reuse: Reuse | None = None,
    *,
    failed: bool = False,
) -> Changed:
    """Try again what ended without saying anything of its model; with `failed`, what counts against it too.

    What was deleted is submitted anew, and so is what its model covers by now. Models that can not be used any more are
    left out. Raises NotFound, and Conflict for a model that has other weights by now.
    """
    benchmark = find(session, benchmark_id)
    again = {CellState.LOST, CellState.CANCELLED} | ({CellState.FAILED} if failed else set())
    tasks = [task for task in _tasks(session, benchmark_id, FINAL) if state_of(task.status, task.error_type) in again]
    empty = [cell for cell in benchmark_cells.of_benchmark(session, benchmark_id) if cell.task_id is None]
    gone = _unusable(session, {task.model_name for task in tasks} | {cell.model_name for cell in empty})
    tasks = [task for task in tasks if task.model_name not in gone]
    empty = [cell for cell in empty if cell.model_name not in gone]
    for name in sorted({task.model_name for task in tasks} | {cell.model_name for cell in empty}):
        benchmark_cells.check_weights(session, benchmark, models.usable(session, name), root)
    steering.retry_all(session, tasks)
    _apply(BenchmarkOptions(**benchmark.options), tasks)
    kinds = _kinds(benchmark, structures_of(session, benchmark)) if empty else []
    submitted = benchmark_cells.submit(session, benchmark, empty, kinds, defaults, reuse)
    if tasks or submitted:
        benchmark.resumed_at = utcnow()
    return Changed(benchmark, submitted=submitted, retried=tasks, left_out=sorted(gone))


def cancel(session: Session, benchmark_id: int) -> Changed:
    """All that has not ended: waiting tasks end at once, running ones are asked to. Raises NotFound."""
    benchmark = find(session, benchmark_id)
    tasks = _tasks(session, benchmark_id, set(TaskStatus) - FINAL)
    steering.cancel_all(session, tasks)
    return Changed(benchmark, cancelled=tasks)


def remove(session: Session, benchmark_id: int) -> None:
    """Forget it; its tasks and their results stay. Raises NotFound, or Conflict while tasks wait or run."""
    find(session, benchmark_id)
    if _tasks(session, benchmark_id, set(TaskStatus) - FINAL):
        raise Conflict(
            f"tasks of benchmark {benchmark_id} wait or run; cancel them first "
            f"(`mofsim benchmarks cancel {benchmark_id}`)"
        )
    session.execute(delete(BenchmarkCell).where(BenchmarkCell.benchmark_id == benchmark_id))
    session.execute(delete(Benchmark).where(Benchmark.id == benchmark_id))


def references_of(benchmark: Benchmark) -> list[OwnReference]:
    return [OwnReference.model_validate(each) for each in benchmark.own_references["items"]]


def _apply(options: BenchmarkOptions, tasks: Sequence[Task]) -> None:
    """What was asked for since they were submitted: they may have run into a time limit that is longer now."""
    for task in tasks:
        task.timeout_seconds = options.timeout_seconds or task.timeout_seconds
        task.max_attempts = options.max_attempts or task.max_attempts


def _unusable(session: Session, names: Iterable[str]) -> set[str]:
    found = set()
    for name in names:
        try:
            models.usable(session, name)
        except Invalid:
            found.add(name)
    return found


def _kinds(benchmark: Benchmark, structures: Sequence[Structure]) -> list[Kind]:
    """Raises Conflict where they are not what the benchmark was begun with."""
    preset = Preset(benchmark.preset)
    kinds = kinds_of(benchmark.definition, preset)
    if fingerprint(benchmark.name, preset, kinds, [each.id for each in structures]) != benchmark.fingerprint:
        raise Conflict(
            f"this version of mofsim has other parameters in preset {preset} than benchmark {benchmark.id} was begun "
            "with; begin it anew with this one, so that all models are computed alike",
            type="OtherProtocol",
        )
    return kinds


def _tasks(session: Session, benchmark_id: int, statuses: Iterable[TaskStatus]) -> list[Task]:
    own = select(BenchmarkCell.task_id).where(BenchmarkCell.benchmark_id == benchmark_id)
    query = select(Task).where(Task.id.in_(own), Task.status.in_(statuses)).order_by(Task.id)
    return list(session.scalars(query.with_for_update(of=Task)))
