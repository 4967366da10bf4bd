"""The async client against a real server; what it shares with the blocking one is tested there."""

import asyncio
import hashlib
import inspect
from pathlib import Path

import pytest

from mofsim.client import AsyncClient, Client, ClientError, NotFound
from mofsim.schemas.tasks import Task
from mofsim.vocabulary import TaskStatus

from .running import Hands, Server


def methods(client: type) -> dict[str, str]:
    found = {name: member for name, member in vars(client).items() if not name.startswith("_")}
    return {
        name: str(inspect.signature(member).replace(return_annotation=inspect.Signature.empty))
        for name, member in found.items()
        if inspect.isfunction(member)
    }


def test_both_clients_have_the_same_methods() -> None:
    assert methods(AsyncClient) == methods(Client)
    assert methods(Client)["task"] == "(self, /, id: int)"


async def test_requests_run_side_by_side(shared_server: Server) -> None:
    async with AsyncClient(shared_server.url) as client:
        tasks = await asyncio.gather(*(client.submit("single-point", "MOF-5") for _ in range(5)))
        page = await client.tasks()
    assert {task.id for task in tasks} <= {task.id for task in page.items}


async def test_waiting_goes_on_over_a_restart_of_the_server(own_server: Server, hands: Hands) -> None:
    seen: list[Task] = []
    running = asyncio.Event()

    def on_progress(task: Task) -> None:
        seen.append(task)
        if task.status is TaskStatus.RUNNING:
            running.set()

    lost: list[ClientError] = []
    async with AsyncClient(own_server.url) as client:
        task = await client.submit("single-point", "MOF-5")
        waiting = asyncio.create_task(client.wait(task.id, on_progress, on_lost=lost.append))
        lease = await asyncio.to_thread(hands.take)
        await running.wait()
        await asyncio.to_thread(own_server.stop)
        await asyncio.to_thread(hands.step, lease, 3)
        await asyncio.to_thread(hands.end, lease)
        await asyncio.to_thread(own_server.start)
        ended = await waiting
    assert ended.status is TaskStatus.COMPLETED and lost
    assert 3 in [task.progress.step for task in seen]


async def test_a_cancelled_follower_leaves_no_connection_open(shared_server: Server) -> None:
    opened = asyncio.Event()
    async with AsyncClient(shared_server.url) as client:
        follower = asyncio.create_task(anext(client.follow(on_open=opened.set)))
        await opened.wait()
        follower.cancel()
        with pytest.raises(asyncio.CancelledError):
            await follower
        assert (await client.health()).status == "ok"


async def test_a_file_is_downloaded(shared_server: Server, tmp_path: Path) -> None:
    async with AsyncClient(shared_server.url) as client:
        path = await client.structure_file(1, tmp_path)
        assert path.name == "MOF-5.cif" and "data_" in path.read_text()
        assert (await client.structure_file(1, tmp_path, "normalised")).name == "MOF-5.extxyz"
        created = await client.submit_product(["MOF-5"], ["single-point"])
        table = await client.save_batch_results(created.id, tmp_path / "table.csv")
        assert table.read_text().count("MOF-5") == 1
        with pytest.raises(NotFound):
            await client.structure_file(999, tmp_path)


async def test_a_log_plots_and_a_download_are_had(own_server: Server, tmp_path: Path) -> None:
    async with AsyncClient(own_server.url) as client:
        id = (await client.submit("single-point", "MOF-5")).id
        with own_server.hands() as hands:
            lease = hands.take()
            hands.say(lease, "hello")
            hands.end(lease, output_files=hands.write(lease, "eos.png", "png"))
        assert [line.message async for line in client.follow_logs(id)] == ["hello"]
        assert [picture.content for picture in await client.pictures(id)] == [b"png"]
        told: list[int] = []
        await client.download(id, "eos.png", tmp_path, on_progress=lambda done, total: told.append(done))
        assert told[-1] == 3


async def test_a_model_is_uploaded(shared_server: Server, tmp_path: Path) -> None:
    """From its file and not by way of memory: weights may have gigabytes."""
    content = bytes(range(256)) * 10_000
    (tmp_path / "best.pth").write_bytes(content)
    async with AsyncClient(shared_server.url) as client:
        model = await client.add_model(tmp_path / "best.pth", "async", "sevenn", licence="MIT", validate=False)
        assert model.weights_sha256 == hashlib.sha256(content).hexdigest()
        await client.delete_model("async")
        with pytest.raises(FileNotFoundError):
            await client.add_model(tmp_path / "nothing.pth", "async", "sevenn")
