"""What a benchmark would compute and cost, as was learnt from tasks that ran here; nothing is submitted."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

from sqlalchemy import select
from sqlalchemy.orm import Session

from mofsim.core import benchmark_cells, benchmarks, estimates, models, placement, workers
from mofsim.core.benchmark_definition import Kind
from mofsim.core.errors import Invalid
from mofsim.core.reuse import Reuse
from mofsim.core.submission import Defaults
from mofsim.db.tables import Model, Structure, Task, TaskResult, Worker
from mofsim.schemas.benchmarks import BenchmarkPlan, BenchmarkSubmit, PlanCost
from mofsim.schemas.scores import NotCovered
from mofsim.schemas.tasks import Span
from mofsim.vocabulary import Preset, TaskStatus, TaskType

#: results whose files tell how much room the next ones take
_NEWEST_FILES = 50


@dataclass
class _Sorted:
    """What becomes of the cells."""

    there: int = 0
    reused: int = 0
    not_covered: list[NotCovered] = field(default_factory=list)
    #: models and kinds, with the structures that would be computed
    new: list[tuple[str, Kind, list[Structure]]] = field(default_factory=list)


def plan(session: Session, body: BenchmarkSubmit, defaults: Defaults, reuse: Reuse | None = None) -> BenchmarkPlan:
    """Raises Invalid as `benchmarks.start` does."""
    asked = benchmarks.wanted(session, body)
    names = list(dict.fromkeys(body.models))
    found = _sort(session, body, asked, names, defaults, reuse)
    online = [worker for worker in workers.online(session) if not worker.drain]
    costs = [_cost(session, model, kind, body.preset, structures, online) for model, kind, structures in found.new]
    summed = _by_type(costs)
    disk_MB, n_unknown_disk = _disk(session, body.preset, found)
    return BenchmarkPlan(
        benchmark_id=asked.benchmark.id if asked.benchmark else None,
        n_structures=len(asked.structures),
        n_cells=len(names) * len(asked.kinds) * len(asked.structures),
        n_there=found.there,
        n_reused=found.reused,
        n_new=sum(len(structures) for _, _, structures in found.new),
        not_covered=found.not_covered,
        device_seconds=_by_device(costs),
        n_unknown_time=sum(cost.n_unknown_time for cost in costs),
        n_unknown_memory=sum(cost.n_unknown_memory for cost in costs),
        largest_memory_MB=max((cost.memory_MB for cost in costs if cost.memory_MB is not None), default=None),
        disk_MB=disk_MB,
        n_unknown_disk=n_unknown_disk,
        costs=summed,
    )


def _sort(
    session: Session,
    body: BenchmarkSubmit,
    asked: benchmarks.Wanted,
    names: Sequence[str],
    defaults: Defaults,
    reuse: Reuse | None,
) -> _Sorted:
    found = _Sorted()
    there = benchmark_cells.there(session, asked.benchmark.id) if asked.benchmark else set()
    builder = benchmark_cells.Builder(session, body.preset, body.options.model_dump(mode="json"), defaults)
    for index, name in enumerate(names):
        model = _usable(session, name, index)
        for kind in asked.kinds:
            new: list[Structure] = []
            for structure in asked.structures:
                if (name, str(kind.task_type), kind.guest, structure.id) in there:
                    found.there += 1
                elif reason := benchmark_cells.why_not_covered(session, model, structure, kind):
                    found.not_covered.append(_not_covered(name, structure, kind, reason))
                else:
                    task = builder.build(kind, name, structure.id)
                    if reuse and body.options.reuse and reuse.find(session, task):
                        found.reused += 1
                    else:
                        new.append(structure)
            if new:
                found.new.append((name, kind, new))
    return found


def _usable(session: Session, name: str, index: int) -> Model:
    try:
        return models.usable(session, name)
    except Invalid as error:
        raise Invalid(error.detail, field=f"models.{index}", type=error.type) from error


def _not_covered(model: str, structure: Structure, kind: Kind, reason: str) -> NotCovered:
    return NotCovered(
        model=model, structure=structure.name, task_type=kind.task_type, guest=kind.guest or None, reason=reason
    )


def _cost(
    session: Session,
    model: str,
    kind: Kind,
    preset: Preset,
    structures: Sequence[Structure],
    online: Sequence[Worker],
) -> PlanCost:
    """Of one model and kind; what was learnt is read once for all structures."""
    there = {placement.device_of(worker.gpu_id) for worker in online}
    runs = {
        device: estimates.newest_runs(session, model, kind.task_type, preset, device)
        for device in estimates.DEVICES
        if device in there or not there
    }
    device = next((each for each in runs if runs[each]), next((each for each in runs if each in there), None))
    needs = placement.needs_of(session, model)
    known = [
        estimate
        for structure in structures
        if device and (estimate := estimates.running_time(runs[device], structure.n_atoms, kind.parameters))
    ]
    memories = [
        (structure, found.memory_MB)
        for structure in structures
        if device and (found := estimates.memory(needs, device, structure.n_atoms)).memory_MB is not None
    ]
    rooms = [each.memory_MB for each in online if each.memory_MB and placement.device_of(each.gpu_id) == device]
    return PlanCost(
        model=model,
        task_type=kind.task_type,
        n_tasks=len(structures),
        device=device,
        seconds=_sum(known),
        n_unknown_time=len(structures) - len(known),
        learnt_from=max((each.tasks for each in known), default=0),
        same_parameters=bool(known) and all(each.same_parameters for each in known),
        memory_MB=max((MB for _, MB in memories if MB), default=None),
        n_unknown_memory=len(structures) - len(memories),
        too_large=[structure.name for structure, MB in memories if MB and rooms and max(rooms) < MB],
    )


def _sum(found: Sequence[Span]) -> Span | None:
    """One after the other. The range is the widest that there can be: as if all were fast, or all slow."""
    if not found:
        return None
    return Span(
        median=round(sum(each.median for each in found), 1),
        low=round(sum(each.low for each in found), 1),
        high=round(sum(each.high for each in found), 1),
    )


def _by_type(costs: Iterable[PlanCost]) -> list[PlanCost]:
    """The guests of interaction energies together."""
    groups: dict[tuple[str, TaskType, str | None], list[PlanCost]] = {}
    for cost in costs:
        groups.setdefault((cost.model, cost.task_type, cost.device), []).append(cost)
    return [_together(group) for group in groups.values()]


def _together(costs: Sequence[PlanCost]) -> PlanCost:
    timed = [cost for cost in costs if cost.seconds]
    return costs[0].model_copy(
        update={
            "n_tasks": sum(cost.n_tasks for cost in costs),
            "seconds": _sum([cost.seconds for cost in timed if cost.seconds]),
            "n_unknown_time": sum(cost.n_unknown_time for cost in costs),
            "learnt_from": max(cost.learnt_from for cost in costs),
            "same_parameters": bool(timed) and all(cost.same_parameters for cost in timed),
            "memory_MB": max((cost.memory_MB for cost in costs if cost.memory_MB is not None), default=None),
            "n_unknown_memory": sum(cost.n_unknown_memory for cost in costs),
            "too_large": list(dict.fromkeys(name for cost in costs for name in cost.too_large)),
        }
    )


def _by_device(costs: Sequence[PlanCost]) -> dict[str, Span]:
    found: dict[str, list[Span]] = {}
    for cost in costs:
        if cost.seconds and cost.device:
            found.setdefault(cost.device, []).append(cost.seconds)
    return {device: total for device, spans in found.items() if (total := _sum(spans))}


def _disk(session: Session, preset: Preset, found: _Sorted) -> tuple[float | None, int]:
    """Megabytes of files, and the tasks of types that left none here yet. Files grow with the number of atoms."""
    n_atoms: Counter[TaskType] = Counter()
    n_tasks: Counter[TaskType] = Counter()
    for _, kind, structures in found.new:
        n_atoms[kind.task_type] += sum(structure.n_atoms for structure in structures)
        n_tasks[kind.task_type] += len(structures)
    each = {task_type: _bytes_per_atom(session, task_type, preset) for task_type in n_tasks}
    known = [size * n_atoms[task_type] / 1e6 for task_type, size in each.items() if size is not None]
    unknown = sum(n_tasks[task_type] for task_type, size in each.items() if size is None)
    return (round(sum(known), 1) if known else None), unknown


def _bytes_per_atom(session: Session, task_type: TaskType, preset: Preset) -> float | None:
    """The median of the newest results."""
    done = (
        select(Task.id)
        .where(Task.status == TaskStatus.COMPLETED)
        .order_by(Task.id.desc())
        .limit(estimates.WINDOW)
        .subquery()
    )
    query = (
        select(TaskResult.output_files, Structure.n_atoms)
        .join(Task, Task.id == TaskResult.task_id)
        .join(Structure, Structure.id == Task.structure_id)
        .where(
            Task.id.in_(select(done.c.id)),
            Task.task_type == task_type,
            Task.preset == preset,
            # Later they are smaller, or gone.
            TaskResult.compressed_at.is_(None),
            TaskResult.files_removed_at.is_(None),
        )
        .order_by(Task.id.desc())
        .limit(_NEWEST_FILES)
    )
    sizes = [sum(files.values()) / n for files, n in session.execute(query) if files]
    return median(sizes) if sizes else None
