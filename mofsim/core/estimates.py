"""What a task will need of memory and time, as was learnt from tasks that ran here. Nothing is invented.

`memory` and `running_time` are pure: read once with `placement.needs_of` and `newest_runs` what was learnt, they serve
any number of structures.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import linear_regression, median, quantiles
from typing import Any

from sqlalchemy import Select, select, union
from sqlalchemy.orm import Session

from mofsim.core import expected, placement, workers
from mofsim.core.reuse import Reuse
from mofsim.db.tables import Json, MemoryNeed, Structure, Task, TaskResult, Worker
from mofsim.schemas.estimates import Estimate, MemoryEstimate, TimeEstimate
from mofsim.schemas.tasks import StructureBrief
from mofsim.vocabulary import Preset, TaskStatus, TaskType, WorkerState

#: Kinds of devices, the one that is rather used first.
DEVICES = tuple(placement.DEVICES)

#: Of tasks that fit, the newest so many are learnt from …
NEWEST = 200
#: … and they are looked for among the newest so many of the model and of all that completed: of a million tasks, those
#: that fit may be few and far back.
WINDOW = 2000

#: Tasks whose size is within this factor tell more of the time than others do, when there are so many of them.
ALIKE, ENOUGH_ALIKE = 2.0, 3
#: With so many tasks the range leaves the fastest and the slowest tenth out.
MANY = 10


def estimate(session: Session, task: Task, reuse: Reuse | None = None) -> Estimate:
    """For a task that may not be in the database; with `reuse`, whether it would be given a result that is there."""
    needs = placement.needs_of(session, task.model_name)
    memories = {device: memory(needs, device, task.structure.n_atoms) for device in DEVICES}
    fits, why_none = _places(session, task, memories)
    there = {placement.device_of(worker.gpu_id) for worker in fits}
    likely = [device for device in DEVICES if device in there]
    times = {device: estimated_time(session, task, device) for device in likely or DEVICES}
    known = [device for device in times if times[device] or _is_known(memories[device])]
    chosen = next(iter(known or likely), None)
    found = reuse.find(session, task) if reuse else None
    reused_from = found.task_id if found else None
    needed, seconds = (memories[chosen], times[chosen]) if chosen else (None, None)
    return Estimate(
        task_type=TaskType(task.task_type),
        model=task.model_name,
        preset=Preset(task.preset),
        structure=StructureBrief.model_validate(task.structure),
        n_atoms=task.structure.n_atoms,
        reused_from=reused_from,
        memory=list(memories.values()),
        device=chosen,
        seconds=seconds,
        fits=[worker.id for worker in fits],
        why_none=why_none,
        known=bool(known) or reused_from is not None,
        sentence=expected.sentence(needed, seconds, reused_from),
    )


def estimated_time(session: Session, task: Task, device: str) -> TimeEstimate | None:
    """How long it runs on such a device; None when nothing like it ran there."""
    runs = newest_runs(session, task.model_name, task.task_type, task.preset, device)
    return running_time(runs, task.structure.n_atoms, task.parameters)


def memory(needs: Iterable[MemoryNeed], device: str, n_atoms: int) -> MemoryEstimate:
    """Of what is known of one model: between known sizes a straight line, beyond the largest their fitted slope."""
    of_device = [need for need in needs if need.device == device]
    peaks = {need.n_atoms: need.peak_MB for need in of_device if need.peak_MB is not None}
    failed = [need.too_little_MB for need in of_device if need.n_atoms <= n_atoms and need.too_little_MB is not None]
    too_little = max(failed, default=None)
    if not peaks:
        how = f"not known yet: no task of this model has ended here on {placement.DEVICES[device]}"
        return MemoryEstimate(device=device, known_too_little_MB=too_little, learnt_from_atoms=[], how=how)
    found, sizes, how = _on_the_line(peaks, n_atoms)
    is_wrong = too_little is not None and found <= too_little
    return MemoryEstimate(
        device=device,
        memory_MB=None if is_wrong else round(found, 1),
        is_limit=n_atoms < min(peaks) and not is_wrong,
        known_too_little_MB=too_little,
        learnt_from_atoms=sizes,
        how=f"{how}; but that was too little" if is_wrong else how,
    )


def _on_the_line(peaks: Mapping[int, float], n_atoms: int) -> tuple[float, list[int], str]:
    """Memory in MB, the sizes that it is taken from, and how."""
    sizes = sorted(peaks)
    smallest, largest = sizes[0], sizes[-1]
    if n_atoms in peaks:
        return peaks[n_atoms], [n_atoms], f"what {n_atoms} atoms took"
    if n_atoms < smallest:
        return peaks[smallest], [smallest], f"less than what {smallest} atoms took, the fewest that ran"
    if n_atoms < largest:
        below, above = max(s for s in sizes if s < n_atoms), min(s for s in sizes if s > n_atoms)
        part = (n_atoms - below) / (above - below)
        found = peaks[below] + part * (peaks[above] - peaks[below])
        return found, [below, above], f"between what {below} and {above} atoms took"
    if len(sizes) == 1:
        found = peaks[largest] * n_atoms / largest
        return found, sizes, f"in proportion to what {largest} atoms took, the only size that ran"
    slope = max(0.0, linear_regression(sizes, [peaks[size] for size in sizes]).slope)
    how = f"from what {smallest} to {largest} atoms took, {slope:.3g} MB more for each atom beyond"
    return peaks[largest] + slope * (n_atoms - largest), sizes, how


@dataclass(frozen=True)
class Run:
    """A task that was completed: its size, how long it ran, and with which parameters."""

    n_atoms: int
    seconds: float
    parameters: Mapping[str, Any]


def newest_runs(session: Session, model_name: str, task_type: str, preset: str, device: str) -> list[Run]:
    """Those that running times are learnt from, newest first. Results that were reused took no time."""
    found = session.execute(_completed(model_name, task_type, preset, device))
    # The column has the time of the last attempt, the metrics that of all that the result took.
    timed = ((n, metrics.get("duration_seconds") or seconds, given) for n, given, metrics, seconds in found)
    return [Run(n_atoms, seconds, parameters) for n_atoms, seconds, parameters in timed if seconds > 0]


def _completed(model_name: str, task_type: str, preset: str, device: str) -> Select[int, Json, Json, float]:
    of_model = select(Task.id).where(Task.model_name == model_name).order_by(Task.id.desc()).limit(WINDOW).subquery()
    # Before those, a backlog of the model may wait.
    done = select(Task.id).where(Task.status == TaskStatus.COMPLETED).order_by(Task.id.desc()).limit(WINDOW).subquery()
    return (
        select(Structure.n_atoms, Task.parameters, TaskResult.metrics, TaskResult.duration_seconds)
        .select_from(Task)
        .join(Structure, Structure.id == Task.structure_id)
        .join(TaskResult, TaskResult.task_id == Task.id)
        .where(
            Task.id.in_(union(select(of_model.c.id), select(done.c.id))),
            Task.status == TaskStatus.COMPLETED,
            Task.model_name == model_name,
            Task.task_type == task_type,
            Task.preset == preset,
            Task.reused_from.is_(None),
            Task.gpu_id.is_not(None) if device == "cuda" else Task.gpu_id.is_(None),
        )
        .order_by(Task.id.desc())
        .limit(NEWEST)
    )


def running_time(runs: Sequence[Run], n_atoms: int, parameters: Mapping[str, Any]) -> TimeEstimate | None:
    """Scaled by atoms; None when nothing like it ran. Runs with the same parameters come before all others."""
    if not runs:
        return None
    same = [run for run in runs if run.parameters == parameters]
    chosen = same or list(runs)
    alike = [run for run in chosen if 1 / ALIKE <= run.n_atoms / n_atoms <= ALIKE]
    chosen = alike if len(alike) >= ENOUGH_ALIKE else chosen
    seconds = sorted(run.seconds * n_atoms / run.n_atoms for run in chosen)
    tenths = quantiles(seconds, n=10, method="inclusive") if len(seconds) >= MANY else []
    return TimeEstimate(
        median=round(median(seconds), 2),
        low=round(tenths[0] if tenths else seconds[0], 2),
        high=round(tenths[-1] if tenths else seconds[-1], 2),
        tasks=len(seconds),
        learnt_from_atoms=sorted({run.n_atoms for run in chosen}),
        same_parameters=bool(same),
    )


def _is_known(found: MemoryEstimate) -> bool:
    return found.memory_MB is not None or found.known_too_little_MB is not None


def _places(session: Session, task: Task, memories: Mapping[str, MemoryEstimate]) -> tuple[list[Worker], str | None]:
    """The workers that would take it now, or why there is none."""
    taking = [worker for worker in workers.online(session) if not worker.drain]
    if not taking:
        return [], "no worker takes tasks now; start one with `mofsim worker`, or resume one that is drained"
    well = [worker for worker in taking if worker.state != WorkerState.PAUSED]
    if not well:
        return [], f"no worker can take it now: {'; '.join(f'{worker.id}: {worker.note}' for worker in taking)}"
    large = [worker for worker in well if placement.is_enough(session, task, worker)]
    if not large:
        return [], f"{placement.what_it_needs(session, task)}; no worker that takes tasks now has more"
    roomy = [worker for worker in large if _has_room(worker, memories[placement.device_of(worker.gpu_id)])]
    if not roomy:
        return [], "more memory is expected than a worker has that takes tasks now; it would be tried all the same"
    return roomy, None


def _has_room(worker: Worker, needed: MemoryEstimate) -> bool:
    """As far as is known."""
    return worker.memory_MB is None or needed.memory_MB is None or needed.memory_MB <= worker.memory_MB
