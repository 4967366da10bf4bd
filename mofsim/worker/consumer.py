"""A device worker's process: Huey's consumer, which calls the worker with each ticket of the queue."""

from contextlib import ExitStack

from huey.consumer import Consumer

from mofsim.core.storage import Storage
from mofsim.queue import simulations_queue
from mofsim.settings import Settings, load_settings
from mofsim.worker import gpus, slots
from mofsim.worker.device import DeviceWorker
from mofsim.worker.shift import Shift
from mofsim.worker.slots import Slot


def run(settings: Settings, slot: Slot, shift: Shift) -> str:
    """Work on the slot until SIGTERM: then nothing more is taken, and what runs goes back to the queue.

    Why it ended by itself, "" when it did not. Raises SlotTaken when another process holds the slot.
    """
    with slots.hold(slot, Storage(settings.storage.root).run):
        worker = DeviceWorker(settings, slot, shift)
        DeviceWorker.current = worker
        worker.open()
        try:
            _consume(worker)
        finally:
            worker.close()
    return worker.why_over


def _consume(worker: DeviceWorker) -> None:
    poll = worker.settings.queue.poll_interval_seconds
    consumer = Consumer(
        simulations_queue(worker.settings),
        workers=1,
        worker_type="thread",
        periodic=False,
        # A fixed delay: Huey's default backs off until a task waits seconds for its start.
        initial_delay=poll,
        max_delay=poll,
        backoff=1.0,
        graceful_signal="TERM",
        shutdown_timeout=worker.settings.worker.stop_grace_seconds,
    )
    worker.stopping = consumer.stop_flag
    consumer.run()


def _standalone() -> DeviceWorker:
    """The worker of a plain `huey_consumer mofsim.queue.simulations`: it takes the first free slot of the box."""
    settings = load_settings()
    run_folder = Storage(settings.storage.root).run
    for slot in slots.plan(settings, gpus.list_gpus()):
        try:
            _locks.enter_context(slots.hold(slot, run_folder))
        except slots.SlotTaken:
            continue
        worker = DeviceWorker(settings, slot)
        worker.open()
        return worker
    raise slots.SlotTaken("every slot of this box is held by another worker")


def work() -> None:
    """What a ticket calls."""
    if DeviceWorker.current is None:
        DeviceWorker.current = _standalone()
    DeviceWorker.current.work()


_locks = ExitStack()
