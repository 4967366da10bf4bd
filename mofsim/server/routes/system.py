"""The state of the system: is it well, what does it have, what does it do."""

import shutil

from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mofsim import __version__
from mofsim.core import alerts, events, overview, queries, readings, stats, workers
from mofsim.schemas.envelope import Page
from mofsim.schemas.machines import History, HistoryQuery, Host
from mofsim.schemas.overview import Overview
from mofsim.schemas.resources import Gpu, Health, Queue, SettingValue, Stats, Worker
from mofsim.server.answers import answer, whole
from mofsim.server.context import context, read, write
from mofsim.server.openapi import document
from mofsim.server.requests import MB, query
from mofsim.vocabulary import WorkerState


@document("system", answer=Health, errors=[503])
async def get_health(request: Request) -> Response:
    """Say whether the server works, in one small answer."""
    return answer(await read(request, _health))


def _health(session: Session) -> Health:
    online = workers.online(session)
    return Health(
        status="ok",
        version=__version__,
        database="ok",
        workers_online=len(online),
        workers_busy=sum(worker.state == WorkerState.BUSY for worker in online),
        alerts_active=len(alerts.active(session)),
        queue=_queue(session),
        last_event_id=events.last_id(session),
    )


def _queue(session: Session) -> Queue:
    counts = {status.value: n for status, n in queries.counts_by_status(session).items()}
    return Queue(by_status=counts, queued_by_priority=queries.queued_by_priority(session))


@document("system", answer=Queue)
async def get_queue(request: Request) -> Response:
    """Count the tasks by status, and those that wait for a device by priority."""
    return answer(await read(request, _queue))


@document("system", answer=Stats)
async def get_stats(request: Request) -> Response:
    """Tell what was done so far: how tasks and attempts ended, how long they took, and the room that is left."""
    disk = await run_in_threadpool(shutil.disk_usage, context(request).storage.root)
    return answer(await read(request, stats.collect, disk.free / MB, disk.total / MB))


@document("system", answer=Overview)
async def get_overview(request: Request) -> Response:
    """See the whole at a glance: what waits and for how long, what ended and failed of late, and what is stuck."""
    return answer(await read(request, overview.collect))


@document("system", answer=Page[Worker])
async def list_workers(request: Request) -> Response:
    """List the device workers."""
    return whole(Worker.model_validate(worker) for worker in await read(request, workers.listing))


@document("system", answer=Worker, status=202, errors=[404])
async def drain_worker(request: Request) -> Response:
    """Let a worker finish its task and take no other one, until it is resumed.

    Its `state` tells when it has done so: DRAINED.
    """
    worker = await write(request, workers.drain, request.path_params["worker"])
    return answer(Worker.model_validate(worker), 202)


@document("system", answer=Worker, status=202, errors=[404])
async def resume_worker(request: Request) -> Response:
    """Let a drained worker take tasks again."""
    worker = await write(request, workers.resume, request.path_params["worker"])
    return answer(Worker.model_validate(worker), 202)


@document("system", answer=Page[Gpu])
async def list_gpus(request: Request) -> Response:
    """List the GPUs as they were seen last."""
    return whole(Gpu.model_validate(device) for device in await read(request, workers.gpus))


@document("system", query=HistoryQuery, answer=History, errors=[404])
async def get_gpu_history(request: Request) -> Response:
    """See memory, utilisation, temperature and power of a GPU over the last minutes or hours."""
    gpu, given = request.path_params["id"], query(request, HistoryQuery)
    columns = await read(request, readings.history_of_gpu, gpu, given.seconds, given.points)
    return answer(History(subject=gpu, columns=columns))


@document("system", answer=Page[Host])
async def list_hosts(request: Request) -> Response:
    """List the boxes as they were seen last: cores, load and memory."""
    return whole(Host.model_validate(host) for host in await read(request, readings.hosts))


@document("system", query=HistoryQuery, answer=History, errors=[404])
async def get_host_history(request: Request) -> Response:
    """See memory and load of the cores of a box over the last minutes or hours."""
    host, given = request.path_params["host"], query(request, HistoryQuery)
    columns = await read(request, readings.history_of_host, host, given.seconds, given.points)
    return answer(History(subject=host, columns=columns))


@document("system", answer=Page[SettingValue])
async def list_settings(request: Request) -> Response:
    """List the settings that hold and where each comes from; secrets are hidden."""
    return whole(SettingValue.model_validate(line) for line in context(request).settings.describe())


routes = [
    Route("/health", get_health),
    Route("/api/v1/health", get_health),
    Route("/api/v1/system/queue", get_queue),
    Route("/api/v1/system/stats", get_stats),
    Route("/api/v1/system/overview", get_overview),
    Route("/api/v1/system/workers", list_workers),
    Route("/api/v1/system/workers/{worker}/drain", drain_worker, methods=["POST"]),
    Route("/api/v1/system/workers/{worker}/resume", resume_worker, methods=["POST"]),
    Route("/api/v1/system/gpus", list_gpus),
    Route("/api/v1/system/gpus/{id}/history", get_gpu_history),
    Route("/api/v1/system/hosts", list_hosts),
    Route("/api/v1/system/hosts/{host}/history", get_host_history),
    Route("/api/v1/system/config", list_settings),
]
