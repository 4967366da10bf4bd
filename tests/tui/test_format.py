from datetime import timedelta

import pytest

from mofsim.tui import format
from mofsim.tui.looks import ASCII, UNICODE, glyphs_for, plain
from mofsim.vocabulary import TaskStatus
from tests.tui.fake import NOW, task


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.184, "0.184"), (12.345, "12.3"), (1900.0, "1900"), (1.9e5, "1.9e+05"), (3e-5, "3.0e-05"), (0.0, "0"), (None, "–")],
)
def test_a_number_has_three_significant_digits(value: float | None, shown: str) -> None:
    assert format.number(value) == shown


def test_a_clock_shows_hours_and_days_only_where_there_are_some() -> None:
    assert [format.clock(s) for s in (5, 302, 3905, 90_061)] == ["00:05", "05:02", "1:05:05", "1d 01:01"]


def test_an_estimate_is_rounded_to_what_it_is_worth() -> None:
    assert [format.rough(s) for s in (3, 42, 240, 10_440, 400_000)] == ["3 s", "40 s", "4 min", "2 h 54 m", "5 d"]


def test_a_waiting_time_does_not_change_each_second() -> None:
    assert format.age(61) == format.age(119) == "1 min"


def test_a_bar_has_eighths_of_a_cell_where_the_terminal_has_them() -> None:
    assert format.bar(0.57, 8, UNICODE) == "████▌   "
    assert format.bar(0.57, 8, ASCII) == "#####   "


def test_a_bar_never_leaves_its_place() -> None:
    assert [len(format.bar(f, 10, UNICODE)) for f in (-1, 0, 0.999, 1, 7)] == [10] * 5


def test_thousands_are_set_apart_by_a_space() -> None:
    assert format.grouped(1_234_567) == "1 234 567"


def test_elapsed_is_the_waiting_time_until_a_task_has_started() -> None:
    waiting = task(1, created_at=NOW - timedelta(minutes=30))
    running = task(2, TaskStatus.RUNNING, started_at=NOW - timedelta(seconds=302))
    never_started = task(3, TaskStatus.CANCELLED, started_at=None)
    assert [format.elapsed(t, NOW) for t in (waiting, running, never_started)] == ["30 min", "05:02", None]


def test_a_device_is_named_by_its_slot() -> None:
    on_gpu = task(1, TaskStatus.RUNNING, worker_id="box:gpu3")
    on_cpu = task(2, TaskStatus.RUNNING, worker_id="box:cpu0")
    assert (format.device(on_gpu), format.place(on_gpu)) == ("3", "GPU 3 of box")
    assert (format.device(on_cpu), format.place(on_cpu)) == ("cpu0", "cpu0 of box")
    assert format.device(task(3)) is None


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"LANG": "C"}, ASCII),
        ({"LC_ALL": "POSIX", "LANG": "de_DE.UTF-8"}, ASCII),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, ASCII),
        ({"LANG": "C.UTF-8"}, UNICODE),
        ({}, UNICODE),
        ({"LANG": "de_DE.UTF-8", "TERM": "linux"}, ASCII),
    ],
)
def test_glyphs_are_ascii_where_the_terminal_can_no_more(environment: dict[str, str], expected: object) -> None:
    assert glyphs_for(environment) is expected


def test_plain_text_is_ascii_of_the_same_width() -> None:
    assert plain("┌ fmax ≤ 0.02 eV/Å … 中") == "+ fmax ? 0.02 eV/A . ??"
