"""Read the logs of all processes as one, newest line first, and follow them."""

import gzip
import heapq
import json
import os
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from mofsim.logs.files import full_files, full_name, live_files, packs
from mofsim.vocabulary import LogLevel

_BLOCK_BYTES = 1 << 16
#: A search that finds little stops after so much, and says how far it came.
SCAN_BYTES = 32 << 20
_LEVELS = list(LogLevel)


@dataclass(frozen=True)
class Wanted:
    """Which lines; all conditions hold."""

    level: LogLevel = LogLevel.DEBUG
    text: str = ""
    logger: str = ""
    process: str = ""
    task_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __call__(self, raw: bytes) -> dict[str, Any] | None:
        """The line when it is wanted; None also for one that was cut off by a kill in the middle."""
        if self.text and self.text.casefold() not in raw.decode(errors="replace").casefold():
            return None
        line = _parsed(raw)
        return line if line and self._fits(line) else None

    def _fits(self, line: dict[str, Any]) -> bool:
        time = time_of(line)
        return (
            _LEVELS.index(LogLevel(line["level"])) >= _LEVELS.index(self.level)
            and (not self.logger or line["logger"].startswith(self.logger))
            and (not self.process or line["process"] == self.process)
            and (self.task_id is None or line.get("task_id") == self.task_id)
            and (self.since is None or time >= self.since)
            and (self.until is None or time <= self.until)
        )


@dataclass(frozen=True)
class Place:
    """Where a search goes on: so many lines of that time were seen before."""

    time: datetime
    seen: int


@dataclass(frozen=True)
class Found:
    lines: list[dict[str, Any]]
    #: None when there is nothing older
    next: Place | None


def search(folder: Path, wanted: Wanted, limit: int, place: Place | None = None) -> Found:
    """At most `limit` lines, newest first. Fewer, with a place to go on from, when many had to be looked through."""
    until = min((time for time in (wanted.until, place and place.time) if time), default=None)
    lines, scanned = [], 0
    at = Place(datetime.max.replace(tzinfo=UTC), 0)
    for raw, time in _all_lines(folder, wanted.since, until):
        if wanted.since is not None and time < wanted.since:
            break
        if until is not None and time > until:
            continue
        at = Place(time, at.seen + 1 if time == at.time else 1)
        if place is not None and time == place.time and at.seen <= place.seen:
            continue
        scanned += len(raw)
        if line := wanted(raw):
            lines.append(line)
        if len(lines) >= limit or scanned >= SCAN_BYTES:
            return Found(lines, at)
    return Found(lines, None)


class Follower:
    """The lines that come after it was made, of all processes, those of processes that start later too."""

    def __init__(self, folder: Path, wanted: Wanted) -> None:
        self._folder = folder
        self._wanted = wanted
        self._open: dict[Path, BinaryIO] = {}
        self._rest: dict[Path, bytes] = {}
        for path in live_files(folder):
            self._follow(path).seek(0, os.SEEK_END)

    def news(self) -> list[dict[str, Any]]:
        """What came since the last time, oldest first."""
        found: list[dict[str, Any]] = []
        for path in live_files(self._folder):
            file = self._open.get(path) or self._follow(path)
            found += self._read(path, file)
            if not _is_same(path, file):
                # It was full: its last lines are read, the next ones are in a new file of that name.
                file.close()
                found += self._read(path, self._follow(path))
        return sorted(found, key=lambda line: str(line["timestamp"]))

    def close(self) -> None:
        for file in self._open.values():
            file.close()

    def _follow(self, path: Path) -> BinaryIO:
        self._open[path] = file = path.open("rb")
        self._rest[path] = b""
        return file

    def _read(self, path: Path, file: BinaryIO) -> Iterator[dict[str, Any]]:
        *whole, self._rest[path] = (self._rest[path] + file.read()).split(b"\n")
        for raw in whole:
            if line := self._wanted(raw):
                yield line


def time_of(line: dict[str, Any]) -> datetime:
    """When a line was written, UTC."""
    return datetime.fromisoformat(line["timestamp"])


def _parsed(raw: bytes) -> dict[str, Any] | None:
    try:
        line = json.loads(raw)
        time_of(line)
        LogLevel(line["level"])
    except (ValueError, KeyError, TypeError):
        return None
    return line if isinstance(line, dict) else None


def _all_lines(folder: Path, since: datetime | None, until: datetime | None) -> Iterator[tuple[bytes, datetime]]:
    """The lines of all processes, merged by their time, newest first; a little more than was asked for."""
    if not folder.is_dir():
        return
    sources: dict[str, list[Callable[[], Iterator[bytes]]]] = {}
    for path in live_files(folder):
        sources.setdefault(path.name.removesuffix(".jsonl"), []).append(_Plain(path))
    for process, source in _older(folder, since, until):
        sources.setdefault(process, []).append(source)
    streams = (_timed(files) for files in sources.values())
    yield from heapq.merge(*streams, key=lambda item: item[1], reverse=True)


def _older(
    folder: Path, since: datetime | None, until: datetime | None
) -> Iterator[tuple[str, Callable[[], Iterator[bytes]]]]:
    """The full files that may have lines of that time, of each process the newest first."""
    waiting: dict[str, tuple[datetime, Callable[[], Iterator[bytes]]]] = {}
    for end, process, source in _full(folder):
        if since is not None and end < since:
            break
        # A file begins where the one before it ended: only the next older one tells whether it can be left out.
        if process in waiting and (until is None or end < until):
            yield process, waiting[process][1]
        waiting[process] = end, source
    for process, (_, source) in waiting.items():
        yield process, source


def _full(folder: Path) -> Iterator[tuple[datetime, str, Callable[[], Iterator[bytes]]]]:
    """End, process and lines of each full file, newest first."""
    for file in full_files(folder):
        yield file.end, file.process, _Gzip(file.path) if file.path.suffix == ".gz" else _Plain(file.path)
    for pack in packs(folder):
        with tarfile.open(pack) as archive:
            members = [(full_name(member.name), member) for member in archive.getmembers()]
        named = [(*parts, member) for parts, member in members if parts]
        for process, end, member in sorted(named, key=lambda item: item[1], reverse=True):
            yield end, process, _Packed(pack, member.name)


@dataclass(frozen=True)
class _Plain:
    path: Path

    def __call__(self) -> Iterator[bytes]:
        """From the end; it may be renamed meanwhile, and grow."""
        with self.path.open("rb") as file:
            end, rest = file.seek(0, os.SEEK_END), b""
            while end > 0:
                start = max(0, end - _BLOCK_BYTES)
                file.seek(start)
                first, *lines = (file.read(end - start) + rest).split(b"\n")
                yield from reversed(lines)
                end, rest = start, first
            yield rest


@dataclass(frozen=True)
class _Gzip:
    path: Path

    def __call__(self) -> Iterator[bytes]:
        return reversed(gzip.decompress(self.path.read_bytes()).split(b"\n"))


@dataclass(frozen=True)
class _Packed:
    pack: Path
    name: str

    def __call__(self) -> Iterator[bytes]:
        with tarfile.open(self.pack) as archive:
            file = archive.extractfile(self.name)
            content = file.read() if file else b""
        return reversed(gzip.decompress(content).split(b"\n"))


def _timed(files: list[Callable[[], Iterator[bytes]]]) -> Iterator[tuple[bytes, datetime]]:
    """The lines of one process with their times; a file that was compressed or packed meanwhile is left out."""
    for lines in files:
        try:
            for raw in lines():
                if line := _parsed(raw):
                    yield raw, time_of(line)
        except (FileNotFoundError, KeyError):
            continue


def _is_same(path: Path, file: BinaryIO) -> bool:
    try:
        return path.stat().st_ino == os.fstat(file.fileno()).st_ino
    except FileNotFoundError:
        return True
