"""Models: those there are, where they are loaded, and uploaded ones."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mofsim.client.request import API, File, Request, get, segment
from mofsim.client.requests.answers import _list_of, _nothing
from mofsim.schemas.resources import Model, ModelDetail, Worker
from mofsim.schemas.tasks import Task


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
