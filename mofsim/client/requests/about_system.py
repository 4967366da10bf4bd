"""The server, its queue, its workers and their GPUs, and what they log."""

from datetime import datetime

from mofsim.client.request import API, Request, get, segment
from mofsim.client.requests.answers import _list_of
from mofsim.schemas.envelope import Page
from mofsim.schemas.logs import SystemLogLine
from mofsim.schemas.machines import History, Host
from mofsim.schemas.overview import Overview
from mofsim.schemas.resources import Gpu, Health, Queue, Stats, Worker
from mofsim.vocabulary import LogLevel


def health() -> Request[Health]:
    return get("/health", Health.model_validate)


def system_logs(
    level: LogLevel | str = "",
    text: str = "",
    logger: str = "",
    process: str = "",
    task: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 200,
    cursor: str | None = None,
) -> Request[Page[SystemLogLine]]:
    """Lines of the logs of mofsim's processes that fit all of these, newest first.

    A page may have fewer lines than `limit`, or none, and still a `next_cursor`: the search goes on from there.
    """
    query = {
        "level": str(level),
        "text": text,
        "logger": logger,
        "process": process,
        "task": task,
        "since": since.isoformat() if since else None,
        "until": until.isoformat() if until else None,
        "limit": limit,
        "cursor": cursor,
    }
    return get("/system/logs", Page[SystemLogLine].model_validate, query)


def queue() -> Request[Queue]:
    return get("/system/queue", Queue.model_validate)


def stats() -> Request[Stats]:
    """What was done so far; rates are differences of two of these."""
    return get("/system/stats", Stats.model_validate)


def overview() -> Request[Overview]:
    """What waits and for how long, what ended and failed of late, and what is stuck."""
    return get("/system/overview", Overview.model_validate)


def workers() -> Request[list[Worker]]:
    return get("/system/workers", _list_of(Worker))


def drain_worker(id: str) -> Request[Worker]:
    """Let a worker finish its task and take no other one; its state tells when it has."""
    return Request("POST", f"{API}/system/workers/{segment(id)}/drain", Worker.model_validate, tries=2)


def resume_worker(id: str) -> Request[Worker]:
    """Let a drained worker take tasks again."""
    return Request("POST", f"{API}/system/workers/{segment(id)}/resume", Worker.model_validate, tries=2)


def gpus() -> Request[list[Gpu]]:
    return get("/system/gpus", _list_of(Gpu))


def gpu_history(id: str, seconds: float = 3600, points: int = 300) -> Request[History]:
    """What a GPU showed over the last `seconds`, in at most `points` means."""
    return get(f"/system/gpus/{segment(id)}/history", History.model_validate, {"seconds": seconds, "points": points})


def hosts() -> Request[list[Host]]:
    """The boxes: cores, load, memory."""
    return get("/system/hosts", _list_of(Host))


def host_history(name: str, seconds: float = 3600, points: int = 300) -> Request[History]:
    """What a box showed over the last `seconds`, in at most `points` means."""
    return get(f"/system/hosts/{segment(name)}/history", History.model_validate, {"seconds": seconds, "points": points})
