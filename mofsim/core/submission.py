"""From a request to an accepted task: everything that would make it fail is found here, not on a GPU."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from mofsim.core import dependencies, guests, lifecycle, models, products, structures, targets
from mofsim.core.errors import Conflict, Invalid
from mofsim.core.reuse import Reuse
from mofsim.db.tables import Batch, Model, Structure, Task, TaskResult, utcnow
from mofsim.schemas.simulations import resolve
from mofsim.schemas.submission import (
    BatchSubmit,
    BuiltinStructure,
    Product,
    TaskStructure,
    TaskSubmit,
    UploadedStructure,
)
from mofsim.schemas.webhooks import Callback
from mofsim.vocabulary import TaskType


@dataclass(frozen=True)
class Defaults:
    """What a request may leave open, from the settings."""

    model: str
    timeout_seconds: float
    max_attempts: int
    #: whether webhooks may go to private addresses
    private_callbacks: bool = False


def check_callbacks(body: TaskSubmit | BatchSubmit, allow_private: bool) -> None:
    """Look up where the webhooks of a request would go. Blocks: call it in a thread, before the transaction.

    Raises Invalid with the field of a receiver at a private address.
    """
    if isinstance(body, BatchSubmit):
        options = {f"tasks.{i}.": item.options for i, item in enumerate(body.tasks)}
        if body.product:
            options["product."] = body.product.options
    else:
        options = {"": body.options}
    urls = [(f"{at}{targets.FIELD}", each.callback.url) for at, each in options.items() if each.callback]
    targets.check_names(urls, allow_private)


def submit(
    session: Session,
    task_type: TaskType,
    body: TaskSubmit,
    defaults: Defaults,
    *,
    reuse: Reuse | None = None,
    idempotency_key: str | None = None,
    batch_id: int | None = None,
) -> Task:
    """Accept one task; where it allows the `reuse` of a result, it may be COMPLETED at once.

    The same `idempotency_key` with the same request gives the task of the first time back.
    Raises Invalid (with the field) for what can not run, Conflict for a key that was used for something else.
    """
    task = _build(_Named(session), task_type, body, defaults)
    if idempotency_key:
        earlier = session.scalar(select(Task).where(Task.idempotency_key == idempotency_key))
        if earlier:
            return _same(earlier, task)
    task.idempotency_key, task.batch_id = idempotency_key, batch_id
    accept(session, [task], reuse)
    return task


def check(session: Session, task_type: TaskType, body: TaskSubmit, defaults: Defaults) -> Task:
    """The task that `submit` would accept, which is not kept. Raises Invalid as that does."""
    return _build(_Named(session), task_type, body, defaults)


def submit_batch(
    session: Session,
    body: BatchSubmit,
    defaults: Defaults,
    *,
    reuse: Reuse | None = None,
    idempotency_key: str | None = None,
) -> tuple[Batch, list[Task]]:
    """Accept all of them or, when one can not run, none; the field of the error names which.

    The same `idempotency_key` with the same request gives the batch of the first time back.
    Raises Invalid, or Conflict for a key that was used for something else.
    """
    request_hash = _hash(body)
    if idempotency_key:
        earlier = session.scalar(select(Batch).where(Batch.idempotency_key == idempotency_key))
        if earlier:
            return _same_batch(session, earlier, request_hash)
    named = _Named(session)
    if body.product:
        tasks = _build_product(named, body.product, defaults)
    else:
        tasks = [_build_item(named, index, item, defaults) for index, item in enumerate(body.tasks)]
    batch = Batch(name=body.name, n_tasks=len(tasks), created_at=utcnow())
    batch.idempotency_key, batch.request_hash = idempotency_key, request_hash if idempotency_key else None
    session.add(batch)
    session.flush()
    for task in tasks:
        task.batch_id = batch.id
    accept(session, tasks, reuse)
    return batch, tasks


def accept(session: Session, tasks: list[Task], reuse: Reuse | None) -> None:
    """Take in tasks that were checked: those that asked for it and were computed before are COMPLETED at once."""
    found: list[tuple[Task, TaskResult]] = []
    for task in tasks:
        if reuse and task.options.get("reuse") and (result := reuse.find(session, task)):
            task.reused_from, task.completed_at = result.task_id, utcnow()
            found.append((task, result))
    lifecycle.accept_all(session, tasks)
    for task, result in found:
        assert reuse
        reuse.give(session, task, result)


@dataclass
class _Named:
    """What the tasks of a request name; those of a batch name the same few things, which are looked up once."""

    session: Session
    _models: dict[str, Model] = field(default_factory=dict)
    _structures: dict[str | int, Structure] = field(default_factory=dict)

    def model(self, name: str) -> Model:
        if name not in self._models:
            self._models[name] = models.usable(self.session, name)
        return self._models[name]

    def structure(self, reference: BuiltinStructure | UploadedStructure) -> Structure:
        key = reference.name if isinstance(reference, BuiltinStructure) else reference.id
        if key not in self._structures:
            self._structures[key] = structures.resolve(self.session, reference)
        return self._structures[key]


def _build_item(named: _Named, index: int, item: TaskSubmit, defaults: Defaults) -> Task:
    try:
        return _build(named, TaskType(getattr(item, "task_type")), item, defaults)  # noqa: B009 - as in _parameters
    except Invalid as error:
        raise Invalid(error.detail, field=f"tasks.{index}.{error.field}", type=error.type) from error


def _build_product(named: _Named, product: Product, defaults: Defaults) -> list[Task]:
    """What is named twice, by a set and alone, say, is computed once."""
    found: dict[tuple[Any, ...], Task] = {}
    for item in products.items(named.session, product):
        try:
            task = _build(named, item.task_type, item.body, defaults)
        except Invalid as error:
            raise Invalid(error.detail, field=item.said_at(error.field), type=error.type) from error
        found.setdefault((item.type_field, task.model_name, task.structure.id, task.parent_id), task)
    return list(found.values())


def _build(named: _Named, task_type: TaskType, body: TaskSubmit, defaults: Defaults) -> Task:
    structure, parent = _structure(named, body)
    model = named.model(body.model or defaults.model)
    _check_elements(structure, model)
    parameters = _parameters(task_type, body)
    guests.check(named.session, parameters, structure, model)
    options = body.options
    return Task(
        **_callback(options.callback, defaults),
        task_type=task_type,
        priority=options.priority,
        model_name=model.name,
        structure=structure,
        preset=body.preset,
        parameters=parameters,
        options=options.model_dump(mode="json", exclude_unset=True, exclude={"callback"}),
        timeout_seconds=options.timeout_seconds or defaults.timeout_seconds,
        max_attempts=options.max_attempts or defaults.max_attempts,
        not_before=options.not_before,
        parent_id=parent.id if parent else None,
        awaits_parent=parent is not None,
        held=False,
        clean_start=False,
        attempt=0,
        faults=0,
        progress={},
        created_at=utcnow(),
    )


def _structure(named: _Named, body: TaskSubmit) -> tuple[Structure, Task | None]:
    """The structure, and the task that is still to optimize it, where there is one."""
    if isinstance(body.structure, TaskStructure):
        parent = dependencies.parent(named.session, body.structure.id)
        return parent.structure, parent
    return named.structure(body.structure), None


def _callback(callback: Callback | None, defaults: Defaults) -> dict[str, Any]:
    if callback is None:
        return {}
    # Names are looked up elsewhere: a transaction must not wait for the DNS.
    targets.check(callback.url, defaults.private_callbacks, look_up=False)
    return {
        "callback_url": callback.url,
        "callback_events": None if callback.events is None else list(dict.fromkeys(callback.events)),
        "callback_secret": callback.secret.get_secret_value() if callback.secret else None,
    }


def _parameters(task_type: TaskType, body: TaskSubmit) -> dict[str, Any]:
    given = getattr(body, "parameters").model_dump(exclude_unset=True)  # noqa: B009 - each subclass types its own
    try:
        return resolve(task_type, body.preset, given)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in ("parameters", *first["loc"]))
        raise Invalid(first["msg"], field=field) from error


def _check_elements(structure: Structure, model: Model) -> None:
    known = model.config.get("elements") or []
    unknown = sorted(set(structure.elements) - set(known)) if known else []
    if unknown:
        raise Invalid(
            f"model {model.name} was not trained on {', '.join(unknown)}, which {structure.name} contains; "
            "choose a model that covers them (`mofsim models list`)",
            field="model",
            type="UnknownElement",
        )


def _same(earlier: Task, task: Task) -> Task:
    receiver = ("callback_url", "callback_events", "callback_secret")
    compared = ("task_type", "model_name", "preset", "parameters", *receiver)
    same = all(getattr(earlier, name) == getattr(task, name) for name in compared)
    if same and earlier.structure_id == task.structure.id:
        return earlier
    raise Conflict(
        f"this Idempotency-Key was used for task {earlier.id}, which is a different request; take a new key",
        field="Idempotency-Key",
    )


def _hash(body: BatchSubmit) -> str:
    """Of what was asked. Secrets are not in it: pydantic writes them as stars."""
    return hashlib.sha256(body.model_dump_json(exclude_unset=True).encode()).hexdigest()


def _same_batch(session: Session, earlier: Batch, request_hash: str) -> tuple[Batch, list[Task]]:
    if earlier.request_hash != request_hash:
        raise Conflict(
            f"this Idempotency-Key was used for batch {earlier.id}, which is a different request; take a new key",
            field="Idempotency-Key",
        )
    return earlier, list(session.scalars(select(Task).where(Task.batch_id == earlier.id).order_by(Task.id)))
