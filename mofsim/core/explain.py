"""Why a task is where it is, in a sentence, and what would move it."""

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from mofsim.core import queries, workers
from mofsim.db.tables import Task, Worker, utcnow
from mofsim.schemas.tasks import Explanation
from mofsim.vocabulary import StopReason, TaskStatus, WorkerState


def explain(session: Session, task_id: int) -> Explanation:
    """Raises NotFound."""
    task = queries.find(session, task_id)
    status = TaskStatus(task.status)
    ahead = _ahead(session, task) if status is TaskStatus.QUEUED else None
    return Explanation(task_id=task_id, status=status, sentence=_sentence(session, task, ahead), ahead=ahead)


def _ahead(session: Session, task: Task) -> int:
    before = or_(
        Task.priority < task.priority,
        (Task.priority == task.priority) & (Task.queued_at < task.queued_at),
        (Task.priority == task.priority) & (Task.queued_at == task.queued_at) & (Task.id < task.id),
    )
    return session.scalar(select(func.count()).where(Task.status == TaskStatus.QUEUED, before)) or 0


def _sentence(session: Session, task: Task, ahead: int | None) -> str:
    match TaskStatus(task.status):
        case TaskStatus.PENDING:
            return f"It waits for its time, {task.not_before:%Y-%m-%d %H:%M:%S} UTC."
        case TaskStatus.QUEUED:
            return _why_queued(task, ahead or 0, workers.online(session))
        case TaskStatus.ASSIGNED:
            return f"{task.worker_id} holds it and loads {task.model_name}."
        case TaskStatus.RUNNING if task.stop_requested == StopReason.CANCELLED:
            return "A cancel was asked for; it ends after the current step."
        case TaskStatus.RUNNING:
            return f"It runs on {task.worker_id}, step {task.progress.get('step')}."
        case TaskStatus.FAILED:
            return f"It failed: {task.error_message}"
        case status:
            return f"It ended: {status}."


def _why_queued(task: Task, ahead: int, online: list[Worker]) -> str:
    if task.not_before and task.not_before > utcnow():
        wait = (task.not_before - utcnow()).total_seconds()
        return f"Attempt {task.attempt} was lost to a fault of the worker; it is tried again in {wait:.0f} s."
    taking = [w for w in online if w.state != WorkerState.DRAINING]
    if not taking:
        return "No worker takes tasks: start one with `mofsim worker`, or resume one that is drained."
    if ahead:
        others = "1 task is" if ahead == 1 else f"{ahead} tasks are"
        return f"{others} ahead of it for {len(taking)} worker{'s' * (len(taking) > 1)}; a higher priority moves it up."
    busy = [f"{w.id} is busy with task {w.task_id}" for w in taking if w.task_id]
    return f"It is next: {'; '.join(busy)}." if busy else "It is next; a worker takes it any moment."
