"""The chore of keeping the data folder in bounds."""

import socket
import threading
import time
from datetime import timedelta
from typing import ClassVar

import structlog

from mofsim import logs
from mofsim.core import alerts
from mofsim.core.retention import Policy, Retention
from mofsim.core.storage import Storage
from mofsim.db.engine import Database
from mofsim.db.tables import utcnow
from mofsim.settings import Settings, load_settings
from mofsim.vocabulary import AlertLevel, AlertType

log = structlog.get_logger("mofsim.chores")

#: A ticket's work; what is left waits for the next one, so that a box is never busy with its past only.
TICKET_SECONDS = 5.0


class Tidier:
    #: the tidier of this process
    current: ClassVar["Tidier | None"] = None

    def __init__(self, settings: Settings, stopping: threading.Event | None = None) -> None:
        self.stopping = stopping or threading.Event()
        self._database = Database(settings.database_url, settings.database.busy_timeout_seconds)
        self._storage = Storage(settings.storage.root)
        self._retention = Retention(self._database, self._storage, policy(settings))
        #: how many failures were told last; an alert of a process before this one may be there
        self._told: int | None = None

    def tidy(self) -> None:
        end = time.monotonic() + TICKET_SECONDS
        self._retention.tidy(lambda: time.monotonic() < end and not self.stopping.is_set())
        self._tell(self._retention.failed)
        try:
            logs.tidy(self._storage.logs, utcnow())
        except OSError as error:
            log.error("the logs were not compressed", reason=str(error))

    def _tell(self, failed: dict[int, str]) -> None:
        if len(failed) == self._told:
            return
        host = socket.gethostname()
        with self._database.write() as session:
            if failed:
                task_id, reason = list(failed.items())[-1]
                message = (
                    f"old results can not be compressed: {len(failed)} of them, the last of task {task_id}: {reason}"
                )
                details = {"task_ids": sorted(failed)[:100]}
                alerts.raise_alert(session, AlertType.RETENTION, host, AlertLevel.WARNING, message, details)
            else:
                alerts.resolve(session, AlertType.RETENTION, host)
        self._told = len(failed)

    def close(self) -> None:
        self._database.close()


def policy(settings: Settings) -> Policy:
    storage = settings.storage
    return Policy(
        _days(storage.compress_after_days),
        _days(storage.keep_days),
        _days(settings.webhooks.keep_days),
        _days(settings.security.audit_keep_days),
    )


def _days(days: float) -> timedelta | None:
    return timedelta(days=days) if days else None


def tidy() -> None:
    """What a ticket calls."""
    if Tidier.current is None:
        Tidier.current = Tidier(load_settings())
    Tidier.current.tidy()
