"""The chores of a box: bring back what was lost, let in what is due, keep tickets and GPU readings up to date."""

import shutil
import signal
import socket
import threading
import time
from datetime import timedelta
from functools import cache

import structlog
from huey.consumer import Consumer
from sqlalchemy.exc import SQLAlchemyError

from mofsim import logs
from mofsim.core import (
    alert_rules,
    alert_watch,
    alerts,
    dependencies,
    events,
    notifications,
    outbox,
    readings,
    rescue,
    throughput,
    turns,
    workers,
)
from mofsim.core.alert_kinds import MB_PER_GB, Box
from mofsim.core.storage import Storage
from mofsim.db.engine import Database
from mofsim.db.migrate import upgrade
from mofsim.db.tables import Device, Host, utcnow
from mofsim.queue import ChoreTickets, Tickets, chores_queue
from mofsim.settings import Settings, load_settings
from mofsim.worker import load, occupants, processes
from mofsim.worker.deliveries import Deliverer
from mofsim.worker.gpu import Gpu
from mofsim.worker.gpus import GpuReader
from mofsim.worker.notifying import Notifier
from mofsim.worker.tidying import Tidier

log = structlog.get_logger("mofsim.chores")

TRIM_EVERY_ROUNDS = 300
TIDY_EVERY_ROUNDS = 30
#: long enough for a console to come back to, and to draw what it missed
PROGRESS_KEEP = timedelta(minutes=15)
#: how long the end of the process waits for a round to end
END_SECONDS = 5.0
#: least time between two readings that are kept for the charts
READING_SECONDS = 5.0


class Chores:
    """Everything here may be interrupted anywhere. What is not of this box alone is done while it has the turn."""

    def __init__(self, settings: Settings, box: str | None = None) -> None:
        self.settings = settings
        self.box = box or socket.gethostname()
        self.database = Database(settings.database_url, settings.database.busy_timeout_seconds)
        upgrade(self.database)
        self._add_rules()
        self.storage = Storage(settings.storage.root)
        #: results are here; else what is to be done with them is left to boxes that have them
        self.has_files = not settings.worker.server
        self.tickets = Tickets(settings)
        self.chore_tickets = ChoreTickets(settings)
        self._gpus = GpuReader(watch_xids=True)
        self._lock = threading.Lock()
        self._rounds = 0
        self._next_look = 0.0
        self._cpu = load.CpuTime()
        self._next_reading = 0.0
        #: after a round that failed, others have so long to take over
        self._stands_back_until = 0.0
        self._turns: set[turns.Chores] = set()

    def round(self) -> None:
        """One round; a second one at the same time waits for its turn."""
        with self._lock:
            if self._has_turn(turns.Chores.ROWS):
                self._bring_back()
                self._top_up_tickets()
                if self._rounds % TRIM_EVERY_ROUNDS == 0:
                    self._trim_events()
            self._record(self._gpus.read())
            self._watch_rules()
            if self.has_files and self._has_turn(turns.Chores.FILES):
                self._hand_over()
                self._hand_out()
            if not self.has_files and self._rounds % TIDY_EVERY_ROUNDS == 0:
                # Of this box alone; where there are results they are tidied with them.
                logs.tidy(self.storage.logs, utcnow())
            self._rounds += 1

    def repeat(self, stop: threading.Event) -> None:
        """A round every few seconds; a round that fails is logged, and the next one is tried."""
        interval = self.settings.scheduler.rescue_interval_seconds
        while not stop.wait(interval):
            try:
                self.round()
            except Exception:
                log.exception("a round of chores failed")
                # What fails here may succeed elsewhere.
                self._stands_back_until = time.monotonic() + 2 * interval
                self.give_up()
        self.give_up()

    def give_up(self) -> None:
        """Let another box have the turn at once."""
        if not self._turns:
            return
        self._turns.clear()
        try:
            with self.database.write() as session:
                turns.give_up(session, self.box)
        except SQLAlchemyError as error:
            log.warning("the turn of the chores was not given up; it ends by itself", reason=str(error))

    def _has_turn(self, chores: turns.Chores) -> bool:
        if time.monotonic() < self._stands_back_until:
            return False
        seconds = self.settings.scheduler.lease_seconds
        with self.database.read() as session:
            settled = turns.is_settled(session, chores, self.box, seconds)
        if settled is None:
            with self.database.write() as session:
                settled = turns.take(session, chores, self.box, seconds)
        if settled != (chores in self._turns):
            log.info("this box does the chores now" if settled else "another box does the chores now", chores=chores)
            self._turns ^= {chores}
        return settled

    def _bring_back(self) -> None:
        scheduler = self.settings.scheduler
        with self.database.read() as session:
            if not (rescue.is_needed(session) or workers.silent(session, scheduler.lease_seconds)):
                return
        with self.database.write() as session:
            for task in rescue.requeue_expired(session, backoff_seconds=scheduler.retry_backoff_seconds):
                log.warning("lease ran out", task_id=task.id, status=task.status, attempt=task.attempt)
            for task in rescue.release_due(session):
                log.info("task is due", task_id=task.id)
            for task in rescue.fail_hopeless(session):
                log.error("task fits on no device", task_id=task.id, reason=task.error_message)
            for worker_id in workers.mark_lost(session, scheduler.lease_seconds):
                log.warning("worker lost", worker_id=worker_id)

    def _top_up_tickets(self) -> None:
        """A ticket may have been lost with the process that held it; a surplus one does no harm."""
        with self.database.read() as session:
            ready = rescue.count_ready(session)
        missing = ready - self.tickets.waiting() if ready else 0
        if missing > 0:
            self.tickets.issue(n=missing)

    def _hand_over(self) -> None:
        with self.database.read() as session:
            if not dependencies.is_needed(session):
                return
        with self.database.write() as session:
            for task in dependencies.hand_over(session, self.storage):
                log.info("structure handed over", task_id=task.id, parent_id=task.parent_id)

    def _hand_out(self) -> None:
        """What takes longer than a round may is done by the consumer."""
        with self.database.read() as session:
            webhooks_are_due, news_is_due = outbox.is_due(session), notifications.is_due(session)
        if webhooks_are_due:
            self.chore_tickets.issue_deliver()
        if news_is_due:
            self.chore_tickets.issue_notify()
        if self._rounds % TIDY_EVERY_ROUNDS == 0:
            self.chore_tickets.issue_tidy()

    def _record(self, gpus: list[Gpu]) -> None:
        """This box and its GPUs as they are now; where there is no GPU, only as often as a reading is kept."""
        now = time.monotonic()
        is_due = now >= self._next_reading
        if not gpus and not is_due:
            return
        with self.database.read() as session:
            ours = {worker.pid: worker.id for worker in workers.online(session) if worker.host == self.box}
        rows = [_row(gpu, ours, self.box) for gpu in gpus]
        host = _host(self.box, self._cpu.busy_percent()) if is_due else None
        with self.database.write() as session:
            for row in rows:
                workers.record_gpu(session, row)
            if host is not None:
                readings.record(session, host, rows)
                self._next_reading = now + READING_SECONDS

    def _add_rules(self) -> None:
        with self.database.read() as session:
            if alert_rules.has_builtin(session):
                return
        with self.database.write() as session:
            alert_rules.add_builtin(session)

    def _watch_rules(self) -> None:
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + self.settings.alerts.interval_seconds
        free_MB = shutil.disk_usage(self.storage.root).free / 1e6
        box = Box(self.box, free_MB / MB_PER_GB)
        with self.database.read() as session:
            if not alert_watch.steps(session, box):
                return
        with self.database.write() as session:
            for step in alert_watch.steps(session, box):
                step()

    def _trim_events(self) -> None:
        with self.database.write() as session:
            keep = timedelta(hours=self.settings.scheduler.events_keep_hours)
            events.trim(session, older_than=utcnow() - keep, progress_older_than=utcnow() - PROGRESS_KEEP)
            if keep_days := self.settings.alerts.keep_days:
                alerts.trim(session, utcnow() - timedelta(days=keep_days))
            readings.trim(session)
            throughput.trim(session)


def _host(name: str, busy_percent: float | None) -> Host:
    total_MB, used_MB = load.memory_MB()
    return Host(
        name=name,
        cores=load.cores(),
        load_1min=load.load_1min(),
        busy_percent=busy_percent,
        memory_total_MB=total_MB,
        memory_used_MB=used_MB,
    )


def _row(gpu: Gpu, ours: dict[int, str], host: str) -> Device:
    """`ours` are the workers of this box by their processes."""
    processes = None if gpu.processes is None else occupants.named(gpu.processes, ours)
    return Device(
        id=gpu.id,
        host=host,
        gpu_index=gpu.index,
        name=gpu.name,
        memory_total_MB=gpu.memory_total_MB,
        memory_used_MB=gpu.memory_used_MB,
        utilisation_percent=gpu.utilisation_percent,
        temperature_C=gpu.temperature_C,
        power_W=gpu.power_W,
        power_limit_W=gpu.power_limit_W,
        fault=gpu.fault,
        ecc_errors=gpu.ecc_errors,
        xid=gpu.xid,
        xid_at=gpu.xid_at,
        processes=None if processes is None else [process.model_dump() for process in processes],
    )


def run(settings: Settings) -> None:
    """Do the chores until SIGTERM."""
    if settings.worker.server:
        # Tickets of chores are for those who have the results.
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: processes.set_from_handler(stop))
        Chores(settings).repeat(stop)
        return
    consumer = Consumer(
        chores_queue(settings),
        # So that files that are compressed keep no webhook waiting, and neither of them an alert.
        workers=3,
        worker_type="thread",
        periodic=True,
        max_delay=1.0,
        graceful_signal="TERM",
    )
    chores = Chores(settings)
    Deliverer.current = Deliverer(settings, consumer.stop_flag)
    Tidier.current = Tidier(settings, consumer.stop_flag)
    Notifier.current = Notifier(settings, consumer.stop_flag)
    rescuer = threading.Thread(target=chores.repeat, args=(consumer.stop_flag,), daemon=True, name="rescuer")
    rescuer.start()
    consumer.run()
    rescuer.join(END_SECONDS)


@cache
def _chores() -> Chores:
    return Chores(load_settings())


def once() -> None:
    """What Huey's periodic task calls."""
    _chores().round()
