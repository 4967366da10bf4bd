"""Events to many clients: the database is asked once, however many listen.

A client gets first what it missed, read from the database page by page, then what happens, from here. It joins
before it reads: everything up to `last_id` of that moment comes from the database, everything after it comes through
the subscription, so that no event is lost or comes twice between the two.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import structlog
from sqlalchemy.orm import Session

from mofsim.core import events
from mofsim.db.engine import AsyncDatabase
from mofsim.schemas.events import Event
from mofsim.server.doorbell import Doorbell
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
        doorbell = await Doorbell.at(self._database.reader.url)
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

    @contextmanager
    def subscribed(self, task_id: int | None) -> Iterator[Subscription]:
        subscription = Subscription(task_id, self._backlog, self.last_id)
        self._subscriptions.add(subscription)
        if self.closed:
            subscription.close()
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    async def messages(self, since: int | None, task_id: int | None) -> AsyncIterator[list[Message]]:
        """The events after `since`, or from now on; ends when the server stops."""
        with self.subscribed(task_id) as subscription:
            newest = await self._database.read(events.last_id)
            sent = newest if since is None else since
            if await self._database.read(self._can_not_resume, sent, task_id):
                sent = newest
                yield [reset_at(sent)]
            async for page in self._missed(sent, subscription):
                yield page
                sent = page[-1].id
            async for batch in subscription.batches():
                # A client may know events already that were not read here yet when it joined.
                yield [message for message in batch if message.id > sent]

    async def _missed(self, since: int, subscription: Subscription) -> AsyncIterator[list[Message]]:
        while since < subscription.joined_at:
            found = await self._database.read(events.after, since, PAGE, subscription.task_id)
            page = [encode(event) for event in found if event.id <= subscription.joined_at]
            if not page:
                return
            yield page
            since = page[-1].id

    def _can_not_resume(self, session: Session, since: int, task_id: int | None) -> bool:
        return (
            since > events.last_id(session)
            or events.gap_before(session, since)
            or events.more_than(session, since, self._backlog, task_id)
        )

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
