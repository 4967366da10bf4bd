"""The line to the server: connect, follow the events, connect again from the last one that came.

Runs as one worker for as long as the console does; tells what happens by messages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING

from textual.message import Message

from mofsim.tui.messages import Connected, LineLost, Told
from mofsim.tui.news import (
    AlertSeen,
    Missed,
    News,
    RuleGone,
    RuleSeen,
    StructureGone,
    StructureSeen,
    TaskGone,
    TaskMoved,
    TaskSeen,
    WorkerSeen,
)
from mofsim.vocabulary import EventType

if TYPE_CHECKING:
    from mofsim.client import AsyncClient
    from mofsim.schemas.events import Event

#: Events are handed on at most this often, in seconds, which also bounds how often the screen is drawn.
BATCH = 0.1
#: Pauses between tries to connect, in seconds.
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 10.0
#: After a key was refused: somebody must do something first, and servers make those wait who come with wrong keys.
REFUSED_PAUSE = 30.0
#: A line that stood for so many seconds was a good one: after it the first try is made at once.
STOOD = 2.0


class Feed:
    """Misses no event: a new connection goes on after the last event of the old one."""

    def __init__(self, client: AsyncClient, post: Callable[[Message], object]) -> None:
        self._client = client
        self._post = post
        self._last_id: int | None = None
        self._news: list[News] = []
        self._flush: asyncio.TimerHandle | None = None
        self._flushed_at = 0.0
        self._opened_at: float | None = None
        self._hurried = asyncio.Event()

    def hurry(self) -> None:
        """Try again now: there may be a server."""
        self._hurried.set()

    async def _wait(self, seconds: float) -> None:
        self._hurried.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._hurried.wait(), seconds)

    async def run(self) -> None:
        from mofsim.client import ClientError, KeyRefused

        pause = FIRST_PAUSE
        while True:
            self._opened_at = None
            try:
                await self._follow()
            except KeyRefused as error:
                self._post(LineLost(str(error), REFUSED_PAUSE, key_refused=True))
                await self._wait(REFUSED_PAUSE)
                pause = FIRST_PAUSE
            except ClientError as error:
                if self._opened_at is not None and self._now() - self._opened_at > STOOD:
                    # Mostly a server that was restarted, or our own terminal that stood still: no reason to alarm.
                    pause = FIRST_PAUSE
                    continue
                self._post(LineLost(str(error), pause))
                await self._wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE)

    async def _follow(self) -> None:
        """Ends only by raising ClientError."""
        health = await self._client.health()
        workers = await self._client.workers()
        alerts = await self._client.alerts()
        if self._last_id is not None and health.last_event_id < self._last_id:
            # Another server, or another data folder, at the same address.
            self._add(Missed())
            self._last_id = None
        self._last_id = health.last_event_id if self._last_id is None else self._last_id
        self._post(Connected(health, workers, alerts))
        self._opened_at = self._now()
        async with aclosing(self._client.events(self._last_id)) as events:
            async for event in events:
                self._last_id = event.id
                news = read(event)
                if news is not None:
                    self._add(news)

    def _add(self, news: News) -> None:
        self._news.append(news)
        if self._flush is None:
            wait = max(0.0, self._flushed_at + BATCH - self._now())
            self._flush = asyncio.get_running_loop().call_later(wait, self._hand_on)

    def _hand_on(self) -> None:
        self._flush = None
        self._flushed_at = self._now()
        news, self._news = self._news, []
        self._post(Told(news))

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def read(event: Event) -> News | None:
    """What an event means to the console; None for one that it does not show."""
    from mofsim.schemas.alerts import AlertRule
    from mofsim.schemas.resources import Alert, Structure, Worker
    from mofsim.schemas.tasks import Task

    match event.type:
        case EventType.TASK_CREATED:
            return TaskSeen(Task.model_validate(event.data["task"]), new=True)
        case EventType.TASK_STATUS | EventType.TASK_CHANGED:
            return TaskSeen(Task.model_validate(event.data["task"]))
        case EventType.TASK_PROGRESS if event.task_id is not None:
            return TaskMoved(event.task_id, event.data["progress"], event.time.timestamp())
        case EventType.TASK_DELETED if event.task_id is not None:
            return TaskGone(event.task_id)
        case EventType.WORKER_STATE:
            return WorkerSeen(Worker.model_validate(event.data["worker"]))
        case EventType.ALERT_RAISED | EventType.ALERT_ESCALATED | EventType.ALERT_CHANGED | EventType.ALERT_RESOLVED:
            return AlertSeen(Alert.model_validate(event.data["alert"]))
        case EventType.ALERT_RULE_CHANGED:
            return RuleSeen(AlertRule.model_validate(event.data["rule"]))
        case EventType.ALERT_RULE_DELETED:
            return RuleGone(event.data["rule_id"])
        case EventType.STRUCTURE_CREATED:
            return StructureSeen(Structure.model_validate(event.data["structure"]))
        case EventType.STRUCTURE_DELETED:
            return StructureGone(event.data["structure_id"])
        case EventType.RESET:
            return Missed()
        case _:
            return None
