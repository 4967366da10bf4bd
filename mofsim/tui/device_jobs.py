"""What the dashboard and the list of workers ask of the server, as the jobs in `jobs` do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mofsim.tui import device_messages
from mofsim.tui.jobs import SELECT_PAGE, Post, _each, _quietly
from mofsim.vocabulary import ACTIVE

if TYPE_CHECKING:
    from mofsim.client import AsyncClient
    from mofsim.schemas.resources import Worker
    from mofsim.tui.device_book import Place


async def overview(client: AsyncClient, post: Post) -> None:
    found = await _quietly(client.overview())
    if found is not None:
        post(device_messages.OverviewCame(found))


async def machines(client: AsyncClient, post: Post) -> None:
    workers, gpus, hosts = [
        await _quietly(client.workers()),
        await _quietly(client.gpus()),
        await _quietly(client.hosts()),
    ]
    if workers is not None and gpus is not None and hosts is not None:
        post(device_messages.MachinesCame(workers, gpus, hosts))


async def running(client: AsyncClient, post: Post) -> None:
    found = await _quietly(client.tasks(sorted(ACTIVE), limit=SELECT_PAGE))
    if found is not None:
        post(device_messages.RunningCame(found.items))


async def device_history(client: AsyncClient, place: Place, seconds: float, points: int, post: Post) -> None:
    """None yet of a device that was not seen: it is asked for again."""
    ask = client.gpu_history if place.on_gpu else client.host_history
    found = await _quietly(ask(place.subject, seconds, points))
    if found is not None:
        post(device_messages.HistoryCame(found, seconds))


async def models(client: AsyncClient, post: Post) -> None:
    found = await _quietly(client.models())
    if found is not None:
        post(device_messages.ModelsCame(found))


async def drain(client: AsyncClient, workers: Sequence[Worker], post: Post) -> None:
    busy = any(worker.task_id is not None for worker in workers)
    words = "takes no task after the one that runs" if busy and len(workers) == 1 else "takes no task from now on"
    words = words if len(workers) == 1 else "take no task after those that run" if busy else "take no task from now on"
    await _each(workers, lambda worker: client.drain_worker(worker.id), words, post, "worker")


async def resume(client: AsyncClient, workers: Sequence[Worker], post: Post) -> None:
    words = "takes tasks again" if len(workers) == 1 else "take tasks again"
    await _each(workers, lambda worker: client.resume_worker(worker.id), words, post, "worker")


async def load_model(client: AsyncClient, workers: Sequence[Worker], model: str, post: Post) -> None:
    words = f"{'loads' if len(workers) == 1 else 'load'} {model} before the next task"
    await _each(workers, lambda worker: client.load_model(model, worker.id), words, post, "worker")


async def unload_model(client: AsyncClient, workers: Sequence[Worker], model: str, post: Post) -> None:
    words = f"{'gives' if len(workers) == 1 else 'give'} the memory of {model} back before the next task"
    await _each(workers, lambda worker: client.unload_model(model, worker.id), words, post, "worker")
