"""A client that asks the world of the demo in place of a server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Any, TypeVar

from mofsim.client import AsyncClient
from mofsim.client.request import API, Request, Stream
from mofsim.schemas.events import Event
from mofsim.schemas.logs import SystemLogLine
from mofsim.tui.demo import about_benchmarks, about_stock, about_system, about_tasks, crystals
from mofsim.tui.demo.steering import missing, refused
from mofsim.tui.demo.world import World

T = TypeVar("T")

#: What the console shows in place of an address; nothing listens there.
URL = "http://demo"
#: Seconds between two looks at what happened.
LOOKS_EVERY = 0.5


class DemoLine:
    """Files, as a server streams them."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def stream(self, stream: Stream) -> AsyncGenerator[bytes]:
        content = self._content(stream.path.removeprefix(f"{API}/").split("/"), stream)
        yield b""
        yield content.encode()

    def _content(self, path: list[str], stream: Stream) -> str:
        match path:
            case ["files", id, _, name] if int(id) in self._world.tasks:
                found = about_tasks.contents(self._world, self._world.tasks[int(id)])
                if name in found:
                    return found[name]
            case ["structures", id, "file"] if int(id) in self._world.structures:
                atoms = crystals.crystal(self._world.structures[int(id)].name)
                if stream.query.get("form") == "cif":
                    return crystals.cif(atoms.name, atoms.symbols, atoms.positions, atoms.cell)
                return crystals.extxyz(atoms.symbols, atoms.positions, atoms.cell)
            case ["benchmarks", _, "report"]:
                raise refused(about_benchmarks.NO_SCORES)
        raise missing(f"file {'/'.join(path)}")

    async def close(self) -> None:
        """There is no line."""


class DemoClient(AsyncClient):
    """Requests are those that a server would get; `world` answers them."""

    def __init__(self, world: World | None = None) -> None:
        super().__init__(URL)
        self.world = world or World()
        self._line = DemoLine(self.world)  # type: ignore[assignment]
        self._acted = asyncio.Event()

    async def send(self, request: Request[T]) -> T:
        # Like a server, it answers after others had their turn.
        await asyncio.sleep(0)
        self.world.advance()
        answer: Any = self._answer(request)
        if request.method != "GET":
            self._acted.set()
        return answer  # type: ignore[no-any-return]

    def _answer(self, request: Request[Any]) -> Any:
        first, *rest = request.path.removeprefix(f"{API}/").split("/")
        world, method, query, body = self.world, request.method, request.query, request.json
        match first:
            case "health":
                return about_system.health(world)
            case "system":
                return about_system.answer(world, method, rest, query)
            case "tasks":
                return about_tasks.answer(world, method, rest, query, body)
            case "structures":
                return about_stock.structures(world, method, rest, query, body)
            case "models":
                return about_stock.models(world, method, rest, body)
            case "alerts":
                return about_stock.alerts(world, method, rest, body)
            case "benchmarks":
                return about_benchmarks.answer(world, method, rest, body)
        raise missing(request.path)

    async def events(
        self,
        last_event_id: int | None = None,
        task: int | None = None,
        *,
        on_open: Callable[[], None] | None = None,
    ) -> AsyncGenerator[Event]:
        last = self.world.n_events if last_event_id is None else last_event_id
        if on_open:
            on_open()
        while True:
            self.world.advance()
            for event in self.world.events_after(last):
                last = event.id
                if task in (None, event.task_id):
                    yield event
            # What somebody did is told at once.
            with suppress(TimeoutError):
                await asyncio.wait_for(self._acted.wait(), LOOKS_EVERY)
            self._acted.clear()

    async def system_log_lines(
        self,
        level: Any = "",
        text: str = "",
        logger: str = "",
        process: str = "",
        task: int | None = None,
        *,
        on_open: Callable[[], None] | None = None,
    ) -> AsyncGenerator[SystemLogLine]:
        told = self.world.n_lines
        if on_open:
            on_open()
        while True:
            new = self.world.n_lines - told
            told = self.world.n_lines
            for line in list(self.world.lines)[-new:] if new else ():
                if about_system.fits(line, level, process, task, text):
                    yield line
            await asyncio.sleep(LOOKS_EVERY)

    async def close(self) -> None:
        """There is no line."""
