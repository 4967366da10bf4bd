"""What keeps a worker from taking a task: it is found before a task is taken, told once, and looked at again."""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import SQLAlchemyError

from mofsim.core import alerts, workers
from mofsim.core.storage import Storage
from mofsim.db.engine import Database
from mofsim.settings import Settings
from mofsim.vocabulary import AlertLevel, AlertType, WorkerState
from mofsim.worker.executor import Executor, ExecutorFailed
from mofsim.worker.transfer import Transfer
from mofsim.worker.watch import DeviceWatch

log = structlog.get_logger("mofsim.worker")

LONGEST_PAUSE_SECONDS = 60.0
#: how often a server that has the files is asked whether it takes them, and how long it may take to answer
ASK_SECONDS, ANSWER_SECONDS = 2.0, 3.0


@dataclass(frozen=True)
class Trouble:
    """Why no task is taken; one with an alert needs a person."""

    note: str
    alert: AlertType | None = None
    level: AlertLevel = AlertLevel.ERROR


#: Alerts that a worker raises about itself.
OWN_ALERTS = (AlertType.GPU_FAULT, AlertType.GPU_MEMORY_HELD, AlertType.DISK_FULL, AlertType.EXECUTOR_FAILS)
DRAINED = Trouble("")
LEAVES_SOON = Trouble("it begins no more tasks: its time is nearly over")


class Readiness:
    """Looks after one worker. Its caller sees to it that one thread looks at a time."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        storage: Storage,
        watch: DeviceWatch,
        worker_id: str,
        incarnation: str,
        leaves_soon: Callable[[], bool],
        transfer: Transfer | None = None,
    ) -> None:
        self._settings = settings
        self._database = database
        self._storage = storage
        self._watch = watch
        self._worker_id = worker_id
        self._incarnation = incarnation
        self._leaves_soon = leaves_soon
        self._transfer = transfer
        self._ask_at = 0.0
        self._server_said: Trouble | None = None
        self._start_at = 0.0
        self._pause_seconds = settings.scheduler.retry_backoff_seconds
        self._start_failed: Trouble | None = None
        #: what was told last; nothing was told yet
        self._told: Trouble | str | None = "nothing"

    def look(self, executor: Executor, *, may_start: bool) -> bool:
        """Whether a task can be taken now; `may_start`: an executor that is not there is started for it."""
        trouble = self._find(executor, may_start)
        if trouble != self._told:
            try:
                self._tell(trouble)
            except SQLAlchemyError:
                # On a full disk not even this can be written; it is told with the next look.
                log.exception("the state of this worker could not be written")
        return trouble is None and executor.alive

    def leave(self) -> None:
        """Nobody looks from now on, so nothing can be said about it."""
        with self._database.write() as session:
            for alert in OWN_ALERTS:
                alerts.resolve(session, alert, self._worker_id)

    def _find(self, executor: Executor, may_start: bool) -> Trouble | None:
        with self._database.read() as session:
            if workers.is_drained(session, self._worker_id):
                return DRAINED
        if self._leaves_soon():
            return LEAVES_SOON
        return self._disk() or self._server() or self._gpu(executor) or self._executor(executor, may_start)

    def _disk(self) -> Trouble | None:
        """A task that can not write its result would be lost work."""
        free_MB = shutil.disk_usage(self._storage.root).free / 1e6
        wanted = self._settings.storage.min_free_MB
        if free_MB >= wanted:
            return None
        # Without the number of the moment, which would make it another trouble with each look.
        note = f"the disk is full: less than storage.min_free_MB = {wanted} MB are left in {self._storage.root}"
        return Trouble(f"{note}; tasks wait until there is room", AlertType.DISK_FULL, AlertLevel.CRITICAL)

    def _server(self) -> Trouble | None:
        """A task whose files can neither come nor go would be given back."""
        if self._transfer is None or time.monotonic() < self._ask_at:
            return self._server_said
        why, is_full = self._transfer.why_not(ANSWER_SECONDS)
        self._ask_at = time.monotonic() + ASK_SECONDS
        self._server_said = None
        if is_full:
            self._server_said = Trouble(f"{why}; tasks wait until there is room", AlertType.DISK_FULL)
        elif why:
            self._server_said = Trouble(why)
        return self._server_said

    def _gpu(self, executor: Executor) -> Trouble | None:
        if fault := self._watch.fault():
            return Trouble(fault, AlertType.GPU_FAULT, AlertLevel.CRITICAL)
        if executor.alive or not (held := self._watch.still_held()):
            return None
        if not self._watch.has_waited:
            return Trouble("waits until the memory of its GPU is free again")
        return Trouble(held, AlertType.GPU_MEMORY_HELD)

    def _executor(self, executor: Executor, may_start: bool) -> Trouble | None:
        if executor.alive:
            return None
        if not may_start or time.monotonic() < self._start_at:
            return self._start_failed
        self._watch.executor_starts()
        try:
            executor.start(self._settings.worker.start_timeout_seconds)
        except ExecutorFailed as error:
            # Not again at once, lest the same trouble comes in a storm.
            self._start_at = time.monotonic() + self._pause_seconds
            self._pause_seconds = min(2 * self._pause_seconds, LONGEST_PAUSE_SECONDS)
            self._start_failed = Trouble(str(error), AlertType.EXECUTOR_FAILS)
            return self._start_failed
        self._watch.executor_started(executor.pid)
        self._pause_seconds, self._start_failed = self._settings.scheduler.retry_backoff_seconds, None
        return None

    def _tell(self, trouble: Trouble | None) -> None:
        is_well = trouble is None or trouble is DRAINED
        note = trouble.note if trouble else ""
        if trouble and trouble.alert:
            log.error("no task is taken", reason=note)
        with self._database.write() as session:
            state = WorkerState.IDLE if is_well else WorkerState.PAUSED
            workers.update_state(session, self._worker_id, self._incarnation, state=state, note=note)
            for alert in OWN_ALERTS:
                if trouble and trouble.alert is alert:
                    alerts.raise_alert(session, alert, self._worker_id, trouble.level, note, {})
                else:
                    alerts.resolve(session, alert, self._worker_id)
        self._told = trouble
