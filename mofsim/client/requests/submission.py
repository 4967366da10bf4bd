"""Tasks to submit, one, many, or only to be estimated."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, SecretStr

from mofsim.client.request import API, Request, segment
from mofsim.schemas.estimates import Estimate
from mofsim.schemas.priorities import parse_priority
from mofsim.schemas.submission import BuiltinStructure, TaskStructure, UploadedStructure
from mofsim.schemas.tasks import BatchCreated, Task
from mofsim.schemas.webhooks import Callback
from mofsim.vocabulary import Preset, Priority, TaskType

#: A built-in structure by its name, an uploaded one by its id, or either as the wire has it.
StructureLike = str | int | BuiltinStructure | UploadedStructure | TaskStructure
#: Where to tell what becomes of a task: a URL, {url, events, secret}, or as the wire has it.
CallbackLike = str | Mapping[str, Any] | Callback


def submit(
    task_type: TaskType | str,
    structure: StructureLike,
    *,
    model: str | None = None,
    preset: Preset | str | None = None,
    parameters: Mapping[str, Any] | None = None,
    priority: Priority | str | None = None,
    timeout_seconds: float | None = None,
    not_before: datetime | None = None,
    max_attempts: int | None = None,
    reuse: bool = False,
    callback: CallbackLike | None = None,
    idempotency_key: str | None = None,
) -> Request[Task]:
    """Submit a task; what is None is the server's to choose.

    With `reuse` it may be COMPLETED at once, by the finished result of an equal one (`reused_from`).
    A second submit with the same `idempotency_key` gives the first one's task back.
    """
    body = batch_item(
        task_type,
        structure,
        model=model,
        preset=preset,
        parameters=parameters,
        priority=priority,
        timeout_seconds=timeout_seconds,
        not_before=not_before,
        max_attempts=max_attempts,
        reuse=reuse,
        callback=callback,
    )
    return Request(
        "POST",
        f"{API}/tasks/{segment(body.pop('task_type'))}",
        Task.model_validate,
        json=body,
        headers={"Idempotency-Key": idempotency_key or str(uuid.uuid4())},
        # The key makes a second one harmless, should the answer to the first be lost.
        tries=2,
    )


def batch_item(
    task_type: TaskType | str,
    structure: StructureLike,
    *,
    model: str | None = None,
    preset: Preset | str | None = None,
    parameters: Mapping[str, Any] | None = None,
    priority: Priority | str | None = None,
    timeout_seconds: float | None = None,
    not_before: datetime | None = None,
    max_attempts: int | None = None,
    reuse: bool = False,
    callback: CallbackLike | None = None,
) -> dict[str, Any]:
    """One task of `submit_batch`. Raises ValueError for an unknown priority."""
    options = {
        "priority": priority_name(priority) if priority is not None else None,
        "timeout_seconds": timeout_seconds,
        "not_before": not_before.isoformat() if not_before else None,
        "max_attempts": max_attempts,
        "reuse": True if reuse else None,
        "callback": _callback(callback) if callback is not None else None,
    }
    body = {
        "task_type": task_type,
        "structure": _reference(structure),
        "model": model,
        "preset": preset,
        "parameters": dict(parameters) if parameters else None,
        "options": {name: value for name, value in options.items() if value is not None} or None,
    }
    return {name: value for name, value in body.items() if value is not None}


def priority_name(priority: Priority | str) -> str:
    """Raises ValueError for an unknown priority."""
    try:
        return parse_priority(priority).name
    except ValueError as error:
        raise ValueError(f"{priority!r} {error}") from None


def _reference(structure: StructureLike) -> dict[str, Any]:
    if isinstance(structure, BaseModel):
        return structure.model_dump()
    if isinstance(structure, int):
        return {"source": "upload", "id": structure}
    return {"source": "builtin", "name": structure}


def _callback(callback: CallbackLike) -> dict[str, Any]:
    if isinstance(callback, str):
        return {"url": callback}
    body = callback.model_dump() if isinstance(callback, Callback) else dict(callback)
    if isinstance(secret := body.get("secret"), SecretStr):
        body["secret"] = secret.get_secret_value()
    return body


def estimate(
    task_type: TaskType | str,
    structure: StructureLike,
    *,
    model: str | None = None,
    preset: Preset | str | None = None,
    parameters: Mapping[str, Any] | None = None,
    priority: Priority | str | None = None,
    timeout_seconds: float | None = None,
    not_before: datetime | None = None,
    max_attempts: int | None = None,
    reuse: bool = False,
    callback: CallbackLike | None = None,
) -> Request[Estimate]:
    """What memory and time a task would need. It is checked as `submit` does, and not queued."""
    body = batch_item(
        task_type,
        structure,
        model=model,
        preset=preset,
        parameters=parameters,
        priority=priority,
        timeout_seconds=timeout_seconds,
        not_before=not_before,
        max_attempts=max_attempts,
        reuse=reuse,
        callback=callback,
    )
    return Request("POST", f"{API}/tasks/estimate", Estimate.model_validate, json=body, tries=2)


def submit_batch(
    items: Iterable[Mapping[str, Any]], name: str = "", *, idempotency_key: str | None = None
) -> Request[BatchCreated]:
    """Submit all tasks (each made by `batch_item`) or, when one of them can not run, none.

    A second submit with the same `idempotency_key` gives the first one's batch back.
    """
    return Request(
        "POST",
        f"{API}/tasks/batch",
        BatchCreated.model_validate,
        json={"name": name, "tasks": [dict(item) for item in items]},
        headers={"Idempotency-Key": idempotency_key or str(uuid.uuid4())},
        # As for a single task.
        tries=2,
    )


def submit_product(
    structures: Iterable[StructureLike],
    task_types: Iterable[TaskType | str | Mapping[str, Any]],
    *,
    models: Iterable[str] = (),
    name: str = "",
    preset: Preset | str | None = None,
    priority: Priority | str | None = None,
    timeout_seconds: float | None = None,
    reuse: bool = False,
    idempotency_key: str | None = None,
) -> Request[BatchCreated]:
    """Submit every task type for every structure with every model: all tasks or, when one can not run, none.

    A structure "@NAME" stands for those of a named set; a task type is its name, or {task_type, parameters, preset}.
    Without `models` it is the server's default one. Raises ValueError for an unknown priority.
    """
    options = {
        "priority": priority_name(priority) if priority is not None else None,
        "timeout_seconds": timeout_seconds,
        "reuse": True if reuse else None,
    }
    product = {
        "models": list(models),
        "structures": [_reference_or_set(structure) for structure in structures],
        "task_types": [{"task_type": each} if isinstance(each, str) else dict(each) for each in task_types],
        "preset": preset,
        "options": {name: value for name, value in options.items() if value is not None},
    }
    return Request(
        "POST",
        f"{API}/tasks/batch",
        BatchCreated.model_validate,
        json={"name": name, "product": {key: value for key, value in product.items() if value}},
        headers={"Idempotency-Key": idempotency_key or str(uuid.uuid4())},
        # As for a single task.
        tries=2,
    )


def _reference_or_set(structure: StructureLike) -> dict[str, Any]:
    if isinstance(structure, str) and structure.startswith("@"):
        return {"source": "set", "name": structure[1:]}
    return _reference(structure)
