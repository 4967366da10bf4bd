"""Why a task is where it is, in a sentence, and what would move it."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mofsim.core import expected, forecast, placement, queries, workers
from mofsim.core.forecast import Forecast
from mofsim.db.tables import Task, Worker, utcnow
from mofsim.schemas.tasks import Explanation, Progress, Span
from mofsim.vocabulary import StopReason, TaskStatus, WorkerState


def explain(session: Session, task_id: int) -> Explanation:
    """Raises NotFound."""
    task = queries.find(session, task_id)
    status = TaskStatus(task.status)
    places = _places(session, task) if status is TaskStatus.QUEUED else []
    ahead = _ahead(session, task, places) if status is TaskStatus.QUEUED else None
    found = forecast.forecast(session, task, places)
    return Explanation(
        task_id=task_id,
        status=status,
        sentence=_sentence(session, task, ahead) + _when(found),
        ahead=ahead,
        starts_in=found.starts_in,
        ends_in=found.ends_in,
    )


def _places(session: Session, task: Task) -> list[Worker]:
    """The workers that could take it as things are."""
    well = [worker for worker in workers.online(session) if not worker.drain and worker.state != WorkerState.PAUSED]
    return [worker for worker in well if placement.is_enough(session, task, worker)]


def _ahead(session: Session, task: Task, places: list[Worker]) -> int:
    return session.scalar(select(func.count()).select_from(Task).where(*forecast.before(task, places))) or 0


def _when(found: Forecast) -> str:
    starts = f"start in about {_span(found.starts_in)}" if found.starts_in and found.starts_in.high >= 1 else ""
    ends = f"end in about {_span(found.ends_in)}" if found.ends_in else ""
    said = " and ".join(filter(None, (starts, ends)))
    return f" It should {said}." if said else ""


def _span(span: Span) -> str:
    around = expected.duration_range(span.low, span.high)
    is_narrow = expected.duration(span.low) == expected.duration(span.high)
    return expected.duration(span.median) + ("" if is_narrow else f" ({around})")


def _sentence(session: Session, task: Task, ahead: int | None) -> str:
    match TaskStatus(task.status):
        case TaskStatus.PENDING:
            return _why_pending(session, task)
        case TaskStatus.QUEUED:
            return _why_queued(session, task, ahead or 0)
        case TaskStatus.ASSIGNED:
            return f"{task.worker_id} holds it and loads {task.model_name}."
        case TaskStatus.RUNNING if task.stop_requested == StopReason.HELD:
            return "It is to be held; it stops after the current step and goes on from there when it is released."
        case TaskStatus.RUNNING if task.stop_requested == StopReason.CANCELLED:
            return "A cancel was asked for; it ends after the current step."
        case TaskStatus.RUNNING:
            return f"It runs on {task.worker_id}: {_where(task)}."
        case TaskStatus.FAILED:
            return f"It failed: {task.error_message}"
        case TaskStatus.COMPLETED if task.reused_from is not None:
            return f"It was not computed: task {task.reused_from} had the same result to give."
        case status:
            return f"It ended: {status}."


def _where(task: Task) -> str:
    progress = Progress.model_validate(task.progress)
    return progress.words or f"step {progress.step or 0}"


def _why_pending(session: Session, task: Task) -> str:
    if task.held:
        return "It is held; release it, and it waits for a device."
    if task.awaits_parent and task.parent_id is not None:
        return _why_awaits(task.id, task.parent_id, session.get(Task, task.parent_id))
    if task.not_before:
        return f"It waits for its time, {task.not_before:%Y-%m-%d %H:%M:%S} UTC."
    return "It is queued any moment."


def _why_awaits(task_id: int, parent_id: int, parent: Task | None) -> str:
    way_out = f"`mofsim detach {task_id}` runs it with the structure that was to be relaxed"
    if parent is None:
        return f"It waits for the structure of task {parent_id}, which was deleted; {way_out}."
    status = TaskStatus(parent.status)
    if status is TaskStatus.COMPLETED:
        return f"Task {parent_id} has completed; its structure is being taken over."
    if status.is_final:
        return f"It waits for the structure of task {parent_id}, which ended as {status}: retry that one, or {way_out}."
    return f"It waits for the structure of task {parent_id}, which is {status}."


def _why_queued(session: Session, task: Task, ahead: int) -> str:
    if task.retry_at and task.retry_at > utcnow():
        wait = (task.retry_at - utcnow()).total_seconds()
        return f"Attempt {task.attempt} was lost to a fault of the worker; it is tried again in {wait:.0f} s."
    taking = [worker for worker in workers.online(session) if not worker.drain]
    if not taking:
        return "No worker takes tasks: start one with `mofsim worker`, or resume one that is drained."
    if not any(placement.is_enough(session, task, worker) for worker in taking):
        return f"{placement.what_it_needs(session, task)}; no worker that takes tasks now has more."
    paused = [worker for worker in taking if worker.state == WorkerState.PAUSED]
    if len(paused) == len(taking):
        return f"No worker can take it: {_notes(paused)}."
    if ahead:
        n = len(taking) - len(paused)
        others = "1 task is" if ahead == 1 else f"{ahead} tasks are"
        return f"{others} ahead of it for {n} worker{'s' * (n > 1)}; a higher priority moves it up."
    if ill := [worker for worker in taking if worker.note]:
        return f"It is next, but {_notes(ill)}."
    busy = [f"{worker.id} is busy with task {worker.task_id}" for worker in taking if worker.task_id]
    if busy:
        return f"It is next: {'; '.join(busy)}."
    if needs := placement.what_it_needs(session, task):
        return f"It is next, but {needs}, and others use memory of the device; it starts when they have gone."
    return "It is next; a worker takes it any moment."


def _notes(ill: list[Worker]) -> str:
    return "; ".join(f"{worker.id}: {worker.note}" for worker in ill)
