"""Submit tasks: POST /tasks/{task type}, /tasks/batch; /tasks/estimate tells what one would need."""

from typing import TypeVar

from pydantic import BaseModel, Field
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mofsim.core import estimates, submission
from mofsim.core.errors import Invalid, NotFound
from mofsim.core.wire import task_to_wire
from mofsim.db.tables import Batch
from mofsim.db.tables import Task as TaskRow
from mofsim.schemas.estimates import Estimate, EstimateRequest
from mofsim.schemas.submission import (
    AnySubmit,
    BatchSubmit,
    BulkModulusSubmit,
    HeatCapacitySubmit,
    InteractionEnergySubmit,
    OptimizationSubmit,
    SinglePointSubmit,
    StabilitySubmit,
    TaskSubmit,
)
from mofsim.schemas.tasks import BatchCreated, Task
from mofsim.server.answers import answer
from mofsim.server.context import Context, context, read, wake_workers, write
from mofsim.server.openapi import document
from mofsim.server.requests import json_body
from mofsim.vocabulary import SIMULATIONS, TaskType

S = TypeVar("S", bound=TaskSubmit)

MAX_KEY_LENGTH = 200


class SubmitHeaders(BaseModel):
    idempotency_key: str | None = Field(
        None,
        alias="Idempotency-Key",
        max_length=MAX_KEY_LENGTH,
        description="The same key with the same request gives the task, or the batch, of the first time back",
    )


@document("tasks", json=OptimizationSubmit, headers=SubmitHeaders, answer=Task, status=202, errors=[409])
async def submit_optimization(request: Request) -> Response:
    """Submit a relaxation of atoms and cell."""
    return await _submit(request, TaskType.OPTIMIZATION, OptimizationSubmit)


@document("tasks", json=SinglePointSubmit, headers=SubmitHeaders, answer=Task, status=202, errors=[409])
async def submit_single_point(request: Request) -> Response:
    """Submit a single energy, with forces and stress."""
    return await _submit(request, TaskType.SINGLE_POINT, SinglePointSubmit)


@document("tasks", json=StabilitySubmit, headers=SubmitHeaders, answer=Task, status=202, errors=[409])
async def submit_stability(request: Request) -> Response:
    """Submit molecular dynamics that shows whether the framework holds when it is warm."""
    return await _submit(request, TaskType.STABILITY, StabilitySubmit)


@document("tasks", json=BulkModulusSubmit, headers=SubmitHeaders, answer=Task, status=202, errors=[409])
async def submit_bulk_modulus(request: Request) -> Response:
    """Submit energies at several volumes, and the equation of state through them."""
    return await _submit(request, TaskType.BULK_MODULUS, BulkModulusSubmit)


@document("tasks", json=HeatCapacitySubmit, headers=SubmitHeaders, answer=Task, status=202, errors=[409])
async def submit_heat_capacity(request: Request) -> Response:
    """Submit the heat capacity from phonons."""
    return await _submit(request, TaskType.HEAT_CAPACITY, HeatCapacitySubmit)


@document("tasks", json=InteractionEnergySubmit, headers=SubmitHeaders, answer=Task, status=202, errors=[409])
async def submit_interaction_energy(request: Request) -> Response:
    """Submit how strongly a guest molecule is held, at a given place or at the best that a search finds."""
    return await _submit(request, TaskType.INTERACTION_ENERGY, InteractionEnergySubmit)


@document("tasks", json=BatchSubmit, headers=SubmitHeaders, answer=BatchCreated, status=202, errors=[409])
async def submit_batch(request: Request) -> Response:
    """Submit many tasks, listed or as models × structures × task types: all of them or, when one can not run, none."""
    body = await json_body(request, BatchSubmit)
    key = _idempotency_key(request)
    await _check_callbacks(request, body)
    batch, tasks = await run_in_threadpool(_accept_batch, context(request), body, key)
    await wake_workers(request, tasks)
    created = BatchCreated(id=batch.id, name=batch.name, task_ids=[task.id for task in tasks])
    return answer(created, 202, headers={"Location": f"/api/v1/batches/{batch.id}"})


def _accept_batch(context: Context, body: BatchSubmit, key: str | None) -> tuple[Batch, list[TaskRow]]:
    """In a thread: handing thousands of statements from the event loop to a thread and back takes far longer."""
    with context.blocking_database.write() as session:
        return submission.submit_batch(session, body, context.defaults, reuse=context.reuse, idempotency_key=key)


@document("tasks", json=EstimateRequest, answer=Estimate)
async def estimate_task(request: Request) -> Response:
    """Say what memory and time a task would need. It is checked as when it is submitted, and not queued."""
    body = (await json_body(request, EstimateRequest)).root
    await _check_callbacks(request, body)
    return answer(await read(request, _estimate, body, context(request)))


def _estimate(session: Session, body: AnySubmit, context: Context) -> Estimate:
    task = submission.check(session, TaskType(body.task_type), body, context.defaults)
    return estimates.estimate(session, task, context.reuse if body.options.reuse else None)


async def unknown_type(request: Request) -> Response:
    known = ", ".join(SIMULATIONS)
    name = request.path_params["id"]
    raise NotFound(f"there is no task type {name[:40]!r}; there are {known}", field="task_type", type="UnknownTaskType")


async def _submit(request: Request, task_type: TaskType, model: type[S]) -> Response:
    body = await json_body(request, model)
    key = _idempotency_key(request)
    await _check_callbacks(request, body)
    defaults, reuse = context(request).defaults, context(request).reuse
    task = await write(request, submission.submit, task_type, body, defaults, reuse=reuse, idempotency_key=key)
    await wake_workers(request, [task])
    return answer(task_to_wire(task), 202, headers={"Location": f"/api/v1/tasks/{task.id}"})


async def _check_callbacks(request: Request, body: TaskSubmit | BatchSubmit) -> None:
    allow_private = context(request).settings.webhooks.allow_private
    await run_in_threadpool(submission.check_callbacks, body, allow_private)


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not (0 < len(key) <= MAX_KEY_LENGTH and key.isprintable()):
        raise Invalid(f"must be 1 to {MAX_KEY_LENGTH} printable characters", field="Idempotency-Key")
    return key


routes = [
    Route("/api/v1/tasks/optimization", submit_optimization, methods=["POST"]),
    Route("/api/v1/tasks/single-point", submit_single_point, methods=["POST"]),
    Route("/api/v1/tasks/stability", submit_stability, methods=["POST"]),
    Route("/api/v1/tasks/bulk-modulus", submit_bulk_modulus, methods=["POST"]),
    Route("/api/v1/tasks/heat-capacity", submit_heat_capacity, methods=["POST"]),
    Route("/api/v1/tasks/interaction-energy", submit_interaction_energy, methods=["POST"]),
    Route("/api/v1/tasks/batch", submit_batch, methods=["POST"]),
    Route("/api/v1/tasks/estimate", estimate_task, methods=["POST"]),
    Route("/api/v1/tasks/{id}", unknown_type, methods=["POST"]),
]
