"""Logs of many processes, read as one."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mofsim.logs import history
from mofsim.logs.history import Follower, Wanted, search
from mofsim.vocabulary import LogLevel

from .test_files import full, line

START = datetime(2026, 11, 24, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three processes, whose lines follow each other in turn: 300 of them, each at its second."""
    for process, first in (("server", 0), ("chores", 1), ("worker-cpu0", 2)):
        lines = [
            line(
                at(n),
                f"message {n}",
                process=process,
                level="ERROR" if n % 50 == 0 else "INFO",
                task_id=n // 10,
                extra={"note": "Ångström"} if n == 77 else {},
            )
            for n in range(first, 300, 3)
        ]
        full(tmp_path, process, at(99.5), *lines[:33])
        full(tmp_path, process, at(199.5), *lines[33:66])
        (tmp_path / f"{process}.jsonl").write_text("\n".join(lines[66:]) + "\n" + '{"timestamp": "2026-11-24T')
    return tmp_path


def numbers(folder: Path, wanted: Wanted = Wanted(), limit: int = 1000) -> list[int]:  # noqa: B008
    return [int(each["message"].split()[1]) for each in search(folder, wanted, limit).lines]


def test_all_lines_come_newest_first_whoever_wrote_them(folder: Path) -> None:
    assert numbers(folder) == list(range(299, -1, -1))
    assert numbers(folder, limit=5) == [299, 298, 297, 296, 295]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        pytest.param(Wanted(level=LogLevel.ERROR), [250, 200, 150, 100, 50, 0], id="level"),
        pytest.param(Wanted(text="MESSAGE 29"), [*range(299, 289, -1), 29], id="text"),
        pytest.param(Wanted(text="ångström"), [77], id="text of another field"),
        pytest.param(Wanted(task_id=7), list(range(79, 69, -1)), id="task"),
        pytest.param(Wanted(process="chores", since=at(290)), [298, 295, 292], id="process"),
        pytest.param(Wanted(since=at(97), until=at(103)), list(range(103, 96, -1)), id="time"),
        pytest.param(Wanted(until=at(2)), [2, 1, 0], id="until"),
        pytest.param(Wanted(since=at(500)), [], id="later"),
        pytest.param(Wanted(logger="mofsim.server"), [], id="logger"),
    ],
)
def test_what_is_wanted_is_found(folder: Path, wanted: Wanted, expected: list[int]) -> None:
    assert numbers(folder, wanted) == expected


@pytest.mark.parametrize("limit", [1, 7, 100])
def test_pages_follow_each_other_without_a_gap(folder: Path, limit: int) -> None:
    """Also where many lines are of the same moment."""
    same = [line(at(250), f"message {n}", process="server") for n in range(1000, 1020)]
    full(folder, "other", at(251), *same)
    wanted, place, pages = Wanted(since=at(240), until=at(260)), None, []
    while True:
        found = search(folder, wanted, limit, place)
        pages += [each["message"] for each in found.lines]
        if (place := found.next) is None:
            break
    assert pages == [each["message"] for each in search(folder, wanted, 1000).lines]
    assert len(pages) == len(set(pages)) == 21 + 20


def test_a_search_that_finds_little_stops_and_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "SCAN_BYTES", 3000)
    wanted, place, pages, found_so_far = Wanted(text="message 5"), None, 0, []
    while True:
        found = search(folder, wanted, 100, place)
        found_so_far += [each["message"] for each in found.lines]
        pages += 1
        if (place := found.next) is None:
            break
    assert pages > 5 and found_so_far == [f"message {n}" for n in (*range(59, 49, -1), 5)]


def test_there_is_nothing_to_find_where_nothing_was_logged(tmp_path: Path) -> None:
    assert search(tmp_path / "none", Wanted(), 10).lines == []


def test_a_follower_sees_what_comes_of_all_processes_and_through_a_change_of_files(folder: Path) -> None:
    follower = Follower(folder, Wanted(level=LogLevel.INFO))
    assert follower.news() == []
    server = folder / "server.jsonl"
    server.write_text(server.read_text().rpartition("\n")[0] + "\n")
    follower = Follower(folder, Wanted())

    def say(path: Path, second: int, end: str = "\n") -> None:
        with path.open("a") as file:
            file.write(line(at(second), f"message {second}") + end)

    say(server, 301, end="")
    assert follower.news() == [], "the line is not whole yet"
    with server.open("a") as file:
        file.write("\n")
    say(server, 302)
    server.rename(folder / f"server.{at(303):%Y%m%dT%H%M%S%f}.jsonl")
    say(server, 303)
    say(folder / "new.jsonl", 304)
    assert [each["message"] for each in follower.news()] == [f"message {n}" for n in range(301, 305)]
    say(server, 305)
    assert [each["message"] for each in follower.news()] == ["message 305"]
    follower.close()
