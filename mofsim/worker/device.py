"""A device worker: it owns one slot, takes tickets from the queue, and runs the best task for its device on each."""

import os
import secrets
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any, ClassVar

import structlog
from sqlalchemy.orm import Session

from mofsim.core import leases, models, rescue, workers
from mofsim.core.storage import Storage
from mofsim.db.engine import Database
from mofsim.db.migrate import upgrade
from mofsim.db.tables import Model, Worker, utcnow
from mofsim.settings import Settings
from mofsim.vocabulary import AttemptOutcome, StopReason, WorkerState
from mofsim.worker import slots, supply
from mofsim.worker.attending import attend
from mofsim.worker.courier import Courier
from mofsim.worker.executor import Executor, ExecutorFailed
from mofsim.worker.host import ExecutorHost
from mofsim.worker.job import Job, prepare
from mofsim.worker.readiness import Readiness
from mofsim.worker.run import Run
from mofsim.worker.shift import Shift
from mofsim.worker.slots import Slot
from mofsim.worker.transfer import Transfer, TransferFailed
from mofsim.worker.watch import DeviceWatch

log = structlog.get_logger("mofsim.worker")


#: how often a worker that can not work, and has a ticket, looks whether it can
LOOK_SECONDS = 1.0
#: how often the device is looked at all the time
WATCH_SECONDS = 2.0


class _NotSupplied(Exception):
    """Files of a task were waited for until it, or this worker, was to stop."""


class DeviceWorker:
    """One slot's worker. `work` runs in the consumer's thread, `_watch_over` in a thread of its own."""

    #: the worker of this process
    current: ClassVar["DeviceWorker | None"] = None

    def __init__(self, settings: Settings, slot: Slot, shift: Shift | None = None) -> None:
        self.settings = settings
        self.slot = slot
        self.shift = shift or Shift()
        #: why it stopped by itself, "" when it did not
        self.why_over = ""
        self.incarnation = secrets.token_hex(8)
        self.storage = Storage(settings.storage.root)
        self.database = Database(settings.database_url, settings.database.busy_timeout_seconds)
        #: where this box does not have the data folder of the server
        self.transfer = Transfer(settings) if settings.worker.server else None
        self.host = ExecutorHost(settings, slot, self._executor_started)
        self.watch = DeviceWatch(
            slot, slots.file_of(slot, self.storage.run, "json"), settings.worker.gpu_memory_wait_seconds
        )
        self.readiness = Readiness(
            settings,
            self.database,
            self.storage,
            self.watch,
            self.worker_id,
            self.incarnation,
            leaves_soon=lambda: not self.shift.begins_tasks(self._leave_seconds),
            transfer=self.transfer,
        )
        self.stopping = threading.Event()
        self._ended = threading.Event()
        #: held by the thread that looks at the device, takes a task, or loads a model between two tasks
        self._looking = threading.RLock()
        self._next_beat = 0.0
        self._is_running = False
        self._idle_since = time.monotonic()
        #: the loaded models as the workers table has them
        self._published: list[str] = []

    @property
    def worker_id(self) -> str:
        return self.slot.worker_id

    @property
    def executor(self) -> Executor:
        return self.host.executor

    @property
    def _leave_seconds(self) -> float:
        return self.settings.worker.stop_grace_seconds + 2 * WATCH_SECONDS

    def _executor_started(self, pid: int) -> None:
        with self._looking:
            self.watch.executor_started(pid)

    def open(self) -> None:
        """Register, and queue again at once what a dead predecessor in this slot held."""
        self.storage.create()
        supply.empty(self.storage.scratch(self.slot.name))
        upgrade(self.database)
        with self.database.write() as session:
            models.synchronise(session, self.settings.models)
            workers.register(session, self._row())
            for task in rescue.requeue_from(session, self.worker_id):
                log.warning("task of a dead predecessor queued again", task_id=task.id)
        with self._looking:
            self.readiness.look(self.executor, may_start=True)
        threading.Thread(target=self._watch_over, daemon=True, name="watch").start()

    def close(self) -> None:
        self._ended.set()
        self.executor.stop(grace_seconds=2)
        with self._looking:
            self.readiness.leave()
            self._set_state(WorkerState.STOPPED, task_id=None, loaded_models=[], note="")
            self.watch.close()
        self.database.close()
        if self.transfer:
            self.transfer.close()

    def work(self) -> None:
        """One ticket: take the best queued task for this device, if there is one, and run it.

        While the device is not well, or drained, or too small for all that waits, the ticket waits here: others would
        only be spent in vain.
        """
        while not self.stopping.is_set():
            with self._looking:
                is_ready = self.readiness.look(self.executor, may_start=True)
                if is_ready:
                    self._heed(self._wishes())
                claimed = self._claim() if is_ready and self.executor.alive else None
            if claimed:
                self._run(*claimed)
                return
            if is_ready and not self._anything_waits():
                return
            self.stopping.wait(LOOK_SECONDS)

    def _anything_waits(self) -> bool:
        with self.database.read() as session:
            return leases.anything_ready(session)

    def _claim(self) -> tuple[Job, str] | None:
        memory_MB = self.watch.for_a_task_MB(self.executor.memory_MB("VmRSS"))
        with self.database.write() as session:
            if workers.is_drained(session, self.worker_id):
                return None
            claimed = leases.claim(
                session,
                self.worker_id,
                gpu_id=self.slot.gpu_id,
                loaded_models=self.executor.loaded_models,
                lease_seconds=self.settings.scheduler.lease_seconds,
                affinity_seconds=self.settings.scheduler.model_affinity_seconds,
                memory_MB=memory_MB,
            )
            if claimed is None:
                return None
            lease, task = claimed
            python = self.host.python(session.get_one(Model, task.model_name))
            job = prepare(session, self.settings, self.slot, lease, task, python=python, memory_MB=memory_MB)
            self._update(session, state=WorkerState.BUSY, task_id=task.id)
        self._is_running = True
        return job, task.task_type

    def _run(self, job: Job, task_type: str) -> None:
        lease = job.lease
        log.info("task taken", task_id=lease.task_id, attempt=lease.attempt, task_type=task_type)
        try:
            # It may take longer than the lease lasts.
            self.host.switch(job.python, tick=lambda: self._renew(lease))
            courier = self._supplied(self.transfer, job) if self.transfer else None
            Run(
                self.database, self.settings, self.executor, job, self.stopping.is_set, self._warm, self._idle, courier
            ).carry_out()
        except leases.Fenced:
            # Somebody else has the task by now, before a step of it was made here.
            self.executor.kill()
            self._set_state(WorkerState.IDLE, task_id=None)
        except (ExecutorFailed, TransferFailed) as error:
            self._give_back(lease, str(error))
        except _NotSupplied as error:
            self._give_back(lease, str(error), AttemptOutcome.RELEASED)
        except Exception as error:
            # The task must not stay ASSIGNED until its lease runs out because of a bug or a full disk here.
            log.exception("the run broke off", task_id=lease.task_id)
            self.executor.kill()
            self._give_back(lease, f"{type(error).__name__}: {error}")
        finally:
            self._idle_since = time.monotonic()
            self._is_running = False
            if self.transfer:
                supply.empty(self.storage.scratch(self.slot.name))

    def _supplied(self, transfer: Transfer, job: Job) -> Courier:
        """What the job needs is here now. Raises _NotSupplied when that was given up, TransferFailed, and Fenced."""
        lease, scratch = job.lease, self.storage.scratch(self.slot.name)

        def fetch(stop: threading.Event) -> bool:
            supply.fetch(transfer, job.needs, stop)
            supply.fetch_earlier(transfer, scratch, lease, clean=job.clean_start, stop=stop)
            return True

        def goes_on() -> bool:
            asked = self._renew(lease)
            return asked is None and not self.stopping.is_set() and time.monotonic() < deadline

        deadline = time.monotonic() + self.settings.worker.load_timeout_seconds
        if not attend(fetch, goes_on):
            raise _NotSupplied(
                f"its files were not fetched: {transfer.trouble or 'the task or the worker was stopped'}"
            )
        directory, checkpoints = job.request["directory"], job.request["checkpoint"]
        return Courier(transfer, lease, Path(directory), Path(checkpoints), self.settings.worker.send_seconds)

    def _renew(self, lease: leases.Lease) -> StopReason | None:
        with self.database.write() as session:
            return leases.heartbeat(session, lease, lease_seconds=self.settings.scheduler.lease_seconds)

    def _give_back(self, lease: leases.Lease, reason: str, outcome: AttemptOutcome = AttemptOutcome.LOST) -> None:
        backoff = self.settings.scheduler.retry_backoff_seconds
        try:
            with self.database.write() as session:
                leases.give_back(session, lease, outcome, reason, backoff_seconds=backoff)
                self._idle(session)
        except leases.Fenced:
            self._set_state(WorkerState.IDLE, task_id=None)

    def _wishes(self) -> list[tuple[Model, workers.Wish]]:
        with self.database.read() as session:
            wishes = workers.wishes(session, self.worker_id)
            return [(model, wanted) for name, wanted in wishes.items() if (model := session.get(Model, name))]

    def _heed(self, wishes: list[tuple[Model, workers.Wish]]) -> None:
        """Load and unload what people asked for. No task runs, and the caller holds `_looking`."""
        for model, wanted in wishes:
            try:
                trouble = self._fulfil(model, wanted)
            except ExecutorFailed as error:
                trouble = str(error)
            if self._ended.is_set():
                return
            note = f"{model.name} was not {wanted}ed: {trouble}" if trouble else ""
            if note:
                log.error("a wish was not fulfilled", model=model.name, wanted=wanted, reason=trouble)
            with self.database.write() as session:
                workers.fulfilled(session, self.worker_id, self.incarnation, model.name, wanted, note=note)
                self._warm(session)

    def _fulfil(self, model: Model, wanted: workers.Wish) -> str:
        """What went wrong, "" when nothing did. Raises ExecutorFailed."""
        if wanted == "load":
            return self._fetched(model) or self.host.load(model, tick=self._beat)
        self.host.unload(model, tick=self._beat)
        return ""

    def _fetched(self, model: Model) -> str:
        """What went wrong, "" when nothing did and the weights are here."""
        transfer = self.transfer
        if transfer is None:
            return ""

        def goes_on() -> bool:
            self._beat()
            return not self._ended.is_set() and not transfer.trouble

        needs = supply.of_model(self.storage, model)
        try:
            attend(lambda stop: supply.fetch(transfer, needs, stop), goes_on)
        except TransferFailed as error:
            return str(error)
        return transfer.trouble

    def _warm(self, session: Session) -> None:
        if self.executor.loaded_models != self._published:
            self._published = list(self.executor.loaded_models)
            self._update(session, loaded_models=self._published)
        self._learn(session)

    def _idle(self, session: Session) -> None:
        self._published = list(self.executor.loaded_models)
        self._update(session, state=WorkerState.IDLE, task_id=None, loaded_models=self._published)
        self._learn(session)

    def _learn(self, session: Session) -> None:
        """Keep what the executor told of models that it loaded."""
        for name in list(self.executor.facts):
            models.learn(session, name, self.executor.facts.pop(name))

    def _set_state(self, state: WorkerState, **values: Any) -> None:
        with self.database.write() as session:
            self._update(session, state=state, **values)

    def _update(self, session: Session, **values: Any) -> None:
        workers.update_state(session, self.worker_id, self.incarnation, **values)

    def _watch_over(self) -> None:
        """Say that this process lives, and notice a device that fails, also while a task runs."""
        while not self._ended.wait(min(WATCH_SECONDS, self.settings.scheduler.lease_seconds / 6)):
            try:
                self._beat()
                self._look_between()
                self._end_the_shift()
            except Exception:
                # A full disk, say; without this thread the worker would be taken for dead.
                log.exception("the watch over the device failed")

    def _end_the_shift(self) -> None:
        """Leave as after SIGTERM: what runs is queued again, and goes on elsewhere from its checkpoint."""
        idle_seconds = 0.0 if self._is_running else time.monotonic() - self._idle_since
        why = self.shift.why_over(idle_seconds, self._leave_seconds)
        if why and not self.why_over:
            self.why_over = why
            log.info("the worker leaves", reason=why)
            os.kill(os.getpid(), signal.SIGTERM)

    def _beat(self) -> None:
        if time.monotonic() >= self._next_beat:
            with self.database.write() as session:
                workers.beat(session, self.worker_id, self.incarnation)
            self._next_beat = time.monotonic() + self.settings.scheduler.lease_seconds / 6

    def _look_between(self) -> None:
        with self._looking:
            if self._ended.is_set():
                return
            if not self._is_running:
                wishes = self._wishes()
                if self.readiness.look(self.executor, may_start=bool(wishes)):
                    self._heed(wishes)
            elif fault := self.watch.fault():
                # A call on a lost GPU may hang for ever; the task is tried again, here once the GPU is well.
                log.error("the device failed while a task ran", reason=fault)
                self.executor.kill(because=fault)

    def _row(self) -> Worker:
        return Worker(
            id=self.worker_id,
            host=socket.gethostname(),
            slot=self.slot.name,
            pid=os.getpid(),
            incarnation=self.incarnation,
            state=WorkerState.STARTING,
            gpu_id=self.slot.gpu_id,
            memory_MB=self.watch.total_MB,
            started_at=utcnow(),
            ends_at=self.shift.ends_at,
            note="",
        )
