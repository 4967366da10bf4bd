"""The registry of models: what the settings name, kept in a table so that tasks can refer to it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from mofsim.core import environments, placement, workers
from mofsim.core.errors import Invalid, NotFound
from mofsim.core.weights import weights_sha256
from mofsim.core.workers import Wish
from mofsim.db.tables import Model, Worker
from mofsim.schemas.resources import MemoryNeed, ModelDetail
from mofsim.schemas.resources import Model as ModelWire
from mofsim.settings import ModelSettings
from mofsim.vocabulary import WorkerState


def synchronise(session: Session, configured: dict[str, ModelSettings]) -> None:
    """Make the table say what the settings say; a model that left the settings stays known but can not be used."""
    rows = {model.name: model for model in session.scalars(select(Model))}
    for name, entry in configured.items():
        row = rows.pop(name, None) or Model(name=name)
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


def usable(session: Session, name: str) -> Model:
    """The model of that name; raises Invalid when there is none that can be used."""
    model = session.get(Model, name)
    if model is None or not model.is_available:
        known = session.scalars(select(Model.name).where(Model.is_available).order_by(Model.name))
        raise Invalid(f"there is no model {name!r}; known are {', '.join(known)}", field="model", type="UnknownModel")
    if not model.is_validated:
        raise Invalid(f"model {name!r} was not validated yet; an admin can do it", field="model")
    return model


def wish(session: Session, name: str, wanted: Wish, worker_id: str | None) -> list[Worker]:
    """Have a model loaded or unloaded; the workers that were asked. Raises NotFound and Conflict."""
    model = session.get(Model, name)
    if model is None or not model.is_available:
        raise no_such_model(name)
    if wanted == "load":
        usable(session, name)
    return workers.wish(session, name, wanted, worker_id)


def executor_entry(model: Model, device: str) -> dict[str, Any]:
    """The model as an executor wants it; see mofsim.simulations.protocol."""
    config = model.config
    return {
        "name": model.name,
        "framework": model.framework,
        "checkpoint": model.file_path,
        "d3": config.get("d3", False),
        "dtype": config.get("dtype", "float32"),
        "options": config.get("options", {}),
        "device": device,
    }


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
        checkpoint=model.file_path,
        weights_sha256=weights_sha256(model, root) or facts.get("weights_sha256"),
        python=environments.python_for(root, name, model.framework, model.config.get("python", "")),
        environment=environment,
        versions=facts.get("versions", {}),
        load_seconds=facts.get("load_seconds"),
        memory=[MemoryNeed.model_validate(need) for need in placement.needs_of(session, name)],
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
