"""What people do with the tasks of the demo, as a server would take or refuse it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from mofsim.client.errors import Conflict, Invalid, NotFound
from mofsim.schemas.estimates import Estimate, MemoryEstimate, TimeEstimate
from mofsim.schemas.simulations import resolve
from mofsim.schemas.tasks import Progress, StructureBrief, Task
from mofsim.tui.demo import physics
from mofsim.vocabulary import EventType, Preset, Priority, StopReason, TaskStatus, TaskType

if TYPE_CHECKING:
    from mofsim.schemas.resources import Structure
    from mofsim.tui.demo.world import World

#: Seconds for which a cancel can be taken back; a running task stops so long after it was asked to.
UNDO_SECONDS, STOPS_AFTER = 10.0, 1.5
ME = "you"


def missing(what: str) -> NotFound:
    return NotFound(f"there is no {what} in the demo", code=404, type="NotFound")


def refused(words: str) -> Conflict:
    return Conflict(words, code=409, type="Conflict")


def wrong(words: str, field: str | None = None) -> Invalid:
    return Invalid(words, code=422, type="ValidationError", field=field)


def submit(world: World, task_type: TaskType, body: dict[str, Any]) -> Task:
    values = _checked(world, task_type, body)
    options = body.get("options") or {}
    more: dict[str, Any] = {}
    if options.get("timeout_seconds"):
        more["timeout_seconds"] = float(options["timeout_seconds"])
    if options.get("not_before"):
        more |= {"not_before": datetime.fromisoformat(options["not_before"]), "status": TaskStatus.PENDING}
    priority = Priority[options.get("priority") or "NORMAL"]
    task = world.add_task(task_type, priority=priority, **values, **more)
    return world.submitted(task, ME)


def estimate(world: World, task_type: TaskType, body: dict[str, Any]) -> Estimate:
    """Learnt from what ended here."""
    values = _checked(world, task_type, body)
    structure, model = values["structure"], values["model"]
    alike = world.completed(task_type)
    times = [plan.seconds for plan in alike]
    seconds = None
    if times:
        sizes = sorted({plan.n_atoms for plan in alike})
        seconds = TimeEstimate(
            median=times[len(times) // 2], low=times[0], high=times[-1], tasks=len(times), learnt_from_atoms=sizes,
            same_parameters=True,
        )  # fmt: skip
    memory_MB = physics.memory_MB(structure.n_atoms)
    memory = MemoryEstimate(
        device="cuda", memory_MB=memory_MB, learnt_from_atoms=[54, 106, 156], how="from tasks of other sizes"
    )
    fits = [worker.id for worker in world.workers.values() if worker.gpu_id and not worker.drain]
    took = f" and {seconds.median:.0f} s ({seconds.low:.0f}–{seconds.high:.0f} s)" if seconds else ""
    return Estimate(
        task_type=task_type, model=model, preset=values["preset"], structure=brief(structure),
        n_atoms=structure.n_atoms, memory=[memory], device="cuda", seconds=seconds, fits=fits,
        why_none=None if fits else "all workers are drained", known=True,
        sentence=f"about {memory_MB / 1000:.1f} GB{took}, as simulated as all else here",
    )  # fmt: skip


def brief(structure: Structure) -> StructureBrief:
    return StructureBrief.model_validate(structure.model_dump(include=set(StructureBrief.model_fields)))


def _checked(world: World, task_type: TaskType, body: dict[str, Any]) -> dict[str, Any]:
    """What a submit names, looked up. Raises Invalid."""
    reference, name = body["structure"], body.get("model") or "7net-0"
    structure = next(
        (
            each
            for each in world.structures.values()
            if each.id == reference.get("id") or (each.is_builtin and each.name == reference.get("name"))
        ),
        None,
    )
    if structure is None:
        raise wrong("there is no such structure in the demo", "structure")
    model = world.models.get(name)
    if model is None or not model.is_validated:
        raise wrong(f"model {name!r} is not there, or its validation has not passed", "model")
    preset = Preset(body.get("preset") or Preset.QUICK)
    try:
        resolve(task_type, preset, body.get("parameters") or {})
    except ValidationError as error:
        first = error.errors()[0]
        raise wrong(first["msg"], ".".join(["parameters", *map(str, first["loc"])])) from error
    return {"structure": structure, "model": name, "preset": preset, "parameters": body.get("parameters") or {}}


def cancel(world: World, task: Task) -> Task:
    if task.status.is_final:
        raise refused(f"task {task.id} is {task.status} already")
    world.cancelled[task.id] = task, world.now + timedelta(seconds=UNDO_SECONDS)
    world.say("server", "cancel", task_id=task.id, key=ME)
    if run := world.runs.get(task.id):
        run.stops_at = world.now + timedelta(seconds=STOPS_AFTER)
        return world.change(task.id, EventType.TASK_CHANGED, stop_requested=StopReason.CANCELLED)
    return world.change(task.id, status=TaskStatus.CANCELLED, completed_at=world.now)


def undo_cancel(world: World, task: Task) -> Task:
    before, until = world.cancelled.pop(task.id, (None, world.now))
    if before is None or world.now > until:
        raise refused(f"the cancel of task {task.id} can not be taken back any more")
    if run := world.runs.get(task.id):
        run.stops_at = None
        return world.change(task.id, EventType.TASK_CHANGED, stop_requested=None)
    status = before.status if before.status.is_waiting else TaskStatus.QUEUED
    return world.change(task.id, status=status, completed_at=None, stop_requested=None)


def retry(world: World, task: Task) -> Task:
    if not task.status.is_final or task.status is TaskStatus.COMPLETED:
        raise refused(f"task {task.id} is {task.status}; only what ended without a result can be tried again")
    world.say("server", "retry", task_id=task.id, key=ME)
    values: dict[str, Any] = dict.fromkeys(("completed_at", "started_at", "worker_id", "gpu_id", "error"))
    return world.change(
        task.id, status=TaskStatus.QUEUED, queued_at=world.now, progress=Progress(), stop_requested=None, **values
    )


def hold(world: World, task: Task) -> Task:
    if not task.status.is_waiting:
        raise refused(f"task {task.id} is {task.status}; in the demo only a waiting one can be held")
    return world.change(task.id, status=TaskStatus.PENDING, held=True)


def release(world: World, task: Task) -> Task:
    if not task.held:
        raise refused(f"task {task.id} is not held")
    return world.change(task.id, status=TaskStatus.QUEUED, held=False, queued_at=world.now)


def set_priority(world: World, task: Task, body: dict[str, Any]) -> Task:
    if not task.status.is_waiting:
        raise refused(f"task {task.id} is {task.status}; only a waiting task's priority can change")
    return world.change(task.id, EventType.TASK_CHANGED, priority=Priority[body["priority"]])


def delete(world: World, task: Task) -> None:
    if not task.status.is_final:
        raise refused(f"task {task.id} is {task.status}; cancel it first")
    del world.tasks[task.id]
    world.tell(EventType.TASK_DELETED, {}, task.id)
