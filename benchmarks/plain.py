"""Huey alone, to compare with: a queue of tasks that do nothing, where the settings have mofsim's.

python benchmarks/plain.py      # a worker; MOFSIM_ variables say where
"""

from typing import Any

from huey import Huey
from huey.consumer import Consumer

from mofsim.queue.storages import open_queue
from mofsim.settings import Settings, load_settings


def nothing() -> None:
    """What it is about is all around it."""


def queue(settings: Settings) -> tuple[Huey, Any]:
    """The queue, and its one task."""
    # Pickled, as Huey does it by itself.
    huey = open_queue("plain", settings, results=False)
    nothing.__module__ = "plain"
    return huey, huey.task(name="nothing")(nothing)


def work(settings: Settings) -> None:
    """A worker until SIGTERM, that looks for tasks as often as mofsim's."""
    poll = settings.queue.poll_interval_seconds
    huey, _ = queue(settings)
    Consumer(
        huey, workers=1, worker_type="thread", periodic=False, initial_delay=poll, max_delay=poll, backoff=1.0,
        graceful_signal="TERM",
    ).run()  # fmt: skip


if __name__ == "__main__":
    work(load_settings())
