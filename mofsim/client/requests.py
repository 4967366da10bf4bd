"""Every request of the API, described once for both clients: the arguments, and what comes back."""

import json
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, SecretStr

from mofsim.client.request import API, File, Request, get, segment
from mofsim.schemas.alerts import AlertKind, AlertNotification, AlertRule
from mofsim.schemas.batches import Batch, BatchChanged, BatchRow
from mofsim.schemas.envelope import Page
from mofsim.schemas.estimates import Estimate
from mofsim.schemas.keys import AuditLine, CreatedKey, Key
from mofsim.schemas.logs import SystemLogLine
from mofsim.schemas.resources import (
    Alert,
    Gpu,
    Health,
    Model,
    ModelDetail,
    Queue,
    Stats,
    Structure,
    StructureSet,
    Worker,
)
from mofsim.schemas.tasks import (
    Attempt,
    BatchCreated,
    BuiltinStructure,
    Explanation,
    LogLine,
    OutputFile,
    SeriesColumns,
    Task,
    TaskResult,
    TaskStructure,
    UploadedStructure,
    parse_priority,
)
from mofsim.schemas.webhooks import Callback, Delivery
from mofsim.vocabulary import LogLevel, Preset, Priority, RuleKind, Scope, StructureFormat, TaskStatus, TaskType

M = TypeVar("M", bound=BaseModel)

#: A built-in structure by its name, an uploaded one by its id, or either as the wire has it.
StructureLike = str | int | BuiltinStructure | UploadedStructure | TaskStructure
#: Where to tell what becomes of a task: a URL, {url, events, secret}, or as the wire has it.
CallbackLike = str | Mapping[str, Any] | Callback


def health() -> Request[Health]:
    return get("/health", Health.model_validate)


def tasks(
    status: Sequence[TaskStatus | str] = (),
    task_type: Sequence[TaskType | str] = (),
    model: Sequence[str] = (),
    structure: str | None = None,
    batch: int | None = None,
    text: str | None = None,
    since: datetime | None = None,
    sort: str = "-id",
    limit: int = 100,
    cursor: str | None = None,
) -> Request[Page[Task]]:
    """One page of the tasks that fit all of these; `cursor` is `next_cursor` of the page before."""
    query = {
        "status": tuple(status),
        "task_type": tuple(task_type),
        "model": tuple(model),
        "structure": structure,
        "batch": batch,
        "text": text,
        "since": since.isoformat() if since else None,
        "sort": sort,
        "limit": limit,
        "cursor": cursor,
    }
    return get("/tasks", Page[Task].model_validate, query)


def task(id: int) -> Request[Task]:
    return get(f"/tasks/{id}", Task.model_validate)


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
        "priority": parse_priority(priority).name if priority is not None else None,
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
        "priority": parse_priority(priority).name if priority is not None else None,
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


def batches(limit: int = 50, cursor: str | None = None) -> Request[Page[Batch]]:
    """One page of the batches, newest first; `cursor` is `next_cursor` of the page before."""
    return get("/batches", Page[Batch].model_validate, {"limit": limit, "cursor": cursor})


def batch(id: int) -> Request[Batch]:
    """How far a batch is."""
    return get(f"/batches/{id}", Batch.model_validate)


def cancel_batch(id: int) -> Request[BatchChanged]:
    """Cancel all tasks of a batch that have not ended."""
    return Request("POST", f"{API}/batches/{id}/cancel", BatchChanged.model_validate, tries=2)


def retry_batch(id: int, *, cancelled: bool = False, clean: bool = False) -> Request[BatchChanged]:
    """Let all tasks of a batch wait again that failed or ran into their time limit, with `cancelled` those too."""
    query = {name: "true" for name, wanted in (("cancelled", cancelled), ("clean", clean)) if wanted}
    return Request("POST", f"{API}/batches/{id}/retry-failed", BatchChanged.model_validate, query=query)


def batch_results(id: int) -> Request[list[BatchRow]]:
    """A row for each task of a batch; units are in the names of its fields."""
    return get(f"/batches/{id}/results", _list_of(BatchRow))


def cancel(id: int) -> Request[Task]:
    """A waiting task ends at once, a running one between two steps."""
    return Request("POST", f"{API}/tasks/{id}/cancel", Task.model_validate, tries=2)


def retry(id: int, *, clean: bool = False) -> Request[Task]:
    """Let a task wait again that ended without a result; it goes on from its checkpoint, or starts `clean`."""
    query = {"clean": "true"} if clean else {}
    return Request("POST", f"{API}/tasks/{id}/retry", Task.model_validate, query=query)


def undo_cancel(id: int) -> Request[Task]:
    """Take a cancel back, within the seconds that the server allows (10 by default)."""
    return Request("POST", f"{API}/tasks/{id}/undo-cancel", Task.model_validate)


def hold(id: int) -> Request[Task]:
    """Keep a task from running until it is released; one that runs stops, and goes on later where it was."""
    return Request("POST", f"{API}/tasks/{id}/hold", Task.model_validate, tries=2)


def release(id: int) -> Request[Task]:
    """Let a held task run again."""
    return Request("POST", f"{API}/tasks/{id}/release", Task.model_validate)


def detach(id: int) -> Request[Task]:
    """Let a task that waits for another one's structure start with the structure that was to be optimized."""
    return Request("POST", f"{API}/tasks/{id}/detach", Task.model_validate)


def set_priority(id: int, priority: Priority | str) -> Request[Task]:
    """Raises ValueError for an unknown priority."""
    body = {"priority": parse_priority(priority).name}
    return Request("POST", f"{API}/tasks/{id}/priority", Task.model_validate, json=body, tries=2)


def delete(id: int) -> Request[None]:
    """Forget a task that has ended, with its files."""
    return Request("DELETE", f"{API}/tasks/{id}", _nothing)


def result(id: int) -> Request[TaskResult]:
    return get(f"/tasks/{id}/result", TaskResult.model_validate)


def series(id: int, points: int = 500, attempt: int | None = None) -> Request[SeriesColumns]:
    """The values of each step, thinned out to about `points` of them."""
    return get(f"/tasks/{id}/series", SeriesColumns.model_validate, {"points": points, "attempt": attempt})


def logs(
    id: int, after: int = 0, limit: int = 500, newest: bool = False, level: LogLevel | str = "", text: str = ""
) -> Request[list[LogLine]]:
    """Log lines that follow line `after`, oldest first; with `newest` the last `limit` of them.

    Only those of `level` and above that hold `text`.
    """
    query = {"after": after, "limit": limit, "newest": "true" if newest else None, "level": str(level), "text": text}
    return get(f"/tasks/{id}/logs", _list_of(LogLine), query)


def system_logs(
    level: LogLevel | str = "",
    text: str = "",
    logger: str = "",
    process: str = "",
    task: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 200,
    cursor: str | None = None,
) -> Request[Page[SystemLogLine]]:
    """Lines of the logs of mofsim's processes that fit all of these, newest first.

    A page may have fewer lines than `limit`, or none, and still a `next_cursor`: the search goes on from there.
    """
    query = {
        "level": str(level),
        "text": text,
        "logger": logger,
        "process": process,
        "task": task,
        "since": since.isoformat() if since else None,
        "until": until.isoformat() if until else None,
        "limit": limit,
        "cursor": cursor,
    }
    return get("/system/logs", Page[SystemLogLine].model_validate, query)


def attempts(id: int) -> Request[list[Attempt]]:
    return get(f"/tasks/{id}/attempts", _list_of(Attempt))


def files(id: int) -> Request[list[OutputFile]]:
    return get(f"/tasks/{id}/files", _list_of(OutputFile))


def deliveries(id: int) -> Request[list[Delivery]]:
    """What the receiver of a task was told or is to be told, oldest first."""
    return get(f"/tasks/{id}/deliveries", _list_of(Delivery))


def redeliver(delivery_id: int) -> Request[Delivery]:
    """Send a delivery once more, or now instead of later."""
    return Request("POST", f"{API}/deliveries/{delivery_id}/redeliver", Delivery.model_validate)


def explain(id: int) -> Request[Explanation]:
    """Why the task is where it is."""
    return get(f"/tasks/{id}/explain", Explanation.model_validate)


def structures(builtin: bool | None = None, set: str | None = None) -> Request[list[Structure]]:
    """All structures, or only (un)built-in ones, or those of a named set."""
    query = {"builtin": None if builtin is None else "true" if builtin else "false", "set": set}
    return get("/structures", _list_of(Structure), query)


def structure_sets() -> Request[list[StructureSet]]:
    return get("/structures/sets", _list_of(StructureSet))


def save_structure_set(name: str, structure_ids: Iterable[int]) -> Request[StructureSet]:
    """Make a named set hold exactly these structures."""
    body = {"structure_ids": list(structure_ids)}
    return Request("PUT", f"{API}/structures/sets/{segment(name)}", StructureSet.model_validate, json=body, tries=2)


def delete_structure_set(name: str) -> Request[None]:
    """Forget a named set; its structures stay."""
    return Request("DELETE", f"{API}/structures/sets/{segment(name)}", _nothing)


def structure(id: int) -> Request[Structure]:
    return get(f"/structures/{id}", Structure.model_validate)


def add_structure(
    path: Path | str,
    name: str | None = None,
    format: StructureFormat | str | None = None,
    *,
    reuse: bool = False,
    molecule: bool = False,
) -> Request[Structure]:
    """Upload a CIF, XYZ, extXYZ or POSCAR file; with `reuse`, the same structure that is there already comes back.

    With `molecule` an XYZ file may lack a cell: it is a guest, and gets a box of vacuum. Raises OSError when the file
    can not be read.
    """
    path = Path(path)
    flags = {"reuse": "true" if reuse else None, "molecule": "true" if molecule else None}
    fields = {"name": name, "format": format} | flags
    file = File(path.name, path.read_bytes(), {key: value for key, value in fields.items() if value})
    return Request("POST", f"{API}/structures", Structure.model_validate, file=file)


def delete_structure(id: int) -> Request[None]:
    return Request("DELETE", f"{API}/structures/{id}", _nothing)


def models() -> Request[list[Model]]:
    return get("/models", _list_of(Model))


def model(name: str) -> Request[ModelDetail]:
    return get(f"/models/{segment(name)}", ModelDetail.model_validate)


def load_model(name: str, worker: str | None = None) -> Request[list[Worker]]:
    """Load a model ahead of its tasks, on one worker or on all that are online; those that were asked.

    A worker has done it when its `model_wishes` does not have it any more.
    """
    return _wish(name, "load", worker)


def unload_model(name: str, worker: str | None = None) -> Request[list[Worker]]:
    """Give back the memory that a model has on one worker, or on all that are online."""
    return _wish(name, "unload", worker)


def _wish(name: str, wanted: str, worker: str | None) -> Request[list[Worker]]:
    place = {"worker": worker}
    return Request("POST", f"{API}/models/{segment(name)}/{wanted}", _list_of(Worker), json=place, tries=2)


def custom_models() -> Request[list[ModelDetail]]:
    """The models that were uploaded, and how their validation went."""
    return get("/models/custom", _list_of(ModelDetail))


def add_model(
    path: Path | str,
    name: str,
    framework: str,
    *,
    d3: bool = False,
    dtype: str | None = None,
    elements: Iterable[str] = (),
    options: Mapping[str, Any] | None = None,
    licence: str = "",
    description: str = "",
    validate: bool = True,
) -> Request[ModelDetail]:
    """Upload the weights of a model, which tasks can use when its validation has passed.

    That is queued at once (`validation_task`), or later by `validate_model`. Raises OSError when the file can not be
    read.
    """
    path = Path(path)
    fields = {
        "name": name,
        "framework": framework,
        "d3": "true" if d3 else "",
        "dtype": dtype or "",
        "elements": " ".join(elements),
        "options": json.dumps(options) if options else "",
        "licence": licence,
        "description": description,
        "validate": "true" if validate else "false",
    }
    file = File(path.name, path, {key: value for key, value in fields.items() if value})
    return Request("POST", f"{API}/models/custom", ModelDetail.model_validate, file=file)


def validate_model(name: str) -> Request[Task]:
    """Queue the validation of an uploaded model; nobody can use it until its checks have passed."""
    return Request("POST", f"{API}/models/custom/{segment(name)}/validate", Task.model_validate)


def delete_model(name: str) -> Request[None]:
    """Forget an uploaded model, and its file."""
    return Request("DELETE", f"{API}/models/custom/{segment(name)}", _nothing)


def queue() -> Request[Queue]:
    return get("/system/queue", Queue.model_validate)


def stats() -> Request[Stats]:
    """What was done so far; rates are differences of two of these."""
    return get("/system/stats", Stats.model_validate)


def workers() -> Request[list[Worker]]:
    return get("/system/workers", _list_of(Worker))


def drain_worker(id: str) -> Request[Worker]:
    """Let a worker finish its task and take no other one; its state tells when it has."""
    return Request("POST", f"{API}/system/workers/{segment(id)}/drain", Worker.model_validate, tries=2)


def resume_worker(id: str) -> Request[Worker]:
    """Let a drained worker take tasks again."""
    return Request("POST", f"{API}/system/workers/{segment(id)}/resume", Worker.model_validate, tries=2)


def gpus() -> Request[list[Gpu]]:
    return get("/system/gpus", _list_of(Gpu))


def alerts() -> Request[list[Alert]]:
    """What needs a person now, newest first."""
    return get("/alerts/active", _list_of(Alert))


def alert_history(limit: int = 100) -> Request[list[Alert]]:
    """The newest alerts, those that are over too."""
    return get("/alerts/history", _list_of(Alert), {"limit": limit})


def api_keys() -> Request[list[Key]]:
    """All keys, newest first; their secrets are kept nowhere."""
    return get("/keys", _list_of(Key))


def create_key(name: str, scope: Scope | str = Scope.READ, expires_at: datetime | None = None) -> Request[CreatedKey]:
    """A new key. Its `token` is told this once."""
    body = {"name": name, "scope": str(scope), "expires_at": expires_at.isoformat() if expires_at else None}
    return Request("POST", f"{API}/keys", CreatedKey.model_validate, json=body)


def revoke_key(id: int) -> Request[Key]:
    return Request("DELETE", f"{API}/keys/{id}", Key.model_validate, tries=2)


def audit(
    key: int | None = None, since: datetime | None = None, limit: int = 100, cursor: str | None = None
) -> Request[Page[AuditLine]]:
    """One page of who changed what, newest first; with `key` only what that key did."""
    query = {"key": key, "since": since.isoformat() if since else None, "limit": limit, "cursor": cursor}
    return get("/system/audit", Page[AuditLine].model_validate, query)


def alert(id: int) -> Request[Alert]:
    return get(f"/alerts/{id}", Alert.model_validate)


def alert_notifications(id: int) -> Request[list[AlertNotification]]:
    """What channels were told or are to be told of an alert, oldest first."""
    return get(f"/alerts/{id}/notifications", _list_of(AlertNotification))


def acknowledge_alert(id: int, by: str = "") -> Request[Alert]:
    """Say that somebody looks after it: its level rises no more."""
    return Request("POST", f"{API}/alerts/{id}/ack", Alert.model_validate, json={"by": by}, tries=2)


def resolve_alert(id: int, by: str = "") -> Request[Alert]:
    """Say that it is over; it comes back only after its cause was gone once."""
    return Request("POST", f"{API}/alerts/{id}/resolve", Alert.model_validate, json={"by": by})


def silence_alert(id: int, seconds: float) -> Request[Alert]:
    """Tell no channel of it for so long; 0 ends that."""
    return Request("POST", f"{API}/alerts/{id}/silence", Alert.model_validate, json={"seconds": seconds}, tries=2)


def alert_kinds() -> Request[list[AlertKind]]:
    """What rules can watch."""
    return get("/alerts/kinds", _list_of(AlertKind))


def alert_rules() -> Request[list[AlertRule]]:
    return get("/alerts/rules", _list_of(AlertRule))


def alert_rule(id: int) -> Request[AlertRule]:
    return get(f"/alerts/rules/{id}", AlertRule.model_validate)


def create_alert_rule(name: str, kind: RuleKind | str, **values: Any) -> Request[AlertRule]:
    """Add a rule; `values` are condition, level, escalate_to, escalate_after_seconds, cooldown_seconds, channels and
    enabled."""
    return Request("POST", f"{API}/alerts/rules", AlertRule.model_validate, json={"name": name, "kind": kind, **values})


def change_alert_rule(id: int, **values: Any) -> Request[AlertRule]:
    """Change what is given, of `create_alert_rule`; of the condition too only what is given."""
    return Request("PATCH", f"{API}/alerts/rules/{id}", AlertRule.model_validate, json=values, tries=2)


def delete_alert_rule(id: int) -> Request[None]:
    """Delete a rule of one's own; a built-in one can be switched off."""
    return Request("DELETE", f"{API}/alerts/rules/{id}", _nothing)


def reset_alert_rule(id: int) -> Request[AlertRule]:
    """Make a built-in rule what it was when it came."""
    return Request("POST", f"{API}/alerts/rules/{id}/reset", AlertRule.model_validate, tries=2)


def silence_alert_rule(id: int, seconds: float) -> Request[AlertRule]:
    """Tell no channel of what it raises for so long; 0 ends that."""
    body = {"seconds": seconds}
    return Request("POST", f"{API}/alerts/rules/{id}/silence", AlertRule.model_validate, json=body, tries=2)


def _list_of(model: type[M]) -> Callable[[Any], list[M]]:
    def parse(data: Any) -> list[M]:
        return [model.model_validate(item) for item in data["items"]]

    return parse


def _nothing(data: Any) -> None:
    """The answer says no more than its status."""
