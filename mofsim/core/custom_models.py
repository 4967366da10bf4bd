"""Models that were uploaded. Their files are hashed and moved here, and opened by nothing but an executor."""

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from mofsim.core import lifecycle, models, structures
from mofsim.core.errors import Conflict, Invalid
from mofsim.core.storage import Storage
from mofsim.core.submission import Defaults
from mofsim.db.tables import MemoryNeed, Model, Task, utcnow
from mofsim.schemas.simulations import resolve
from mofsim.schemas.submission import BuiltinStructure
from mofsim.vocabulary import ACTIVE, WAITING, Preset, Priority, TaskType

#: what potentials are validated on: small, with a metal, with the elements of most MOFs
STRUCTURE = "Mg-MOF-74"
#: where their files lie in the data folder, each below the SHA-256 of its content
FOLDER = "models"
#: its path would be that of all uploaded models
RESERVED = "custom"

_UNENDED = Task.status.in_(WAITING | ACTIVE)


@dataclass(frozen=True)
class NewModel:
    """What is told of a file with weights."""

    name: str
    framework: str
    config: dict[str, Any]
    #: as the client calls the file
    file_name: str
    description: str = ""


def add(session: Session, new: NewModel, sha256: str) -> Model:
    """A model that nobody can use yet; `keep` its file last. Raises Invalid and Conflict."""
    _check_name(session, new.name)
    path = f"{FOLDER}/{sha256}/weights{_suffix(new.file_name)}"
    # A model that had the name once stays in the table for its tasks.
    model = session.get(Model, new.name) or Model(name=new.name)
    model.framework, model.file_path, model.description = new.framework, path, new.description
    model.config = new.config | {"sha256": sha256}
    model.is_custom, model.is_available, model.is_validated = True, True, False
    model.validation, model.created_at, model.facts = None, utcnow(), {}
    session.add(model)
    session.execute(delete(MemoryNeed).where(MemoryNeed.model_name == new.name))
    return model


def keep(session: Session, storage: Storage, model: Model, file: Path) -> None:
    """Move the file out of `incoming`; a refused row leaves it to whoever cleans up there."""
    session.flush()
    target = storage.root / model.file_path
    target.parent.mkdir(parents=True, exist_ok=True)
    file.chmod(0o400)
    os.replace(file, target)


def _check_name(session: Session, name: str) -> None:
    """Raises Conflict for a name that another model has."""
    if name == RESERVED:
        raise Invalid(f"{name!r} can not be the name of a model; choose another one", field="name")
    model = session.get(Model, name)
    if model is not None and model.is_available:
        origin = "uploaded before" if model.is_custom else "in the settings"
        advice = f"; `mofsim models rm {name}` deletes it" if model.is_custom else ""
        raise Conflict(f"there is a model {name!r}, {origin}; choose another name{advice}", field="name")


def _suffix(file_name: str) -> str:
    """All that is kept of a client's name for a file: packages look at it (.pth, .model, .pt …)."""
    found = PurePath(file_name).suffix
    return found if re.fullmatch(r"\.[A-Za-z0-9]{1,10}", found) else ""


def get(session: Session, name: str) -> Model:
    """Raises NotFound for what was not uploaded, too."""
    model = session.get(Model, name)
    if model is None or not model.is_custom:
        raise models.no_such_model(name)
    return model


def names(session: Session) -> list[str]:
    return list(session.scalars(select(Model.name).where(Model.is_custom).order_by(Model.name)))


def remove(session: Session, storage: Storage, name: str) -> None:
    """Forget a model and, where no other one has it, its file. Blocks.

    Raises NotFound, and Conflict while a task that has not ended uses it.
    """
    model = get(session, name)
    _require_no_tasks(session, name, "delete it")
    # The row stays for the tasks that used it, as that of a model which left the settings.
    model.is_custom = model.is_available = model.is_validated = False
    model.validation = None
    session.flush()
    others = select(Model.name).where(Model.is_custom, Model.file_path == model.file_path)
    if session.scalar(others.limit(1)) is None:
        # Inside the transaction: the same file may be uploaded at this moment.
        _delete(storage.root / model.file_path)


def _delete(file: Path) -> None:
    file.unlink(missing_ok=True)
    if file.parent.is_dir() and not any(file.parent.iterdir()):
        file.parent.rmdir()


def validate(session: Session, name: str, defaults: Defaults) -> Task:
    """Queue a validation; until its checks have passed, nobody can use the model.

    Raises NotFound, Invalid when its elements do not cover the structure that it is validated on, and Conflict while
    a task that has not ended uses it.
    """
    model = get(session, name)
    _require_no_tasks(session, name, "validate it")
    structure = structures.resolve(session, BuiltinStructure(source="builtin", name=STRUCTURE))
    known = model.config.get("elements") or structure.elements
    if unknown := sorted(set(structure.elements) - set(known)):
        raise Invalid(f"lacks {', '.join(unknown)} of {STRUCTURE}, on which models are validated", field="elements")
    model.is_validated, model.validation = False, None
    task = Task(
        task_type=TaskType.VALIDATION,
        priority=Priority.NORMAL,
        model_name=name,
        structure=structure,
        preset=Preset.QUICK,
        parameters=resolve(TaskType.VALIDATION, Preset.QUICK, {}),
        options={},
        timeout_seconds=defaults.timeout_seconds,
        max_attempts=defaults.max_attempts,
        awaits_parent=False,
        held=False,
        clean_start=False,
        attempt=0,
        faults=0,
        progress={},
        created_at=utcnow(),
    )
    lifecycle.accept(session, task)
    return task


def _require_no_tasks(session: Session, name: str, what: str) -> None:
    task_id = session.scalar(select(Task.id).where(Task.model_name == name, _UNENDED).order_by(Task.id).limit(1))
    if task_id is not None:
        raise Conflict(f"task {task_id} uses model {name!r} and has not ended; wait or cancel it, then {what}")
