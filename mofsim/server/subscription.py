"""What waits to be sent to one client of the event stream, and how it goes over the wire."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass

from sse_starlette import ServerSentEvent

from mofsim.db.tables import utcnow
from mofsim.schemas.events import Event
from mofsim.vocabulary import EventType

#: Events that are read or sent in one go; others get their turn in between.
PAGE = 200

#: A stream ends by itself when the server stops; only one that does not is cut off after so long.
STREAM_GRACE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Message:
    """An event as it goes over the wire, encoded once for all clients."""

    id: int
    task_id: int | None
    text: bytes


def encode(event: Event) -> Message:
    text = ServerSentEvent(event.model_dump_json(), event=event.type, id=str(event.id)).encode()
    return Message(event.id, event.task_id, text)


def reset_at(event_id: int) -> Message:
    """Tells a client to read the lists again, and to go on from this event."""
    return encode(Event(id=event_id, time=utcnow(), type=EventType.RESET, task_id=None, data={}))


class Subscription:
    """The events after `joined_at`, of one task or all; at most `limit` of them wait."""

    def __init__(self, task_id: int | None, limit: int, joined_at: int) -> None:
        self.task_id = task_id
        self.joined_at = joined_at
        self._limit = limit
        self._waiting: deque[Message] = deque()
        self._bell = asyncio.Event()
        self._closed = False

    def push(self, message: Message) -> None:
        if message.id <= self.joined_at or (self.task_id is not None and self.task_id != message.task_id):
            return
        if len(self._waiting) >= self._limit:
            # The client is too slow: what it missed can not be kept for it.
            self._waiting.clear()
            message = reset_at(message.id)
        self._waiting.append(message)
        self._bell.set()

    def close(self) -> None:
        self._closed = True
        self._bell.set()

    async def batches(self) -> AsyncIterator[list[Message]]:
        """What came, as soon as something has; ends when the server stops."""
        while True:
            await self._bell.wait()
            if self._closed:
                return
            batch = [self._waiting.popleft() for _ in range(min(PAGE, len(self._waiting)))]
            if not self._waiting:
                self._bell.clear()
            yield batch
