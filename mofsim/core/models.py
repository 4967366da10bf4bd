"""The registry of models: what the settings name, kept in a table so that tasks can refer to it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from mofsim.core import environments, placement, workers
from mofsim.core.errors import Invalid, NotFound
from mofsim.core.weights import checkpoint_of, weights_sha256
from mofsim.core.workers import Wish
from mofsim.db.tables import Model, Task, Worker, utcnow
from mofsim.schemas.resources import MemoryNeed, ModelDetail, Validation
from mofsim.schemas.resources import Model as ModelWire
from mofsim.settings import ModelSettings
from mofsim.vocabulary import ACTIVE, WAITING, TaskStatus, TaskType, WorkerState

#: of failed checks whose name does not say enough
_MEANING = {"response": "response (atoms that are moved feel no force)"}


def synchronise(session: Session, configured: dict[str, ModelSettings]) -> None:
    """Make the table say what the settings say; a model that left the settings stays known but can not be used."""
    rows = {model.name: model for model in session.scalars(select(Model))}
    for name, entry in configured.items():
        row = rows.pop(name, None) or Model(name=name)
        row.validation = row.created_at = None
        before = (row.framework, row.file_path, row.config)
        row.framework, row.file_path, row.description = entry.framework, entry.checkpoint, entry.description
        row.is_custom, row.is_available, row.is_validated = False, True, True
        row.config = entry.model_dump(exclude={"framework", "checkpoint", "description"})
        if before != (row.framework, row.file_path, row.config):
            # What was told of another potential under this name.
            row.facts = {}
        session.add(row)
    for row in rows.values():
        row.is_available = row.is_custom


def learn(session: Session, name: str, facts: Mapping[str, Any]) -> None:
    """Keep what an executor told that loaded the model."""
    model = session.get(Model, name)
    if model is not None:
        model.facts = {**model.facts, **facts}


def judge(session: Session, task: Task, status: TaskStatus, result: Mapping[str, Any], sha256: str | None) -> None:
    """A validation ended: only when all checks of exactly the uploaded weights passed, tasks may use the model."""
    model = session.get(Model, task.model_name)
    if model is None or not model.is_custom or status is TaskStatus.CANCELLED:
        return
    error = task.error_message
    if status is TaskStatus.COMPLETED and sha256 != model.config["sha256"]:
        error = "the executor loaded other weights than those that were uploaded"
    model.is_validated = status is TaskStatus.COMPLETED and error is None and bool(result.get("passed"))
    model.validation = {
        "passed": model.is_validated,
        "checks": result.get("checks", {}),
        "error": error,
        "task_id": task.id,
        "at": utcnow().isoformat(),
    }


def usable(session: Session, name: str, task_type: TaskType | None = None) -> Model:
    """The model of that name; raises Invalid when there is none that can be used.

    Only a validation may use one that was not validated.
    """
    model = session.get(Model, name)
    if model is None or not model.is_available:
        known = session.scalars(select(Model.name).where(Model.is_available).order_by(Model.name))
        raise Invalid(f"there is no model {name!r}; known are {', '.join(known)}", field="model", type="UnknownModel")
    if not model.is_validated and task_type is not TaskType.VALIDATION:
        raise Invalid(_why_not(model), field="model", type="ModelNotValidated")
    return model


def _why_not(model: Model) -> str:
    name, validation = model.name, model.validation
    if validation is None:
        return f"model {name!r} was not validated yet; `mofsim models validate {name} --wait` does it"
    failed = ", ".join(
        _MEANING.get(check, check) for check, found in validation["checks"].items() if not found["passed"]
    )
    reason = validation["error"] or f"it failed the checks: {failed}"
    return f"model {name!r} can not be used, since its validation found that {reason}; `mofsim models show {name}`"


def wish(session: Session, name: str, wanted: Wish, worker_id: str | None) -> list[Worker]:
    """Have a model loaded or unloaded; the workers that were asked. Raises NotFound and Conflict."""
    model = session.get(Model, name)
    if model is None or not model.is_available:
        raise no_such_model(name)
    if wanted == "load":
        usable(session, name)
    return workers.wish(session, name, wanted, worker_id)


def executor_entry(model: Model, device: str, root: Path) -> dict[str, Any]:
    """The model as an executor wants it; see mofsim.simulations.protocol. `root` is the data folder."""
    config = model.config
    entry = {
        "name": model.name,
        "framework": model.framework,
        "checkpoint": checkpoint_of(model, root),
        "d3": config.get("d3", False),
        "dtype": config.get("dtype", "float32"),
        "options": config.get("options", {}),
        "device": device,
    }
    return entry | ({"sha256": config["sha256"]} if model.is_custom else {})


def listing(session: Session, default: str) -> list[ModelWire]:
    loaded: dict[str, list[str]] = {}
    online = select(Worker).where(Worker.state.not_in([WorkerState.STOPPED, WorkerState.LOST]))
    for worker in session.scalars(online):
        for name in worker.loaded_models:
            loaded.setdefault(name, []).append(worker.id)
    rows = session.scalars(select(Model).where(Model.is_available).order_by(Model.name))
    return [_to_wire(row, default, loaded.get(row.name, [])) for row in rows]


def describe(session: Session, name: str, default: str, root: Path) -> ModelDetail:
    """All that is known of it; `root` is the data folder. Raises NotFound."""
    wire = next((model for model in listing(session, default) if model.name == name), None)
    if wire is None:
        raise no_such_model(name)
    model = session.get_one(Model, name)
    environment = None if model.config.get("python") else environments.name_for(root, name, model.framework)
    facts = model.facts
    return ModelDetail(
        **wire.model_dump(exclude={"elements"}),
        elements=wire.elements or facts.get("elements") or [],
        checkpoint=checkpoint_of(model, root),
        # That of an uploaded one an executor holds against its file; here gigabytes need not be read for it.
        weights_sha256=model.config.get("sha256") or weights_sha256(model, root) or facts.get("weights_sha256"),
        python=environments.python_for(root, name, model.framework, model.config.get("python", "")),
        environment=environment,
        versions=facts.get("versions", {}),
        load_seconds=facts.get("load_seconds"),
        memory=[MemoryNeed.model_validate(need) for need in placement.needs_of(session, name)],
        validation=Validation.model_validate(model.validation) if model.validation else None,
        validation_task=validation_task(session, name) if model.is_custom else None,
        created_at=model.created_at,
    )


def validation_task(session: Session, name: str) -> int | None:
    """The validation of a model that waits or runs."""
    waits = Task.status.in_(WAITING | ACTIVE)
    return session.scalar(
        select(Task.id).where(Task.model_name == name, Task.task_type == TaskType.VALIDATION, waits).limit(1)
    )


def no_such_model(name: str) -> NotFound:
    return NotFound(f"there is no model {name!r}; `mofsim models list` shows those there are", field="name")


def _to_wire(model: Model, default: str, loaded_on: list[str]) -> ModelWire:
    config = model.config
    return ModelWire(
        name=model.name,
        framework=model.framework,
        description=model.description,
        is_default=model.name == default,
        is_custom=model.is_custom,
        is_validated=model.is_validated,
        d3=config.get("d3", False),
        dtype=config.get("dtype", "float32"),
        licence=config.get("licence", ""),
        elements=config.get("elements", []),
        loaded_on=loaded_on,
    )
