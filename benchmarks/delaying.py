"""A line that takes its time: a TCP proxy that hands every byte on after a while, in order, in both directions."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

PIECE = 65536


@contextmanager
def delayed(port: int, added_seconds: float) -> Iterator[int]:
    """The port of a proxy to `port` of this machine whose answers come `added_seconds` later, half of it each way."""
    loop = asyncio.new_event_loop()
    proxy = _Proxy(port, added_seconds / 2)
    own_port = loop.run_until_complete(proxy.start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield own_port
    finally:
        asyncio.run_coroutine_threadsafe(proxy.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


class _Proxy:
    def __init__(self, port: int, one_way_seconds: float) -> None:
        self._port = port
        self._seconds = one_way_seconds
        self._lines: set[asyncio.Task[None]] = set()

    async def start(self) -> int:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        self._server.close()
        for line in self._lines:
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = asyncio.current_task()
        assert line is not None
        self._lines.add(line)
        try:
            # A handshake takes a way there and a way back too.
            await asyncio.sleep(2 * self._seconds)
            there, back = await asyncio.open_connection("127.0.0.1", self._port)
            await asyncio.gather(self._hand_on(reader, back), self._hand_on(there, writer))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            self._lines.discard(line)

    async def _hand_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Reading goes on while pieces are under way, so that it is late, and not slow."""
        loop = asyncio.get_running_loop()
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def deliver() -> None:
            while True:
                due, piece = await under_way.get()
                await asyncio.sleep(max(0.0, due - loop.time()))
                if not piece:
                    break
                writer.write(piece)
                await writer.drain()
            with suppress(OSError):
                writer.write_eof()

        delivering = asyncio.create_task(deliver())
        try:
            while True:
                piece = await reader.read(PIECE)
                under_way.put_nowait((loop.time() + self._seconds, piece))
                if not piece:
                    break
            await delivering
        finally:
            delivering.cancel()
