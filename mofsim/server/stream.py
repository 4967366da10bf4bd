"""Events to many clients: the database is asked once, however many listen.

A client gets first what it missed, read from the database page by page, then what happens, from here. Where the one
ends and the other begins is settled when it joins (`Subscription.joined_at`): no event is lost between the two, or
comes twice.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import structlog
from sqlalchemy.orm import Session

from mofsim.core import events
from mofsim.db.engine import AsyncDatabase
from mofsim.schemas.events import Event
from mofsim.server.doorbell import Doorbell, doorbell_at
from mofsim.server.subscription import PAGE, Message, Subscription, encode, reset_at

log = structlog.get_logger("mofsim.events")

#: Pause before events are read again after a failure.
RETRY_SECONDS = 1.0


@asynccontextmanager
async def _background(coroutine: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(coroutine)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class EventStream:
    """Follows the events table for all clients."""

    def __init__(self, database: AsyncDatabase, poll_seconds: float, backlog: int) -> None:
        self.closed = False
        self.last_id = 0
        #: set at the next change of the database, and then replaced by a new one
        self.change = asyncio.Event()
        self._database = database
        self._poll_seconds = poll_seconds
        self._backlog = backlog
        self._subscriptions: set[Subscription] = set()

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        doorbell = await doorbell_at(self._database.blocking.url)
        try:
            await doorbell.rang()
            self.last_id = await self._database.read(events.last_id)
            async with _background(self._follow(doorbell)):
                yield
        finally:
            self.close()
            await doorbell.close()

    def close(self) -> None:
        """End all streams, so that the server can stop."""
        self.closed = True
        self.change.set()
        for subscription in self._subscriptions:
            subscription.close()

    async def open(self, since: int | None, task_id: int | None) -> AsyncGenerator[list[Message]]:
        """The events after `since`, or from now on, in batches; ends when the server stops.

        Now is when this returns: a client that sees its stream open misses nothing that follows.
        """
        batches = self._batches(since, task_id)
        await anext(batches)
        return batches

    async def _batches(self, since: int | None, task_id: int | None) -> AsyncGenerator[list[Message]]:
        newest, can_resume = await self._database.read(self._start, since, task_id)
        with self._subscribed(task_id, newest) as subscription:
            yield []
            if can_resume:
                async for page in self._missed(newest if since is None else since, subscription):
                    yield page
            else:
                yield [reset_at(subscription.joined_at)]
            async for batch in subscription.batches():
                yield batch

    def _start(self, session: Session, since: int | None, task_id: int | None) -> tuple[int, bool]:
        """The newest event, and whether a client that knows those up to `since` can go on from there."""
        newest = events.last_id(session)
        return newest, since is None or not (
            since > newest
            or events.gap_before(session, since)
            or events.more_than(session, since, self._backlog, task_id)
        )

    @contextmanager
    def _subscribed(self, task_id: int | None, newest: int) -> Iterator[Subscription]:
        # The database may be ahead of what was published here, or the other way round.
        subscription = Subscription(task_id, self._backlog, max(newest, self.last_id))
        self._subscriptions.add(subscription)
        if self.closed:
            subscription.close()
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    async def _missed(self, since: int, subscription: Subscription) -> AsyncIterator[list[Message]]:
        while since < subscription.joined_at:
            found = await self._database.read(events.after, since, PAGE, subscription.task_id)
            page = [encode(event) for event in found if event.id <= subscription.joined_at]
            if not page:
                return
            yield page
            since = page[-1].id

    async def _follow(self, doorbell: Doorbell) -> None:
        while True:
            await asyncio.sleep(self._poll_seconds)
            try:
                if await doorbell.rang():
                    await self._read_new()
                    self.change.set()
                    self.change = asyncio.Event()
            except Exception:
                log.exception("new events can not be read; trying again")
                await asyncio.sleep(RETRY_SECONDS)

    async def _read_new(self) -> None:
        if not self._subscriptions:
            newest = await self._database.read(events.last_id)
            # Somebody may have joined meanwhile, who counts on what was not read yet.
            if not self._subscriptions:
                self.last_id = newest
        while found := await self._database.read(events.after, self.last_id, PAGE):
            self._publish(found)

    def _publish(self, found: list[Event]) -> None:
        for event in found:
            message = encode(event)
            self.last_id = event.id
            for subscription in self._subscriptions:
                subscription.push(message)
