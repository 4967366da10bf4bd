"""Rows as the wire shows them."""

from mofsim.core import keys
from mofsim.db.tables import ApiKey, Task
from mofsim.schemas.keys import Key
from mofsim.schemas.tasks import Progress, StructureBrief, TaskError
from mofsim.schemas.tasks import Task as TaskWire
from mofsim.vocabulary import Preset, Priority, StopReason, TaskStatus, TaskType


def task_to_wire(task: Task) -> TaskWire:
    return TaskWire(
        id=task.id,
        task_type=TaskType(task.task_type),
        status=TaskStatus(task.status),
        priority=Priority(task.priority),
        model=task.model_name,
        structure=StructureBrief.model_validate(task.structure),
        preset=Preset(task.preset),
        parameters=task.parameters,
        progress=Progress.model_validate(task.progress),
        attempt=task.attempt,
        max_attempts=task.max_attempts,
        timeout_seconds=task.timeout_seconds,
        batch_id=task.batch_id,
        gpu_id=task.gpu_id,
        worker_id=task.worker_id,
        stop_requested=StopReason(task.stop_requested) if task.stop_requested else None,
        created_at=task.created_at,
        not_before=task.not_before,
        retry_at=task.retry_at,
        held=task.held,
        parent_id=task.parent_id,
        awaits_parent=task.awaits_parent,
        reused_from=task.reused_from,
        queued_at=task.queued_at,
        started_at=task.started_at,
        completed_at=task.completed_at,
        error=TaskError(type=task.error_type, message=task.error_message or "") if task.error_type else None,
    )


def key_to_wire(key: ApiKey) -> Key:
    return Key(
        id=key.id,
        name=key.name,
        scope=keys.scope_of(key),
        created_at=key.created_at,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        last_used_at=key.last_used_at,
        is_valid=keys.is_valid(key),
    )
