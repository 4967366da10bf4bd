"""Batches: how far they are, what came of them, and changes to all of their tasks."""

from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum

from asgi_correlation_id import correlation_id
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from mofsim.core import batch_results, batches
from mofsim.db.tables import Task
from mofsim.schemas.batches import Batch, BatchChanged, BatchRow
from mofsim.schemas.envelope import Page
from mofsim.server.answers import answer, page
from mofsim.server.context import Context, context, read, wake_workers
from mofsim.server.openapi import document
from mofsim.server.requests import path_id, query
from mofsim.server.routes.files import NOSNIFF


class BatchQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=1000, description="next_cursor of the page before")


class RetryFailedQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    cancelled: bool = Field(False, description="Those that were cancelled too")
    clean: bool = Field(False, description="Start from the beginning, whatever checkpoint there is")


class TableFormat(StrEnum):
    JSON = "json"
    CSV = "csv"


class ResultsQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: TableFormat = Field(TableFormat.JSON, description="In CSV, text that begins as a formula does follows a '")


@document("batches", query=BatchQuery, answer=Page[Batch])
async def list_batches(request: Request) -> Response:
    """List batches, newest first, one page at a time."""
    given = query(request, BatchQuery)
    found = await read(request, batches.page, given.limit, given.cursor)
    return page(found.items, found.next_cursor, found.total)


@document("batches", answer=Batch, errors=[404])
async def get_batch(request: Request) -> Response:
    """See how far a batch is."""
    return answer(await read(request, batches.describe, path_id(request, "batch")))


@document("batches", answer=BatchChanged, status=202, errors=[404])
async def cancel_batch(request: Request) -> Response:
    """Cancel all tasks of a batch that have not ended."""
    changed, _ = await run_in_threadpool(_cancel, context(request), path_id(request, "batch"))
    return answer(changed, 202)


@document("batches", query=RetryFailedQuery, answer=BatchChanged, status=202, errors=[404])
async def retry_batch(request: Request) -> Response:
    """Let all tasks of a batch wait again that failed or ran into their time limit."""
    given = query(request, RetryFailedQuery)
    changed, tasks = await run_in_threadpool(_retry, context(request), path_id(request, "batch"), given)
    await wake_workers(request, tasks)
    return answer(changed, 202)


# Both change thousands of rows: in a thread, as a batch is submitted.
def _cancel(context: Context, batch_id: int) -> tuple[BatchChanged, list[Task]]:
    with context.blocking_database.write() as session:
        tasks = batches.cancel(session, batch_id)
        session.flush()
        batch = batches.describe(session, batch_id)
    return BatchChanged(batch=batch, task_ids=[task.id for task in tasks]), tasks


def _retry(context: Context, batch_id: int, given: RetryFailedQuery) -> tuple[BatchChanged, list[Task]]:
    with context.blocking_database.write() as session:
        tasks = batches.retry(session, batch_id, cancelled=given.cancelled, clean=given.clean)
        session.flush()
        batch = batches.describe(session, batch_id)
    return BatchChanged(batch=batch, task_ids=[task.id for task in tasks]), tasks


@document("batches", query=ResultsQuery, answer=Page[BatchRow], media_type="text/csv", errors=[404])
async def get_results(request: Request) -> Response:
    """Get a row for each task of a batch, with its main results, how it was computed, or why it failed.

    Units are in the names of the columns. Only a COMPLETED task has results. `total` and `next_cursor` are null: it is
    sent as a whole, as it is read.
    """
    batch_id, given = path_id(request, "batch"), query(request, ResultsQuery)
    names = await read(request, batch_results.columns, batch_id)
    pages = _pages(context(request), batch_id)
    if given.format is TableFormat.JSON:
        return StreamingResponse(json_of(names, pages, correlation_id.get() or ""), media_type="application/json")
    headers = NOSNIFF | {"Content-Disposition": f'attachment; filename="batch-{batch_id}.csv"'}
    return StreamingResponse(csv_of(names, pages), media_type="text/csv; charset=utf-8", headers=headers)


def _pages(context: Context, batch_id: int) -> Iterator[list[BatchRow]]:
    """Each in a transaction of its own: one as long as a download would keep the database from tidying up."""
    after = 0
    while True:
        with context.blocking_database.read() as session:
            found = batch_results.rows(session, batch_id, after)
        if not found:
            return
        yield found
        after = found[-1].task_id


def csv_of(names: list[str], pages: Iterator[list[BatchRow]]) -> Iterator[str]:
    yield batch_results.csv_line(names)
    for found in pages:
        yield "".join(batch_results.csv_lines(names, found))


def json_of(names: list[str], pages: Iterator[list[BatchRow]], request_id: str) -> Iterator[bytes]:
    """The usual envelope, written around the rows as they come."""
    yield b'{"success":true,"code":200,"message":"OK","data":{"items":['
    comma = b""
    for found in pages:
        rows = [{name: values.get(name) for name in names} for values in (row.model_dump() for row in found)]
        yield comma + b",".join(to_json(row, inf_nan_mode="null") for row in rows)
        comma = b","
    rest = {"next_cursor": None, "total": None}
    tail = {"timestamp": datetime.now(UTC), "request_id": request_id}
    yield b"]," + to_json(rest)[1:] + b"," + to_json(tail)[1:]


routes = [
    Route("/api/v1/batches", list_batches),
    Route("/api/v1/batches/{id}", get_batch),
    Route("/api/v1/batches/{id}/cancel", cancel_batch, methods=["POST"]),
    Route("/api/v1/batches/{id}/retry-failed", retry_batch, methods=["POST"]),
    Route("/api/v1/batches/{id}/results", get_results),
]
