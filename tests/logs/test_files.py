"""The files of the logs: what a process writes, when it begins a new file, and what becomes of old ones."""

import gzip
import json
import logging
import os
import tarfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mofsim.logs.files import LogFile, full_files, live_files, packs, tidy
from mofsim.logs.history import Wanted, search

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def line(time: datetime, message: str, **more: object) -> str:
    found = {"timestamp": time.isoformat(), "level": "INFO", "logger": "mofsim", "message": message, "process": "a"}
    return json.dumps(found | more, ensure_ascii=False)


def full(folder: Path, process: str, end: datetime, *lines: str) -> Path:
    path = folder / f"{process}.{end:%Y%m%dT%H%M%S%f}.jsonl"
    path.write_text("".join(f"{each}\n" for each in lines))
    return path


@pytest.fixture
def logger(tmp_path: Path) -> Iterator[logging.Logger]:
    """Writes to files of at most 100 bytes."""
    handler = LogFile(tmp_path, "server", max_bytes=100)
    logger = logging.Logger("test")
    logger.addHandler(handler)
    yield logger
    handler.close()


def test_a_full_file_is_put_aside_and_no_line_is_lost(tmp_path: Path, logger: logging.Logger) -> None:
    for number in range(50):
        logger.info("line number %02d", number)
    paths = [file.path for file in reversed(full_files(tmp_path))] + live_files(tmp_path)
    assert all(path.stat().st_size <= 115 for path in paths) and len(paths) > 5
    written = [text for path in paths for text in path.read_text().splitlines()]
    assert written == [f"line number {number:02d}" for number in range(50)]


def test_each_day_has_its_own_file_also_after_a_restart(tmp_path: Path) -> None:
    yesterday = time.time() - 86_400
    (tmp_path / "server.jsonl").write_text("yesterday\n")
    os.utime(tmp_path / "server.jsonl", (yesterday, yesterday))
    handler = LogFile(tmp_path, "server", max_bytes=1000)
    handler.emit(logging.makeLogRecord({"msg": "today"}))
    handler.close()
    [old] = full_files(tmp_path)
    assert (old.path.read_text(), (tmp_path / "server.jsonl").read_text()) == ("yesterday\n", "today\n")


def test_old_files_are_compressed_and_packed_by_month_and_nothing_is_lost(tmp_path: Path) -> None:
    ages = [1, 6, 8, 20, 31, 50, 80]
    for days in ages:
        end = NOW - timedelta(days=days)
        full(tmp_path, "server", end, line(end - timedelta(seconds=1), f"{days} days"))
    tidy(tmp_path, NOW)
    assert [file.path.suffix for file in full_files(tmp_path)] == [".jsonl", ".jsonl", ".gz", ".gz"]
    assert [pack.name for pack in packs(tmp_path)] == ["2026-10.tar", "2026-09.tar"]
    with tarfile.open(packs(tmp_path)[0]) as pack:
        assert len(pack.getnames()) == 2
    found = search(tmp_path, Wanted(), limit=100)
    assert [each["message"] for each in found.lines] == [f"{days} days" for days in ages] and found.next is None
    tidy(tmp_path, NOW + timedelta(days=30))
    assert [each["message"] for each in search(tmp_path, Wanted(), limit=100).lines] == [f"{d} days" for d in ages]
    assert not list(tmp_path.glob(".*")), "nothing half-made is left"


def test_a_kill_between_two_steps_of_tidying_duplicates_nothing(tmp_path: Path) -> None:
    end = NOW - timedelta(days=40)
    path = full(tmp_path, "server", end, line(end, "once"))
    content = path.read_bytes()
    tidy(tmp_path, NOW)
    # As if it had been killed before it removed what it had packed, and while it compressed another one.
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(content))
    other = full(tmp_path, "server", end + timedelta(days=1), line(end + timedelta(days=1), "twice"))
    other.with_name(f".{other.name}.gz").write_bytes(b"half")
    (tmp_path / ".2026-10.tar").write_bytes(b"half")
    tidy(tmp_path, NOW)
    assert [each["message"] for each in search(tmp_path, Wanted(), limit=100).lines] == ["twice", "once"]
    assert [path.name for path in tmp_path.iterdir()] == ["2026-10.tar"]
