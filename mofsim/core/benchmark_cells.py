"""The cells of benchmarks: which there are, what is submitted for them, and where they are by their tasks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from mofsim.benchmark.failures import verdict_of
from mofsim.core import models, submission
from mofsim.core.benchmark_definition import Kind
from mofsim.core.errors import Conflict, Invalid
from mofsim.core.reuse import Reuse
from mofsim.core.submission import Defaults
from mofsim.core.weights import weights_sha256
from mofsim.db.tables import Batch, Benchmark, BenchmarkCell, Model, Structure, Task, TaskResult, utcnow
from mofsim.schemas.benchmarks import BenchmarkOptions
from mofsim.schemas.submission import TaskSubmit, UploadedStructure
from mofsim.vocabulary import ACTIVE, FINAL, CellState, Preset, TaskStatus, TaskType, Verdict


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


def there(session: Session, benchmark_id: int) -> set[tuple[str, str, str, int]]:
    """Model, task type, guest and structure of the cells that a benchmark has."""
    return {
        (cell.model_name, cell.task_type, cell.guest, cell.structure_id) for cell in of_benchmark(session, benchmark_id)
    }


def of_benchmark(session: Session, benchmark_id: int) -> list[BenchmarkCell]:
    return list(session.scalars(select(BenchmarkCell).where(BenchmarkCell.benchmark_id == benchmark_id)))


def fill(
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
        check_weights(session, benchmark, model, root)
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
    tasks = submit(session, benchmark, added, kinds, defaults, reuse)
    if tasks:
        benchmark.resumed_at = utcnow()
    return tasks


def submit(
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


def check_weights(session: Session, benchmark: Benchmark, model: Model, root: Path) -> None:
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
