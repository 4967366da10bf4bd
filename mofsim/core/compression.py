"""Compress the files of a result, one at a time; at every moment the row names files that are there.

The order makes it so: the compressed file is whole and on the disk, then the row names it, then the original goes.
"""

import gzip
import hashlib
import os
import shutil
from pathlib import Path
from typing import BinaryIO

from mofsim.core.dependencies import OPTIMIZED_CIF, OPTIMIZED_EXTXYZ
from mofsim.core.storage import Storage
from mofsim.db.engine import Database
from mofsim.db.tables import TaskResult, utcnow
from mofsim.vocabulary import COMPRESSED

#: Compressed already, or by their own format.
LEFT_AS_THEY_ARE = {COMPRESSED, ".bz2", ".npz", ".png", ".xz", ".zip", ".zst"}
#: Small, and read by the service itself: for charts, and for the tasks that start from an optimized structure.
STAYS_PLAIN = {"series.csv", OPTIMIZED_CIF, OPTIMIZED_EXTXYZ}
#: Smaller files take a block of the disk either way.
SMALLEST_BYTES = 4096
CHUNK_BYTES = 1 << 20


class Damaged(Exception):
    """What was read back is not what was written: check the disk."""


def compress_next(database: Database, storage: Storage, task_id: int) -> None:
    """Compress one more file of the result, or note that all are.

    Raises OSError, or Damaged when the disk does not give back what it was given.
    """
    with database.read() as session:
        result = session.get(TaskResult, task_id)
    if result is None:
        return
    folder = storage.attempt(task_id, result.attempt)
    _remove_originals(folder, result.output_files)
    name = next((name for name in result.output_files if _is_worth_it(folder / name)), None)
    if name is None:
        _note_that_all_are(database, result)
        return
    size = _write_compressed(folder / name)
    if _publish(database, result, name, size):
        (folder / name).unlink(missing_ok=True)


def _is_worth_it(path: Path) -> bool:
    if path.suffix in LEFT_AS_THEY_ARE or path.name in STAYS_PLAIN:
        return False
    return path.is_file() and path.stat().st_size >= SMALLEST_BYTES


def _remove_originals(folder: Path, published: dict[str, int]) -> None:
    """What a kill left behind that came after the row was written and before the original was gone."""
    for name in published:
        original = name.removesuffix(COMPRESSED)
        if name.endswith(COMPRESSED) and original not in published:
            (folder / original).unlink(missing_ok=True)


def _write_compressed(path: Path) -> int:
    """Write path.gz beside it, whole or not at all, and read it back; its size in bytes."""
    target = path.with_name(path.name + COMPRESSED)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with path.open("rb") as original, temporary.open("wb") as file:
            # No name and no time in it: the same file gives the same bytes.
            with gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
                shutil.copyfileobj(original, packed, CHUNK_BYTES)
            file.flush()
            os.fsync(file.fileno())
        with path.open("rb") as original, gzip.open(temporary) as unpacked:
            if _digest(original) != _digest(unpacked):
                raise Damaged(f"{Damaged.__doc__} ({path})")
        shutil.copystat(path, temporary)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)
    return target.stat().st_size


def _digest(file: BinaryIO | gzip.GzipFile) -> bytes:
    digest = hashlib.blake2b()
    while chunk := file.read(CHUNK_BYTES):
        digest.update(chunk)
    return digest.digest()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _publish(database: Database, seen: TaskResult, name: str, size: int) -> bool:
    """Name the compressed file in the row; False when the result is another one by now, or has no such file."""
    with database.write() as session:
        result = session.get(TaskResult, seen.task_id, with_for_update=True)
        if result is None or result.attempt != seen.attempt or name not in result.output_files:
            return False
        # In the place of the original, so that the order of the list stays.
        result.output_files = dict(
            (name + COMPRESSED, size) if each == name else (each, bytes_)
            for each, bytes_ in result.output_files.items()
        )
        return True


def _note_that_all_are(database: Database, seen: TaskResult) -> None:
    with database.write() as session:
        result = session.get(TaskResult, seen.task_id, with_for_update=True)
        if result is not None and result.attempt == seen.attempt:
            result.compressed_at = utcnow()
