"""Requests to a server over plain sockets, by a loop that costs a tenth of what an HTTP client does; what they took."""

import asyncio
import gc
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass
class Took:
    """Milliseconds of each request, and how busy driver and server were meanwhile."""

    ms: list[float] = field(default_factory=list)
    seconds: float = 0.0
    driver_cpu: float = 0.0

    def quantile(self, share: float) -> float:
        """Of the sorted times that which `share` of the requests did not exceed."""
        return sorted(self.ms)[min(len(self.ms) - 1, int(share * len(self.ms)))]

    @property
    def per_second(self) -> float:
        return len(self.ms) / self.seconds


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    body: Any = None
    status: int = 200


@dataclass
class Line:
    """One connection, kept open, with one request at a time."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    head: str

    @classmethod
    async def to(cls, port: int, key: str) -> Self:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
        return cls(reader, writer, f"Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n")

    async def send(self, request: Request) -> bytes:
        """The body of the answer; raises RuntimeError for another status than that of the request."""
        body = b"" if request.body is None else json.dumps(request.body).encode()
        kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
        self.writer.write(f"{request.method} {request.path} HTTP/1.1\r\n{self.head}{kind}\r\n".encode() + body)
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length:")[2].partition("\r\n")[0])
        answer = await self.reader.readexactly(length)
        if int(head.split(" ", 2)[1]) != request.status:
            raise RuntimeError(f"{request.method} {request.path}: {head.splitlines()[0]} {answer[:500]!r}")
        return answer

    def close(self) -> None:
        self.writer.close()


@asynccontextmanager
async def lines(port: int, key: str, n: int) -> AsyncIterator[list[Line]]:
    found = [await Line.to(port, key) for _ in range(n)]
    try:
        yield found
    finally:
        for line in found:
            line.close()


async def drive(
    over: list[Line], requests: Callable[[], Request], seconds: float, per_second: float | None = None
) -> Took:
    """Ask over all lines for so long: each as soon as it has its answer, or all together `per_second` times.

    With a pace, a request counts from when it was due, also when its line was still busy with the one before.
    """
    took = Took()
    every = len(over) / per_second if per_second else 0.0
    with quiet(), cpu(took):
        # The driver's own garbage is collected by now.
        begun = time.perf_counter()
        end = begun + seconds

        async def ask(line: Line, due: float) -> None:
            while (now := time.perf_counter()) < end:
                if every and due > now:
                    await asyncio.sleep(due - now)
                since = due if every else now
                await line.send(requests())
                took.ms.append(1000 * (time.perf_counter() - since))
                due += every

        await asyncio.gather(*(ask(line, begun + n * every / len(over)) for n, line in enumerate(over)))
    took.seconds = time.perf_counter() - begun
    return took


async def listen(line: Line, seen: dict[int, list[float]]) -> None:
    """Note in `seen` when this client of the event stream hears of each task for the first time."""
    line.writer.write(f"GET /api/v1/events HTTP/1.1\r\n{line.head}\r\n".encode())
    await line.reader.readuntil(b"\r\n\r\n")
    known: set[int] = set()
    while True:
        event = await line.reader.readuntil(b"\r\n\r\n")
        now = time.perf_counter()
        _, found, rest = event.partition(b'"task_id":')
        task = rest.partition(b",")[0]
        if found and task.isdigit() and int(task) not in known:
            known.add(int(task))
            seen.setdefault(int(task), []).append(now)


@contextmanager
def quiet() -> Iterator[None]:
    """Without the driver's own garbage collection in the measured times."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def cpu(took: Took) -> Iterator[None]:
    before = time.process_time()
    try:
        yield
    finally:
        took.driver_cpu = time.process_time() - before
