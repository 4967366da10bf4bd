"""The Huey queues.

A message is a ticket, "there is work": Huey pops it before it runs it, so no message may carry a task's fate. The
rows of the tasks table are the truth; a surplus ticket finds nothing to do, a lost one is issued again by the rescuer.
"""

import json
import pkgutil
from functools import cache
from typing import Any

from huey import Huey, crontab
from huey.api import TaskWrapper
from huey.registry import Message
from huey.serializer import Serializer

from mofsim.queue import storages
from mofsim.settings import Settings, load_settings
from mofsim.vocabulary import Priority

#: Who does the work; by name, because the queue stands below the worker.
WORK = "mofsim.worker.consumer:work"
RESCUE = "mofsim.worker.chores:once"
DELIVER = "mofsim.worker.deliveries:deliver"
TIDY = "mofsim.worker.tidying:tidy"
NOTIFY = "mofsim.worker.notifying:notify"


class JsonSerializer(Serializer):  # type: ignore[misc]
    """Messages as JSON: a pickle would run whatever somebody put into the queue file."""

    def _serialize(self, data: Any) -> bytes:
        return json.dumps(data).encode()

    def _deserialize(self, data: bytes) -> Any:
        fields = json.loads(data)
        # Message is a named tuple, which JSON knows as a list.
        return Message(*fields) if isinstance(fields, list) else fields


def ticket() -> None:
    """There is work for a device."""
    pkgutil.resolve_name(WORK)()


def rescue() -> None:
    """Once a minute, should the rescuer's own loop have died."""
    pkgutil.resolve_name(RESCUE)()


def deliver() -> None:
    """There are webhooks to send."""
    pkgutil.resolve_name(DELIVER)()


def tidy() -> None:
    """There may be old files to compress or to remove."""
    pkgutil.resolve_name(TIDY)()


def notify() -> None:
    """There are channels to tell of alerts."""
    pkgutil.resolve_name(NOTIFY)()


# Huey names a message after its function's module; pending messages would be dropped when a module is renamed.
ticket.__module__ = rescue.__module__ = deliver.__module__ = tidy.__module__ = notify.__module__ = "mofsim"


class Tickets:
    """The queue of simulations, as those see it who fill it."""

    def __init__(self, settings: Settings) -> None:
        self.huey = _open("simulations", settings)
        self._ticket = self.huey.task(name="ticket")(ticket)

    def issue(self, priority: int = Priority.NORMAL, n: int = 1) -> None:
        urgency = Priority.LOW - priority
        tickets = (self.huey.serialize_task(self._ticket.s(priority=urgency)) for _ in range(n))
        self.huey.storage.enqueue_all(tickets, urgency)

    def waiting(self) -> int:
        return int(self.huey.pending_count())


class ChoreTickets:
    """The queue of chores: what is to be done is in the database, a ticket only says that it is time to look."""

    def __init__(self, settings: Settings) -> None:
        self.huey = _open("chores", settings)
        self.huey.periodic_task(crontab(minute="*"), name="rescue")(rescue)
        self._deliver = self.huey.task(name="deliver")(deliver)
        self._tidy = self.huey.task(name="tidy")(tidy)
        self._notify = self.huey.task(name="notify")(notify)

    def issue_deliver(self) -> None:
        self._issue("deliver", self._deliver)

    def issue_tidy(self) -> None:
        self._issue("tidy", self._tidy)

    def issue_notify(self) -> None:
        self._issue("notify", self._notify)

    def _issue(self, name: str, task: TaskWrapper) -> None:
        # While nobody takes them they must not pile up: one of each is as good as a thousand.
        if all(message.name != name for message in self.huey.pending()):
            self.huey.enqueue(task.s())


def simulations_queue(settings: Settings) -> Huey:
    return Tickets(settings).huey


def chores_queue(settings: Settings) -> Huey:
    return ChoreTickets(settings).huey


def _open(name: str, settings: Settings) -> Huey:
    return storages.open_queue(name, settings, results=False, serializer=JsonSerializer())


@cache
def _queue_of(name: str) -> Huey:
    return {"simulations": simulations_queue, "chores": chores_queue}[name](load_settings())


def __getattr__(name: str) -> Any:
    # `huey_consumer mofsim.queue.simulations` finds its queue here.
    if name in ("simulations", "chores"):
        return _queue_of(name)
    raise AttributeError(name)
