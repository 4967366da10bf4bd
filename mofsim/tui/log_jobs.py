"""What the console asks of the log of the processes: each job ends in a message, also when it fails."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mofsim.tui.jobs import Post
from mofsim.tui.log_messages import OlderLinesCame, StreamEnded, SystemLinesCame, SystemLogRefused

if TYPE_CHECKING:
    from mofsim.client import AsyncClient
    from mofsim.schemas.logs import SystemLogLine
    from mofsim.tui.system_log import LogFilter

#: Lines that are read at once: to begin with and further back, and to catch up.
PAGE, CATCH_UP = 500, 2000
#: Lines that come are handed on at most this often, in seconds.
BATCH = 0.1


async def follow(client: AsyncClient, wanted: LogFilter, newest: datetime | None, post: Post) -> None:
    """The newest lines, or those since `newest`, and then what is written until the line breaks."""
    from mofsim.client import ApiError, ClientError, Forbidden

    batch = _Batch(wanted, post)
    opened = asyncio.Event()
    try:
        async with aclosing(client.system_log_lines(**wanted.arguments(), on_open=opened.set)) as lines:
            # Read only when the stream stands, so that no line falls between the two.
            first = asyncio.ensure_future(anext(lines))
            try:
                await _either(first, opened)
                await _begin(client, wanted, newest, post)
                while True:
                    batch.add(await first)
                    first = asyncio.ensure_future(anext(lines))
            finally:
                first.cancel()
                await asyncio.gather(first, return_exceptions=True)
    except Forbidden as error:
        post(SystemLogRefused(wanted, error.detail, by_key=True))
    except ApiError as error:
        post(SystemLogRefused(wanted, error.detail))
    except ClientError:
        # The feed sees that too, and says so.
        post(StreamEnded(wanted))
    finally:
        batch.hand_on()


async def _either(first: asyncio.Future[SystemLogLine], opened: asyncio.Event) -> None:
    """Until the stream stands, or has failed."""
    waiting = asyncio.ensure_future(opened.wait())
    both: set[asyncio.Future[Any]] = {first, waiting}
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()


async def _begin(client: AsyncClient, wanted: LogFilter, newest: datetime | None, post: Post) -> None:
    if newest is None:
        page = await client.system_logs(**wanted.arguments(), limit=PAGE)
        post(OlderLinesCame(wanted, page.items, page.next_cursor))
    else:
        page = await client.system_logs(**wanted.arguments(), since=newest, limit=CATCH_UP)
        post(SystemLinesCame(wanted, page.items[::-1], missed=page.next_cursor is not None))


async def older(
    client: AsyncClient, wanted: LogFilter, cursor: str | None, oldest: datetime | None, post: Post
) -> None:
    from mofsim.client import ApiError, ClientError

    until = oldest if cursor is None else None
    try:
        page = await client.system_logs(**wanted.arguments(), until=until, limit=PAGE, cursor=cursor)
    except ApiError as error:
        post(SystemLogRefused(wanted, error.detail))
    except ClientError:
        post(StreamEnded(wanted))
    else:
        post(OlderLinesCame(wanted, page.items, page.next_cursor))


class _Batch:
    """Lines that come one by one, handed on together."""

    def __init__(self, wanted: LogFilter, post: Post) -> None:
        self._wanted = wanted
        self._post = post
        self._lines: list[SystemLogLine] = []
        self._timer: asyncio.TimerHandle | None = None

    def add(self, line: SystemLogLine) -> None:
        self._lines.append(line)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(BATCH, self.hand_on)

    def hand_on(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        lines, self._lines = self._lines, []
        if lines:
            self._post(SystemLinesCame(self._wanted, lines))
