"""Upload models, have them validated, delete them: /models/custom."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mofsim.core import custom_models, models
from mofsim.core.custom_models import NewModel
from mofsim.core.hashing import sha256
from mofsim.core.structures import incoming
from mofsim.core.wire import task_to_wire
from mofsim.db.tables import Task as TaskRow
from mofsim.schemas.envelope import Page
from mofsim.schemas.resources import ModelDetail
from mofsim.schemas.tasks import Task
from mofsim.server.answers import answer, whole
from mofsim.server.context import Context, context, wake_workers, write
from mofsim.server.openapi import document
from mofsim.server.receiving import file_of, receive_form
from mofsim.server.requests import FORM_BYTES, MB, limited, require_multipart, validated
from mofsim.server.routes.uploads import File
from mofsim.settings.plugins import frameworks
from mofsim.settings.tables import MODEL_NAME, Element

#: Its checkpoint is no file but the name of code to import.
WITHOUT_FILE = "ase"


def _read_list(value: Any) -> Any:
    return value.replace(",", " ").split() if isinstance(value, str) else value


def _read_json(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError('must be a JSON object, like {"head": "omat_pbe"}') from None


class ModelFields(BaseModel):
    """What stands beside the file."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=100, description="Letters, digits, dots, - and _")
    framework: str = Field(description="What loads the file; any but `ase`")
    d3: bool = Field(False, description="Add D3(BJ)-PBE dispersion; only if trained without")
    dtype: Literal["float32", "float64"] = "float32"
    options: Annotated[dict[str, Any], BeforeValidator(_read_json)] = Field(
        default_factory=dict, description="A JSON object that is passed to the framework as it is"
    )
    elements: Annotated[list[Element], BeforeValidator(_read_list)] = Field(
        default_factory=list,
        description="Elements it was trained on, with spaces between; none: unknown",
    )
    licence: str = Field("", max_length=200)
    description: str = Field("", max_length=1000)
    validate_now: bool = Field(True, alias="validate", description="Queue its validation")

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        if not MODEL_NAME.fullmatch(name):
            raise ValueError("must be of letters, digits, dots, - and _, and begin with a letter or digit")
        return name

    @field_validator("framework")
    @classmethod
    def _has_a_file(cls, framework: str) -> str:
        known = [name for name in frameworks() if name != WITHOUT_FILE]
        if framework not in known:
            raise ValueError(f"must be one of {', '.join(known)}")
        return framework


class ModelForm(ModelFields):
    file: File = Field(description="The file with the weights")


@document("models", form=ModelForm, answer=ModelDetail, status=201, errors=[400, 409, 413, 415, 422])
async def upload_model(request: Request) -> Response:
    """Upload the weights of a model.

    Tasks can use it when its validation has passed, which is queued by itself. The server never opens the file: only
    an executor does, a process of a worker.
    """
    require_multipart(request)
    limit = context(request).settings.storage.max_model_MB
    too_large = f"the file is larger than the {limit} MB that are taken (storage.max_model_MB)"
    with incoming(context(request).storage) as folder:
        path = folder / "weights"
        form = await receive_form(limited(request, limit * MB + FORM_BYTES, too_large, "file"), path)
        fields, file_name = _fields(form), file_of(form, "the file with the weights").filename or ""
        model, task = await run_in_threadpool(_accept, context(request), path, file_name, fields)
    await wake_workers(request, [task] if task else [])
    return answer(model, 201, headers={"Location": f"/api/v1/models/custom/{model.name}"})


def _fields(form: FormData) -> ModelFields:
    given = {name: value for name, value in form.multi_items() if name != "file" and value != ""}
    return validated(ModelFields, given)


def _accept(context: Context, file: Path, file_name: str, fields: ModelFields) -> tuple[ModelDetail, TaskRow | None]:
    """Blocks while the file is hashed."""
    config = fields.model_dump(include={"d3", "dtype", "options", "elements", "licence"})
    new = NewModel(fields.name, fields.framework, config, file_name, fields.description)
    digest = sha256(file)
    with context.blocking_database.write() as session:
        model = custom_models.add(session, new, digest)
        task = custom_models.validate(session, model.name, context.defaults) if fields.validate_now else None
        custom_models.keep(session, context.storage, model, file)
        return models.describe(session, model.name, context.defaults.model, context.storage.root), task


@document("models", answer=Page[ModelDetail])
async def list_custom(request: Request) -> Response:
    """List the uploaded models."""
    return whole(await run_in_threadpool(_all_described, context(request)))


def _all_described(context: Context) -> list[ModelDetail]:
    with context.blocking_database.read() as session:
        names = custom_models.names(session)
        return [models.describe(session, name, context.defaults.model, context.storage.root) for name in names]


@document("models", answer=ModelDetail, errors=[404])
async def get_custom(request: Request) -> Response:
    """See an uploaded model, and how its validation went."""
    return answer(await run_in_threadpool(_described, context(request), request.path_params["name"]))


def _described(context: Context, name: str) -> ModelDetail:
    with context.blocking_database.read() as session:
        custom_models.get(session, name)
        return models.describe(session, name, context.defaults.model, context.storage.root)


@document("models", answer=Task, status=202, errors=[404, 409, 422])
async def validate_custom(request: Request) -> Response:
    """Validate an uploaded model, in an executor.

    The answer is the task that does it. Until its checks have passed, nobody can use the model.
    """
    name, defaults = request.path_params["name"], context(request).defaults
    task = await write(request, custom_models.validate, name, defaults)
    await wake_workers(request, [task])
    return answer(task_to_wire(task), 202, headers={"Location": f"/api/v1/tasks/{task.id}"})


@document("models", answer=None, errors=[404, 409])
async def delete_custom(request: Request) -> Response:
    """Forget an uploaded model that no waiting or running task uses, and its file."""
    name = request.path_params["name"]
    await run_in_threadpool(_removed, context(request), name)
    return answer(message=f"model {name} was deleted")


def _removed(context: Context, name: str) -> None:
    with context.blocking_database.write() as session:
        custom_models.remove(session, context.storage, name)


routes = [
    Route("/api/v1/models/custom", list_custom),
    Route("/api/v1/models/custom", upload_model, methods=["POST"]),
    Route("/api/v1/models/custom/{name}", get_custom),
    Route("/api/v1/models/custom/{name}", delete_custom, methods=["DELETE"]),
    Route("/api/v1/models/custom/{name}/validate", validate_custom, methods=["POST"]),
]
