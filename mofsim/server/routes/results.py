"""What a task has reached: its result, its series, its files."""

from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mofsim.core import queries
from mofsim.core.errors import Conflict, NotFound
from mofsim.core.storage import file_url
from mofsim.db.tables import Task as TaskRow
from mofsim.db.tables import TaskResult as ResultRow
from mofsim.schemas.base import Id
from mofsim.schemas.envelope import Page
from mofsim.schemas.tasks import OutputFile, SeriesColumns, TaskResult
from mofsim.server.answers import answer, whole
from mofsim.server.context import context, read
from mofsim.server.openapi import document
from mofsim.server.requests import path_id, query
from mofsim.vocabulary import TaskStatus

#: Written by the executor, a line for each step.
SERIES_FILE = "series.csv"


class SeriesQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    points: int = Field(500, ge=10, le=20_000, description="About how many steps to give; spikes are kept")
    attempt: Id | None = Field(None, description="Null: the newest")


@document("tasks", answer=TaskResult, errors=[404, 409])
async def get_result(request: Request) -> Response:
    """See the result of a task that has ended.

    A task that failed, timed out or was cancelled while it ran gives what it reached. 409 while it has not ended.
    """
    task, result = await read(request, queries.result, path_id(request))
    if not TaskStatus(task.status).is_final:
        raise Conflict(f"task {task.id} is {task.status}; follow /api/v1/events?task={task.id} until it has ended")
    if result is None:
        raise NotFound(f"task {task.id} ended {task.status} before it ran, so there is no result; retry it", field="id")
    return answer(_result_to_wire(task, result))


def _result_to_wire(task: TaskRow, result: ResultRow) -> TaskResult:
    return TaskResult(
        task_id=task.id,
        status=TaskStatus(task.status),
        attempt=result.attempt,
        result=result.result_data,
        output_files={name: file_url(task.id, result.attempt, name) for name in result.output_files},
        metrics={"duration_seconds": result.duration_seconds} | result.metrics,
        provenance=result.provenance,
        files_removed_at=result.files_removed_at,
    )


@document("tasks", query=SeriesQuery, answer=SeriesColumns, errors=[404])
async def get_series(request: Request) -> Response:
    """See how energy, forces and volume went, also while the task runs.

    `columns` is empty while no step was made, and when the files were removed by their age.
    """
    task_id, given = path_id(request), query(request, SeriesQuery)
    task = await read(request, queries.find, task_id)
    attempt = task.attempt if given.attempt is None else given.attempt
    if attempt > task.attempt:
        raise NotFound(f"task {task_id} has no attempt {attempt}; the newest is {task.attempt}", field="attempt")
    path = context(request).storage.attempt(task_id, attempt) / SERIES_FILE
    columns = await run_in_threadpool(context(request).series.read, path, given.points)
    return answer(SeriesColumns(task_id=task_id, attempt=attempt, columns=columns))


@document("tasks", answer=Page[OutputFile], errors=[404])
async def list_files(request: Request) -> Response:
    """List the files that a task left.

    None while it has not ended, and none after they were removed by their age: `files_removed_at` of the result.
    """
    task, result = await read(request, queries.result, path_id(request))
    if result is None:
        return whole([])
    sizes, attempt = result.output_files, result.attempt
    return whole(
        OutputFile(name=name, size_bytes=size, url=file_url(task.id, attempt, name)) for name, size in sizes.items()
    )


routes = [
    Route("/api/v1/tasks/{id}/result", get_result),
    Route("/api/v1/tasks/{id}/series", get_series),
    Route("/api/v1/tasks/{id}/files", list_files),
]
