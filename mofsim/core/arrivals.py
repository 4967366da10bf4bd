"""Files of attempts whose worker does not share the data folder: they come in pieces, and are whole or not there.

An arrival belongs to one attempt of a task; once that attempt no longer holds the task, nothing of it is taken.
What is begun outlives a kill of the server: the worker asks how much is there, and goes on behind it.
"""

import errno
import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from mofsim.core.errors import Conflict, NoRoom, NotFound
from mofsim.core.storage import Storage
from mofsim.db.tables import Model, Task
from mofsim.vocabulary import ACTIVE, TaskStatus

#: Files that an executor writes line by line. They grow here under their name, for who watches the task.
GROWING = frozenset({"series.csv", "trajectory.extxyz"})
#: checkpoints that are kept of a task; the executor keeps as many
KEPT_CHECKPOINTS = 2

_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}\.(cif|csv|extxyz|json|log|png|txt|vasp|xyz|yaml)", re.ASCII)
_CHECKPOINT = re.compile(r"([0-9]{6,18})-([0-9]{9,18})\.checkpoint", re.ASCII)
_BLOCK = 1 << 20


def held(session: Session, task_id: int, attempt: int) -> Task:
    """The task, which this attempt holds; raises NotFound, or Conflict (LeaseLost) when it does not."""
    task = session.get(Task, task_id)
    if task is None:
        raise NotFound(f"there is no task {task_id}", field="task")
    if task.attempt != attempt or task.status not in ACTIVE:
        raise Conflict(f"attempt {attempt} does not hold task {task_id}: it is over", type="LeaseLost")
    return task


def model_file(session: Session, storage: Storage, sha256: str) -> Path:
    """The weights of an uploaded model; raises NotFound."""
    for model in session.scalars(select(Model).where(Model.is_custom)):
        if model.config.get("sha256") == sha256 and (path := storage.root / model.file_path).is_file():
            return path
    raise NotFound(f"no uploaded model has weights with the SHA-256 {sha256[:64]!r}", field="sha256")


@dataclass(frozen=True)
class Arrival:
    """One file on its way. All methods block."""

    #: where it is when it is whole
    target: Path
    #: it is looked at before it is whole
    grows: bool

    @property
    def partial(self) -> Path:
        # What is left behind under such a name is swept up as that of an executor.
        return self.target if self.grows else self.target.with_name(f".{self.target.name}.arrival.tmp")

    @property
    def offset(self) -> int:
        """Bytes that are there."""
        for path in (self.partial, self.target):
            try:
                return path.stat().st_size
            except FileNotFoundError:
                continue
        return 0

    @property
    def is_whole(self) -> bool:
        """It was published, as far as can be said without its hash; of what grows that is not known."""
        return not self.grows and self.target.exists() and not self.partial.exists()

    def append(self, offset: int, content: bytes) -> int:
        """Bytes that are there now. Raises Conflict (WrongOffset) and NoRoom."""
        self.partial.parent.mkdir(parents=True, exist_ok=True)
        with self._locked() as file:
            there = os.fstat(file.fileno()).st_size
            if there != offset:
                raise _wrong_offset(there)
            try:
                file.write(content)
                file.flush()
            except OSError:
                # Not half a piece, as far as the disk lets us.
                os.ftruncate(file.fileno(), offset)
                raise
        return offset + len(content)

    def verify(self, size: int, sha256: str) -> None:
        """Have the disk keep it, if it is what the worker has; else forget it and raise Conflict (WrongChecksum)."""
        path = self.target if self.is_whole else self.partial
        try:
            with path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                there = os.fstat(file.fileno()).st_size
                if there < size:
                    raise _wrong_offset(there)
                if there == size and hashlib.file_digest(file, "sha256").hexdigest() == sha256:
                    os.fsync(file.fileno())
                    return
        except FileNotFoundError:
            raise _wrong_offset(0) from None
        path.unlink(missing_ok=True)
        detail = f"{self.target.name} is not what was sent; it was forgotten here, send it again from its beginning"
        raise Conflict(detail, field="sha256", type="WrongChecksum")

    def publish(self) -> None:
        """What was verified is there from now on, under its name; `settle` has the disk keep that."""
        if not self.grows and self.partial.exists():
            os.replace(self.partial, self.target)

    def settle(self) -> None:
        descriptor = os.open(self.target.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    @contextmanager
    def _locked(self) -> Iterator[BinaryIO]:
        """The partial file, with nobody else at it: a request that was given up may still be under way."""
        with _room(), self.partial.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not self.partial.exists() or os.fstat(file.fileno()).st_ino != self.partial.stat().st_ino:
                # It was published or forgotten while we waited.
                raise _wrong_offset(self.offset)
            yield cast(BinaryIO, file)


def arrival(storage: Storage, task_id: int, attempt: int, name: str) -> Arrival:
    """The file of that name. Raises NotFound for a name that no simulation writes; nothing else becomes a path."""
    if _FILE.fullmatch(name):
        return Arrival(storage.attempt(task_id, attempt) / name, name in GROWING)
    found = _CHECKPOINT.fullmatch(name)
    if found and int(found[1]) == attempt:
        return Arrival(storage.checkpoint(task_id) / name, grows=False)
    raise NotFound(f"{name[:100]!r} is no name of a file that attempt {attempt} of a task writes", field="name")


def require_room(storage: Storage, min_free_MB: float, n_bytes: int = 0) -> None:
    """Raises NoRoom when the disk would have less than that left."""
    if shutil.disk_usage(storage.root).free < min_free_MB * 1e6 + n_bytes:
        raise NoRoom(
            f"the disk of the server is full: less than storage.min_free_MB = {min_free_MB:g} MB are left",
            type="DiskFull",
        )


def trim_checkpoints(storage: Storage, task_id: int) -> None:
    for old in checkpoints(storage, task_id)[:-KEPT_CHECKPOINTS]:
        old.unlink(missing_ok=True)


def checkpoints(storage: Storage, task_id: int) -> list[Path]:
    """Oldest first."""
    folder = storage.checkpoint(task_id)
    found = [path for path in folder.iterdir() if _CHECKPOINT.fullmatch(path.name)] if folder.is_dir() else []
    return sorted(found, key=lambda path: [int(number) for number in path.stem.split("-")])


def earlier(storage: Storage, task: Task) -> list[tuple[int, Path]]:
    """What the next attempt goes on from: checkpoints, what grew beside them, and whose they are."""
    if task.clean_start:
        return []
    found = [(int(path.name.partition("-")[0]), path) for path in checkpoints(storage, task.id)]
    grown = [
        (attempt, path)
        for attempt in sorted({attempt for attempt, _ in found})
        for name in sorted(GROWING)
        if (path := storage.attempt(task.id, attempt) / name).is_file()
    ]
    return grown + found


def forget_checkpoints(session: Session, storage: Storage, task_id: int, attempt: int) -> None:
    """The attempt completed the task, or begins it anew. Raises NotFound and Conflict."""
    task = session.get(Task, task_id, with_for_update={"of": Task})
    if task is None:
        raise NotFound(f"there is no task {task_id}", field="task")
    if (
        not (task.attempt == attempt and task.status == TaskStatus.COMPLETED)
        and not held(session, task_id, attempt).clean_start
    ):
        detail = f"attempt {attempt} of task {task_id} goes on from its checkpoints, or may have to"
        raise Conflict(detail, type="CheckpointsNeeded")
    shutil.rmtree(storage.checkpoint(task_id), ignore_errors=True)


def _wrong_offset(there: int) -> Conflict:
    return Conflict(f"the file has {there} bytes here; go on behind them", field="Upload-Offset", type="WrongOffset")


@contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoRoom(f"the disk of the server is full: {error.strerror}", type="DiskFull") from error
        raise
