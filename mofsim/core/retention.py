"""What becomes of old files: results are compressed, later removed; what nobody owns any more is swept away.

Everything goes in small steps, and a kill between any two writes costs nothing but the step.
"""

import contextlib
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import structlog
from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session

from mofsim.core import audit, compression, outbox
from mofsim.core.storage import Storage
from mofsim.db.engine import Database
from mofsim.db.tables import Task, TaskResult, utcnow
from mofsim.vocabulary import TaskStatus

log = structlog.get_logger("mofsim.retention")

#: Leftovers that are younger may still be in somebody's hands.
LEFTOVER = timedelta(days=1)
DELETIONS_AT_ONCE = 1000
SWEEP_EVERY_SECONDS = 3600.0
RETRY_EVERY_SECONDS = 3600.0

#: Another task is about to take the structure that is among the files.
_IS_AWAITED = exists().where(Task.parent_id == TaskResult.task_id, Task.awaits_parent)


@dataclass(frozen=True)
class Policy:
    """Ages; None is never."""

    compress_after: timedelta | None
    keep: timedelta | None
    keep_deliveries: timedelta | None
    keep_audit: timedelta | None = None


@dataclass
class Retention:
    database: Database
    storage: Storage
    policy: Policy
    #: results whose files could not be compressed, and why; they are tried again after an hour
    failed: dict[int, str] = field(default_factory=dict)
    _sweep: Iterator[Path] | None = None
    _sweep_at: float = 0.0
    _retry_at: float = 0.0

    def tidy(self, goes_on: Callable[[], bool]) -> None:
        """Take steps while `goes_on` says so and there is something to do."""
        if time.monotonic() >= self._retry_at:
            self.failed.clear()
            self._retry_at = time.monotonic() + RETRY_EVERY_SECONDS
        for step in (self.remove_one, self.compress_one, self.trim_deliveries, self.trim_audit, self.sweep_one):
            while goes_on() and step():
                pass

    def compress_one(self) -> bool:
        """Compress a file of the oldest result that has not been; False when there is none."""
        task_id = self._oldest(self.policy.compress_after, TaskResult.compressed_at.is_(None))
        if task_id is None:
            return False
        try:
            compression.compress_next(self.database, self.storage, task_id)
        except (OSError, compression.Damaged) as error:
            # Not the next one at once: on a full disk it would fare no better.
            self.failed[task_id] = str(error)
            log.error("files of a result could not be compressed", task_id=task_id, reason=str(error))
            return False
        return True

    def remove_one(self) -> bool:
        """Remove the files of the oldest result that is too old; False when there is none.

        The row goes first: it must never name a file that is not there.
        """
        task_id = self._oldest(self.policy.keep, ~_IS_AWAITED)
        if task_id is None:
            return False
        with self.database.write() as session:
            result = session.scalar(select(TaskResult).where(TaskResult.task_id == task_id, ~_IS_AWAITED))
            if result is None:
                return True
            result.output_files, result.files_removed_at = {}, utcnow()
            attempt = result.attempt
        self._forget_attempts(task_id, attempt)
        log.info("files of an old result removed", task_id=task_id)
        return True

    def trim_deliveries(self) -> bool:
        if self.policy.keep_deliveries is None:
            return False
        with self.database.write() as session:
            return outbox.trim(session, utcnow() - self.policy.keep_deliveries, DELETIONS_AT_ONCE) > 0

    def trim_audit(self) -> bool:
        if self.policy.keep_audit is None:
            return False
        with self.database.write() as session:
            return audit.trim(session, utcnow() - self.policy.keep_audit, DELETIONS_AT_ONCE) > 0

    def sweep_one(self) -> bool:
        """Look at one more thing that a killed server or a deleted task may have left; False when all was seen."""
        if self._sweep is None:
            if time.monotonic() < self._sweep_at:
                return False
            self._sweep = self._sweep_all()
        if next(self._sweep, None) is None:
            self._sweep, self._sweep_at = None, time.monotonic() + SWEEP_EVERY_SECONDS
        return self._sweep is not None

    def _sweep_all(self) -> Iterator[Path]:
        for upload in _old_ones(_children(self.storage.incoming), LEFTOVER):
            _remove(upload)
            yield upload
        for folder in _old_ones(_children(self.storage.results), LEFTOVER):
            if folder.name.isdecimal():
                self._sweep_results_of(int(folder.name), folder)
            yield folder

    def _sweep_results_of(self, task_id: int, folder: Path) -> None:
        with self.database.read() as session:
            task = session.get(Task, task_id)
            attempt = self._last_to_forget(session, task) if task else None
        if task is None:
            log.info("results of a deleted task removed", task_id=task_id)
            _remove(folder)
            return
        if attempt is not None:
            self._forget_attempts(task_id, attempt)
        for half in _old_ones(folder.glob("*/.*.tmp"), LEFTOVER):
            _remove(half)

    def _last_to_forget(self, session: Session, task: Task) -> int | None:
        """The newest attempt of an old task that ended without files; None when it is to keep what it has."""
        result = session.get(TaskResult, task.id)
        if result is not None:
            return result.attempt if result.files_removed_at else None
        ended = task.completed_at if TaskStatus(task.status).is_final else None
        is_old = ended is not None and self.policy.keep is not None and ended < utcnow() - self.policy.keep
        return task.attempt if is_old else None

    def _forget_attempts(self, task_id: int, last: int) -> None:
        """Remove the attempts up to `last`, and not the folder: a retry may be under way in it."""
        folder = self.storage.results / str(task_id)
        for each in _children(folder):
            if each.name.isdecimal() and int(each.name) <= last:
                _remove(each)
        self._forget_checkpoint(task_id)
        if not any(_children(folder)):
            # Fails, as it should, when a retry has begun since.
            with contextlib.suppress(OSError):
                folder.rmdir()

    def _forget_checkpoint(self, task_id: int) -> None:
        checkpoint = self.storage.checkpoint(task_id)
        removed = checkpoint.with_name(".checkpoint.tmp")
        with self.database.write() as session:
            # A retry goes on from it, and can begin only before or after this transaction.
            task = session.get(Task, task_id, with_for_update={"of": Task})
            if checkpoint.exists() and (task is None or TaskStatus(task.status).is_final):
                _remove(removed)
                checkpoint.rename(removed)
        _remove(removed)

    def _oldest(self, age: timedelta | None, *more: ColumnElement[bool]) -> int | None:
        if age is None:
            return None
        query = (
            select(TaskResult.task_id)
            .where(
                TaskResult.created_at < utcnow() - age,
                TaskResult.files_removed_at.is_(None),
                TaskResult.task_id.not_in(self.failed),
                *more,
            )
            .order_by(TaskResult.created_at)
            .limit(1)
        )
        with self.database.read() as session:
            return session.scalar(query)


def _children(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from folder.iterdir()


def _old_ones(paths: Iterable[Path], age: timedelta) -> Iterator[Path]:
    limit = time.time() - age.total_seconds()
    for each in paths:
        try:
            is_old = each.lstat().st_mtime < limit
        except FileNotFoundError:
            continue
        if is_old:
            yield each


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
