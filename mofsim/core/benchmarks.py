"""Benchmarks: started, extended by models, tried again where nothing was said of a model, cancelled, forgotten.

All of it is rows: whatever is killed, what was accepted is computed, and asking again adds what is missing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from mofsim.benchmark.failures import verdict_of
from mofsim.core import models, steering, submission
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
from mofsim.core.weights import weights_sha256
from mofsim.db.tables import Batch, Benchmark, BenchmarkCell, Model, Structure, Task, TaskResult, utcnow
from mofsim.schemas.benchmarks import MAX_CELLS, BenchmarkOptions, BenchmarkSubmit, OwnReference
from mofsim.schemas.submission import TaskSubmit, UploadedStructure
from mofsim.vocabulary import ACTIVE, FINAL, CellState, Preset, TaskStatus, TaskType, Verdict


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
    submitted = _fill(session, benchmark, body.models, asked.kinds, asked.structures, defaults, root, reuse)
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
    return Changed(benchmark, submitted=_fill(session, benchmark, names, kinds, found, defaults, root, reuse))


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
    empty = [cell for cell in _cells(session, benchmark_id) if cell.task_id is None]
    gone = _unusable(session, {task.model_name for task in tasks} | {cell.model_name for cell in empty})
    tasks = [task for task in tasks if task.model_name not in gone]
    empty = [cell for cell in empty if cell.model_name not in gone]
    for name in sorted({task.model_name for task in tasks} | {cell.model_name for cell in empty}):
        _check_weights(session, benchmark, models.usable(session, name), root)
    steering.retry_all(session, tasks)
    kinds = _kinds(benchmark, structures_of(session, benchmark)) if empty else []
    submitted = _submit(session, benchmark, empty, kinds, defaults, reuse)
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


def state_of(status: str | None, error_type: str | None, *, is_not_covered: bool = False) -> CellState:
    """Of a cell, by its task; `status` is None for a cell without one."""
    if status is None:
        return CellState.NOT_COVERED if is_not_covered else CellState.DELETED
    if status in FINAL:
        if status == TaskStatus.CANCELLED:
            return CellState.CANCELLED
        verdict = verdict_of(TaskStatus(status), error_type)
        found = {Verdict.ANSWERED: CellState.COMPLETED, Verdict.FAILED: CellState.FAILED}
        return found.get(verdict, CellState.LOST)
    return CellState.RUNNING if status in ACTIVE else CellState.WAITING


def why_not_covered(session: Session, model: Model, structure: Structure, kind: Kind) -> str | None:
    """The elements that the model does not know, in words; None where it knows all, or nobody knows what it knows."""
    known = model.config.get("elements") or model.facts.get("elements") or []
    if not known:
        return None
    in_structure = sorted(set(structure.elements) - set(known))
    in_guest = sorted(set(kind.guest_elements(session)) - set(known) - set(in_structure))
    parts = [", ".join(in_structure)] if in_structure else []
    parts += [f"{', '.join(in_guest)} of the guest"] if in_guest else []
    return f"{model.name} was not trained on {' and '.join(parts)}" if parts else None


def _unusable(session: Session, names: Iterable[str]) -> set[str]:
    found = set()
    for name in names:
        try:
            models.usable(session, name)
        except Invalid:
            found.add(name)
    return found


def there(session: Session, benchmark_id: int) -> set[tuple[str, str, str, int]]:
    """Model, task type, guest and structure of the cells that a benchmark has."""
    return {(cell.model_name, cell.task_type, cell.guest, cell.structure_id) for cell in _cells(session, benchmark_id)}


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


def _cells(session: Session, benchmark_id: int) -> list[BenchmarkCell]:
    return list(session.scalars(select(BenchmarkCell).where(BenchmarkCell.benchmark_id == benchmark_id)))


def _tasks(session: Session, benchmark_id: int, statuses: Iterable[TaskStatus]) -> list[Task]:
    own = select(BenchmarkCell.task_id).where(BenchmarkCell.benchmark_id == benchmark_id)
    query = select(Task).where(Task.id.in_(own), Task.status.in_(statuses)).order_by(Task.id)
    return list(session.scalars(query.with_for_update(of=Task)))


def _fill(
    session: Session,
    benchmark: Benchmark,
    names: Sequence[str],
    kinds: Sequence[Kind],
    structures: Sequence[Structure],
    defaults: Defaults,
    root: Path,
    reuse: Reuse | None,
) -> list[Task]:
    """Add the cells of these models that it lacks, and submit what they have to compute."""
    known = there(session, benchmark.id)
    added: list[BenchmarkCell] = []
    for index, name in enumerate(names):
        try:
            model = models.usable(session, name)
        except Invalid as error:
            raise Invalid(error.detail, field=f"models.{index}", type=error.type) from error
        _check_weights(session, benchmark, model, root)
        for kind in kinds:
            for structure in structures:
                about = (name, str(kind.task_type), kind.guest, structure.id)
                if about not in known:
                    known.add(about)
                    added.append(
                        BenchmarkCell(
                            benchmark_id=benchmark.id,
                            model_name=name,
                            task_type=kind.task_type,
                            guest=kind.guest,
                            structure_id=structure.id,
                        )
                    )
    session.add_all(added)
    session.flush()
    tasks = _submit(session, benchmark, added, kinds, defaults, reuse)
    if tasks:
        benchmark.resumed_at = utcnow()
    return tasks


def _submit(
    session: Session,
    benchmark: Benchmark,
    cells: Sequence[BenchmarkCell],
    kinds: Sequence[Kind],
    defaults: Defaults,
    reuse: Reuse | None,
) -> list[Task]:
    """A task for each cell that its model covers, as one batch; of one model and type they follow each other."""
    by_name = {(str(kind.task_type), kind.guest): kind for kind in kinds}
    builder = Builder(session, benchmark.preset, benchmark.options, defaults)
    made: list[tuple[BenchmarkCell, Task]] = []
    for cell in cells:
        kind = by_name[cell.task_type, cell.guest]
        model = models.usable(session, cell.model_name)
        structure = session.get_one(Structure, cell.structure_id)
        cell.not_covered = why_not_covered(session, model, structure, kind)
        if cell.not_covered is None:
            made.append((cell, builder.build(kind, cell.model_name, cell.structure_id)))
    if not made:
        return []
    batch = Batch(name=f"benchmark {benchmark.id}: {benchmark.name}"[:200], n_tasks=len(made), created_at=utcnow())
    session.add(batch)
    session.flush()
    tasks = [task for _, task in made]
    for task in tasks:
        task.batch_id = batch.id
    submission.accept(session, tasks, reuse)
    for cell, task in made:
        cell.task_id = task.id
    return tasks


@dataclass
class Builder:
    """Tasks of cells, which are not kept."""

    session: Session
    preset: str
    options: Mapping[str, Any]
    defaults: Defaults
    #: by task type and guest; reading a submit takes longer than copying one
    _templates: dict[tuple[TaskType, str], TaskSubmit] = field(default_factory=dict)

    def build(self, kind: Kind, model: str, structure_id: int) -> Task:
        """Raises Invalid with the field of the benchmark's request."""
        about = kind.task_type, kind.guest
        if about not in self._templates:
            options = BenchmarkOptions(**self.options).model_dump(exclude_none=True)
            self._templates[about] = kind.template(Preset(self.preset), options)
        structure = UploadedStructure(source="upload", id=structure_id)
        body = self._templates[about].model_copy(update={"model": model, "structure": structure})
        try:
            return submission.check(self.session, kind.task_type, body, self.defaults)
        except Invalid as error:
            where = error.field or ""
            if where.startswith("parameters"):
                where = f"{kind.field}.{where}"
            raise Invalid(error.detail, field="models" if where == "model" else where, type=error.type) from error


def _check_weights(session: Session, benchmark: Benchmark, model: Model, root: Path) -> None:
    """Results of two potentials under one name would be taken for those of one."""
    now = weights_sha256(model, root)
    own = (BenchmarkCell.benchmark_id == benchmark.id, BenchmarkCell.model_name == model.name)
    newest = session.scalar(
        select(TaskResult)
        .join(BenchmarkCell, BenchmarkCell.task_id == TaskResult.task_id)
        .join(Task, Task.id == TaskResult.task_id)
        .where(*own, Task.status == TaskStatus.COMPLETED)
        .order_by(TaskResult.task_id.desc())
        .limit(1)
    )
    then = newest.provenance.get("model_sha256") if newest else None
    if now and then and now != then:
        raise Conflict(
            f"the weights of {model.name} are not those that benchmark {benchmark.id} was computed with "
            f"({now[:8]}, not {then[:8]}); give them a model name of their own, or start another benchmark with a "
            "name of its own (--name)",
            field="models",
            type="OtherWeights",
        )
