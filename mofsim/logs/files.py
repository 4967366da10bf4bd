"""The files of the logs: one for each process, full ones beside it, old ones compressed, and packed by month.

logs/worker-gpu0.jsonl                              is written
logs/worker-gpu0.20261124T154501123456.jsonl        was full then, or the day (UTC) was over
logs/worker-gpu0.20261115T000000000017.jsonl.gz     after a week
logs/2026-10.tar                                    after a month: all of October's, compressed as they were
"""

import gzip
import logging
import os
import re
import shutil
import tarfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from logging.handlers import BaseRotatingHandler
from pathlib import Path

COMPRESS_AFTER = timedelta(days=7)
PACK_AFTER = timedelta(days=30)
_STAMP = "%Y%m%dT%H%M%S%f"
_FULL = re.compile(r"(?P<process>.+)\.(?P<end>\d{8}T\d{12})\.jsonl(?P<gz>\.gz)?")
_PACK = re.compile(r"\d{4}-\d{2}\.tar")


@dataclass(frozen=True)
class Full:
    """A file that nobody writes to any more; `end` is not before its last line."""

    path: Path
    process: str
    end: datetime


def full_name(name: str) -> tuple[str, datetime] | None:
    """The process and the end in the name of a full file, also of one in a pack; None for any other name."""
    match = _FULL.fullmatch(name)
    if match is None:
        return None
    return match["process"], datetime.strptime(match["end"], _STAMP).replace(tzinfo=UTC)


def live_files(folder: Path) -> list[Path]:
    """Those that are written, one for each process that ever ran here."""
    return sorted(path for path in folder.glob("*.jsonl") if not _FULL.fullmatch(path.name))


def full_files(folder: Path) -> list[Full]:
    """The newest first."""
    named = ((path, full_name(path.name)) for path in folder.iterdir())
    found = [Full(path, *parts) for path, parts in named if parts]
    return sorted(found, key=lambda file: file.end, reverse=True)


def packs(folder: Path) -> list[Path]:
    """The newest first."""
    return sorted((path for path in folder.glob("*.tar") if _PACK.fullmatch(path.name)), reverse=True)


class LogFile(BaseRotatingHandler):
    """Appends to the file of a process, and begins a new one when it is full or the day is over.

    Raises OSError when the file can not be made.
    """

    def __init__(self, folder: Path, process: str, max_bytes: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._process = process
        self._max_bytes = max_bytes
        super().__init__(folder / f"{process}.jsonl", "a", encoding="utf-8")
        self._day = self._day_of_content()

    def _day_of_content(self) -> str:
        """What a process before this one left is of the day when it was written last."""
        found = os.stat(self.baseFilename)
        return _day(datetime.fromtimestamp(found.st_mtime, UTC) if found.st_size else datetime.now(UTC))

    def shouldRollover(self, record: logging.LogRecord) -> bool:
        is_full = self.stream is not None and self.stream.tell() >= self._max_bytes
        return is_full or self._day != _day(datetime.now(UTC))

    def doRollover(self) -> None:
        now = datetime.now(UTC)
        if self.stream:
            self.stream.close()
        path = Path(self.baseFilename)
        # Another process of the same name may have been quicker, or somebody may have removed it.
        if path.exists() and path.stat().st_size:
            path.rename(path.with_name(f"{self._process}.{now:{_STAMP}}.jsonl"))
        self.stream = self._open()
        self._day = _day(now)


def tidy(folder: Path, now: datetime) -> None:
    """Compress and pack what is old enough; interrupted anywhere, the next time goes on. Raises OSError."""
    if not folder.is_dir():
        return
    old = [file for file in full_files(folder) if now - file.end > COMPRESS_AFTER]
    for file in old:
        if file.path.suffix != ".gz":
            _compress(file.path)
    months: dict[str, list[Path]] = {}
    for file in full_files(folder):
        if now - file.end > PACK_AFTER and file.path.suffix == ".gz":
            months.setdefault(f"{file.end:%Y-%m}", []).append(file.path)
    for month, paths in months.items():
        _pack(folder / f"{month}.tar", paths)


def _compress(path: Path) -> None:
    half, whole = path.with_name(f".{path.name}.gz"), path.with_name(f"{path.name}.gz")
    with path.open("rb") as source, half.open("wb") as raw:
        with gzip.GzipFile(fileobj=raw, mode="wb", filename="") as target:
            shutil.copyfileobj(source, target)
        raw.flush()
        os.fsync(raw.fileno())
    half.replace(whole)
    path.unlink()


def _pack(pack: Path, paths: list[Path]) -> None:
    """What is in the pack already, by a pack that was cut off before it could remove it, is not put in twice."""
    half = pack.with_name(f".{pack.name}")
    half.unlink(missing_ok=True)
    if pack.exists():
        shutil.copyfile(pack, half)
    with tarfile.open(half, "a") as archive:
        there = set(archive.getnames())
        for path in sorted(paths):
            if path.name not in there:
                archive.add(path, path.name)
    with half.open("rb") as file:
        os.fsync(file.fileno())
    half.replace(pack)
    for path in paths:
        path.unlink()


def _day(time: datetime) -> str:
    return f"{time:%Y-%m-%d}"
