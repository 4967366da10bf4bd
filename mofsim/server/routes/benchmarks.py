"""Benchmarks: what they compute and cost, how far they are, and what models scored."""

from collections.abc import Callable
from datetime import UTC, datetime

from asgi_correlation_id import correlation_id
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from mofsim.benchmark.scoring import answers
from mofsim.core import benchmark_plan, benchmark_progress, benchmark_results, benchmarks
from mofsim.core.benchmark_definition import structures_of
from mofsim.core.benchmarks import Changed
from mofsim.core.errors import NotFound
from mofsim.schemas.batches import BatchRow
from mofsim.schemas.benchmarks import (
    Benchmark,
    BenchmarkChanged,
    BenchmarkDetail,
    BenchmarkModels,
    BenchmarkPlan,
    BenchmarkStructure,
    BenchmarkSubmit,
)
from mofsim.schemas.envelope import Page
from mofsim.schemas.scores import Scores
from mofsim.schemas.tasks import StructureBrief
from mofsim.server import reporting
from mofsim.server.answers import answer, page
from mofsim.server.context import Context, context, read, wake_workers, write
from mofsim.server.openapi import document
from mofsim.server.requests import json_body, path_id, query
from mofsim.server.routes.batches import BatchQuery, ResultsQuery, TableFormat, csv_of, json_of
from mofsim.server.routes.files import NOSNIFF
from mofsim.vocabulary import ReportFormat, TaskStatus

#: A page that runs nothing and fetches nothing, whatever somebody called a structure.
_STILL = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
_MEDIA = {
    ReportFormat.HTML: ("text/html", "html"),
    ReportFormat.TEXT: ("text/plain", "txt"),
    ReportFormat.CSV: ("text/csv", "csv"),
    ReportFormat.OUTCOMES: ("text/csv", "csv"),
}


class ReportQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: ReportFormat = Field(
        ReportFormat.JSON,
        description="csv: a line for each score; outcomes: a line for each task, beside its reference",
    )


class BenchmarkRetryQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    failed: bool = Field(False, description="Those too that failed by themselves and count against their model")


@document("benchmarks", query=BatchQuery, answer=Page[Benchmark])
async def list_benchmarks(request: Request) -> Response:
    """List benchmarks, newest first, one page at a time."""
    given = query(request, BatchQuery)
    found = await read(request, benchmark_progress.page, given.limit, given.cursor)
    return page(found.items, found.next_cursor, found.total)


@document("benchmarks", json=BenchmarkSubmit, answer=BenchmarkChanged, status=202, errors=[409])
async def start_benchmark(request: Request) -> Response:
    """Compute every task type for every structure of a set with every model.

    Who asks for the same again gets the same benchmark, and only what it lacks is computed: further models, say. What a
    model does not cover is not computed, and counted apart. All are accepted or, when one can not run, none.
    """
    body = await json_body(request, BenchmarkSubmit)
    own = context(request)
    return await _changed(
        request,
        lambda session: benchmarks.start(session, body, own.defaults, own.storage.root, own.reuse),
    )


@document("benchmarks", json=BenchmarkSubmit, answer=BenchmarkPlan)
async def estimate_benchmark(request: Request) -> Response:
    """Say what a benchmark would compute and cost. It is checked as when it is started, and not started."""
    body = await json_body(request, BenchmarkSubmit)
    return answer(await run_in_threadpool(_plan, context(request), body))


def _plan(context: Context, body: BenchmarkSubmit) -> BenchmarkPlan:
    with context.blocking_database.read() as session:
        return benchmark_plan.plan(session, body, context.defaults, context.reuse)


@document("benchmarks", answer=BenchmarkDetail, errors=[404])
async def get_benchmark(request: Request) -> Response:
    """See a benchmark with its matrix: where each model is with each structure and task type."""
    benchmark_id = path_id(request, "benchmark")
    return answer(await run_in_threadpool(_detail, context(request), benchmark_id))


def _detail(context: Context, benchmark_id: int) -> BenchmarkDetail:
    with context.blocking_database.read() as session:
        return benchmark_progress.describe(session, benchmark_id)


@document("benchmarks", answer=Benchmark, errors=[404])
async def get_progress(request: Request) -> Response:
    """See how far a benchmark is, without its matrix."""
    return answer(await read(request, benchmark_progress.brief, path_id(request, "benchmark")))


@document("benchmarks", json=BenchmarkModels, answer=BenchmarkChanged, status=202, errors=[404, 409])
async def add_models(request: Request) -> Response:
    """Compute a benchmark with further models; what is there is not computed again."""
    benchmark_id, own = path_id(request, "benchmark"), context(request)
    names = (await json_body(request, BenchmarkModels)).models
    return await _changed(
        request,
        lambda session: benchmarks.add_models(session, benchmark_id, names, own.defaults, own.storage.root, own.reuse),
    )


@document("benchmarks", query=BenchmarkRetryQuery, answer=BenchmarkChanged, status=202, errors=[404, 409])
async def retry_benchmark(request: Request) -> Response:
    """Try again what a worker, a device, a disk or a person ended, and what somebody deleted."""
    benchmark_id, given, own = path_id(request, "benchmark"), query(request, BenchmarkRetryQuery), context(request)
    return await _changed(
        request,
        lambda session: benchmarks.retry(
            session, benchmark_id, own.defaults, own.storage.root, own.reuse, failed=given.failed
        ),
    )


@document("benchmarks", answer=BenchmarkChanged, status=202, errors=[404])
async def cancel_benchmark(request: Request) -> Response:
    """Cancel all tasks of a benchmark that have not ended."""
    benchmark_id = path_id(request, "benchmark")
    return await _changed(request, lambda session: benchmarks.cancel(session, benchmark_id))


@document("benchmarks", answer=None, errors=[404, 409])
async def delete_benchmark(request: Request) -> Response:
    """Forget a benchmark; its tasks and their results stay."""
    benchmark_id = path_id(request, "benchmark")
    await write(request, benchmarks.remove, benchmark_id)
    return answer(message=f"benchmark {benchmark_id} was forgotten")


async def _changed(request: Request, change: Callable[[Session], Changed]) -> Response:
    changed, made = await run_in_threadpool(_write, context(request), change)
    await wake_workers(request, made.tasks)
    return answer(changed, 202, headers={"Location": f"/api/v1/benchmarks/{changed.benchmark.id}"})


def _write(context: Context, change: Callable[[Session], Changed]) -> tuple[BenchmarkChanged, Changed]:
    """In a thread: it may change thousands of rows, as a batch does."""
    with context.blocking_database.write() as session:
        made = change(session)
        session.flush()
        told = BenchmarkChanged(
            benchmark=benchmark_progress.summary(session, made.benchmark),
            is_new=made.is_new,
            n_submitted=len(made.submitted),
            n_reused=sum(task.status == TaskStatus.COMPLETED for task in made.submitted),
            n_retried=len(made.retried),
            n_cancelled=len(made.cancelled),
            left_out=made.left_out,
        )
    return told, made


@document("benchmarks", query=ResultsQuery, answer=Page[BatchRow], media_type="text/csv", errors=[404])
async def get_benchmark_results(request: Request) -> Response:
    """Get a row for each task of a benchmark, as those of a batch.

    What is not covered has no task and no row. `total` and `next_cursor` are null: it is sent as a whole.
    """
    benchmark_id, given = path_id(request, "benchmark"), query(request, ResultsQuery)
    names = await read(request, benchmark_results.columns, benchmark_id)
    pages = benchmark_results.pages(context(request).blocking_database, benchmark_id)
    if given.format is TableFormat.JSON:
        return StreamingResponse(json_of(names, pages, correlation_id.get() or ""), media_type="application/json")
    headers = NOSNIFF | {"Content-Disposition": f'attachment; filename="benchmark-{benchmark_id}.csv"'}
    return StreamingResponse(csv_of(names, pages), media_type="text/csv; charset=utf-8", headers=headers)


@document("benchmarks", query=ReportQuery, answer=Scores, media_type="text/html text/csv text/plain", errors=[404, 503])
async def get_report(request: Request) -> Response:
    """Get what models scored, compared with references and with each other, also while tasks run.

    As JSON all of it can be computed again; HTML is one page, with a section for each structure.
    """
    benchmark_id, given = path_id(request, "benchmark"), query(request, ReportQuery)
    await read(request, benchmarks.find, benchmark_id)
    settings = context(request).settings
    busy = settings.database.busy_timeout_seconds
    order = reporting.Order(str(settings.database_url), busy, benchmark_id, given.format)
    async with context(request).reports:
        made = await run_in_threadpool(reporting.make, order)
    if given.format is ReportFormat.JSON:
        return Response(_enveloped(made), media_type="application/json")
    media_type, suffix = _MEDIA[given.format]
    name = f"benchmark-{benchmark_id}{'-outcomes' if given.format is ReportFormat.OUTCOMES else ''}.{suffix}"
    headers = NOSNIFF | _STILL | {"Content-Disposition": f'inline; filename="{name}"'}
    return Response(made, headers=headers, media_type=f"{media_type}; charset=utf-8")


def _enveloped(scores: bytes) -> bytes:
    """The usual envelope, without reading megabytes only to write them again."""
    tail = {"timestamp": datetime.now(UTC), "request_id": correlation_id.get() or ""}
    return b'{"success":true,"code":200,"message":"OK","data":' + scores + b"," + to_json(tail)[1:]


@document("benchmarks", answer=BenchmarkStructure, errors=[404])
async def get_benchmark_structure(request: Request) -> Response:
    """See what all models of a benchmark say of one structure, side by side and beside the references."""
    benchmark_id, structure_id = path_id(request, "benchmark"), path_id(request, "structure", "structure")
    return answer(await run_in_threadpool(_of_structure, context(request), benchmark_id, structure_id))


def _of_structure(context: Context, benchmark_id: int, structure_id: int) -> BenchmarkStructure:
    with context.blocking_database.read() as session:
        benchmark = benchmarks.find(session, benchmark_id)
        structure = next((each for each in structures_of(session, benchmark) if each.id == structure_id), None)
        if structure is None:
            raise NotFound(
                f"structure {structure_id} is not in benchmark {benchmark_id}; GET /api/v1/benchmarks/{benchmark_id} "
                "lists those that are",
                field="structure",
            )
        cells = benchmark_progress.cells_of(session, benchmark_id, structure_id)
    # Of all structures: what is answered without a model is told by the others.
    rows = [row for rows in benchmark_results.pages(context.blocking_database, benchmark_id) for row in rows]
    columns, outcomes = answers(rows, reporting.references_of(benchmark))
    own = {cell.task_id for cell in cells}
    found = [outcome for outcome in outcomes if outcome.task_id in own]
    there = {outcome.column for outcome in found}
    return BenchmarkStructure(
        structure=StructureBrief.model_validate(structure),
        columns=[column for column in columns if column.id in there],
        outcomes=found,
        cells=cells,
    )


routes = [
    Route("/api/v1/benchmarks", list_benchmarks),
    Route("/api/v1/benchmarks", start_benchmark, methods=["POST"]),
    Route("/api/v1/benchmarks/estimate", estimate_benchmark, methods=["POST"]),
    Route("/api/v1/benchmarks/{id}", get_benchmark),
    Route("/api/v1/benchmarks/{id}", delete_benchmark, methods=["DELETE"]),
    Route("/api/v1/benchmarks/{id}/progress", get_progress),
    Route("/api/v1/benchmarks/{id}/models", add_models, methods=["POST"]),
    Route("/api/v1/benchmarks/{id}/retry", retry_benchmark, methods=["POST"]),
    Route("/api/v1/benchmarks/{id}/cancel", cancel_benchmark, methods=["POST"]),
    Route("/api/v1/benchmarks/{id}/results", get_benchmark_results),
    Route("/api/v1/benchmarks/{id}/report", get_report),
    Route("/api/v1/benchmarks/{id}/structures/{structure}", get_benchmark_structure),
]
