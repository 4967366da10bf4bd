"""The log of the processes."""

from datetime import timedelta
from typing import Any

import pytest

from mofsim.tui.log_buffer import Stamp
from mofsim.tui.screens.logs import LogsScreen
from mofsim.tui.system_log import KEPT, LogFilter, SystemLog
from mofsim.vocabulary import LogLevel, WorkerState
from tests.tui.conftest import Driver, Run
from tests.tui.fake import NOW, World, world
from tests.tui.fake_log import line


def screen(c: Driver) -> LogsScreen:
    assert isinstance(c.app.screen, LogsScreen)
    return c.app.screen


def under_cursor(c: Driver) -> str:
    (found,) = [line for line in c.lines if line.lstrip("│").startswith("▌")]
    return found.strip("│▌ ")


def long(n: int = 3000, page: int = 500) -> World:
    known = world()
    known.system_log.lines = [line(i - n) for i in range(n)]
    known.system_log.page_lines = page
    return known


async def test_the_newest_lines_of_all_processes_are_shown_and_followed(run: Run) -> None:
    async with run() as c:
        await c.press("4")
        await c.sees("[4 Logs]", "● following", "all there are", "request -1", "worker-gpu1 WARNING a step is slow")
        await c.sees("chores      ERROR   can not compress", "OSError: no room", "after_s=12")
        await c.world.system_log.write(line(1, message="a new one"))
        await c.sees("a new one")
        assert "a new one" in under_cursor(c)


async def test_lines_come_only_while_somebody_looks_and_none_is_missed(run: Run) -> None:
    async with run() as c:
        await c.press("4")
        await c.sees("request -1")
        await c.until(lambda: c.world.system_log.followers == 1)
        await c.press("2")
        await c.until(lambda: c.world.system_log.followers == 0)
        await c.world.system_log.write(line(1, message="while away"))
        await c.press("4")
        await c.sees("while away")
        await c.world.system_log.write(line(2, message="and later"))
        await c.sees("and later")
        assert c.text.count("while away") == 1 and c.text.count("request -1 ") == 1


async def test_a_held_log_stays_where_it_is_until_it_follows_again(run: Run) -> None:
    async with run() as c:
        await c.press("4")
        await c.sees("request -1")
        await c.press("k", "k")
        await c.sees("held: f follows")
        before = under_cursor(c)
        await c.world.system_log.write(*(line(n, message=f"new {n}") for n in range(50)))
        await c.until(lambda: len(screen(c).buffer) == 93)
        assert under_cursor(c) == before
        await c.press("f")
        await c.sees("● following", "new 49")
        await c.press("f")
        await c.sees("held: f follows")
        await c.press("G")
        await c.sees("● following")


async def test_older_pages_are_read_as_one_scrolls_up_and_the_cursor_stays_on_its_line(run: Run) -> None:
    async with run(long()) as c:
        await c.press("4")
        await c.sees("request -1 ", "500 rows, older ones above")
        await c.press("g")
        await c.sees("1 000 rows")
        assert "request -500 " in under_cursor(c)
        await c.press("k")
        assert "request -501 " in under_cursor(c)
        for _ in range(5):
            await c.press("g", "k")
        await c.sees("3 000 rows, all there are")
        await c.press("g")
        assert "request -3000 " in under_cursor(c)
        assert screen(c).buffer.texts == [t for n in range(3000) if (t := screen(c).buffer.texts[n])]


async def test_find_goes_up_into_what_was_not_read_yet(run: Run) -> None:
    async with run(long()) as c:
        await c.press("4")
        await c.sees("request -1 ")
        await c.press("slash")
        await c.type("request -29")
        await c.press("enter")
        await c.until(lambda: "request -29 " in under_cursor(c))
        await c.press("N")
        await c.until(lambda: "request -290 " in under_cursor(c))
        for _ in range(10):
            await c.press("N")
        await c.until(lambda: "request -2900 " in under_cursor(c))
        await c.sees("find: request -29", "3 000 rows")
        await c.press("n")
        await c.until(lambda: "request -299 " in under_cursor(c))
        await c.press("escape")
        await c.misses("find: request")


async def test_what_is_not_there_is_told(run: Run) -> None:
    async with run(long(700)) as c:
        await c.press("4")
        await c.sees("request -1 ")
        await c.press("slash")
        await c.type("nothing like it")
        await c.press("enter")
        await c.sees("no line above has 'nothing like it'", "700 rows, all there are")
        await c.press("n")
        await c.sees("no line below has")


async def test_levels_processes_and_tasks_filter(run: Run) -> None:
    async with run() as c:
        await c.press("4")
        await c.sees("request -1 ")
        await c.press("l", "l")
        await c.sees("WARNING and above", "a step is slow")
        await c.misses("request -1 ")
        await c.press("l")
        await c.misses("a step is slow")
        await c.sees("chores      ERROR")
        await c.world.system_log.write(line(1), line(2, level=LogLevel.ERROR, message="worse"))
        await c.sees("worse")
        assert "request 1 " not in c.text
        await c.press("escape")
        await c.sees("all lines", "request 1 ")
        await c.press("s")
        await c.sees("lines of which process?", "supervisor", "worker-gpu3")
        await c.type("gpu1")
        await c.press("enter")
        await c.sees("of worker-gpu1", "model loaded", "a step is slow")
        await c.misses("can not compress")
        await c.press("o")
        await c.sees("about task 8125", "a step is slow")
        await c.misses("model loaded")
        await c.press("o")
        await c.sees("model loaded")
        assert "about task" not in c.text


async def test_when_no_line_fits_it_says_what_to_press(run: Run) -> None:
    async with run() as c:
        c.world.system_log.lines = [line(1)]
        await c.press("4")
        await c.sees("request 1 ")
        await c.press("l", "l", "l")
        await c.sees("No line: ERROR.", "esc shows all lines")
        await c.press("escape")
        await c.sees("request 1 ")


async def test_a_page_without_a_line_does_not_end_the_search(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server stops after so many bytes."""
    known = world()
    known.system_log.lines = [line(n - 100, task_id=8125 if n == 3 else None) for n in range(100)]
    whole = known.system_log.page

    def narrow(query: Any) -> Any:
        """A page of 500 looks at ten lines only."""
        about = query.get("task")
        page = whole({**query, "task": None, "limit": 10})
        page.items = [each for each in page.items if about in (None, each.task_id)]
        return page

    monkeypatch.setattr(known.system_log, "page", narrow)
    async with run(known) as c:
        await c.press("4")
        await c.sees("request -1 ")
        screen(c).filter_by(LogFilter(task=8125))
        await c.sees("request -97 ")


async def test_enter_opens_the_task_of_a_line(run: Run) -> None:
    async with run() as c:
        await c.press("4")
        await c.sees("request -1 ")
        await c.press("enter")
        await c.sees("the line under the cursor is about no task")
        await c.press("slash")
        await c.type("step is slow")
        await c.press("enter")
        await c.until(lambda: "a step is slow" in under_cursor(c))
        assert "enter open task" in c.lines[-1]
        await c.press("enter")
        await c.sees("Tasks › 8125")  # noqa: RUF001


async def test_y_copies_the_line_under_the_cursor(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    async with run() as c:
        monkeypatch.setattr(c.app, "copy_to_clipboard", copied.append)
        await c.press("4")
        await c.sees("request -1 ")
        await c.press("k", "y")
        await c.sees("copied the line")
        assert "supervisor          gpu1 is back  after_s=12" in copied[0]


async def test_time_and_wrapping_change_how_lines_look(run: Run) -> None:
    async with run() as c:
        await c.world.system_log.write(line(1, message="long " * 40 + "end"))
        await c.press("4")
        await c.sees("long long")
        clock = f"{NOW + timedelta(seconds=1):{Stamp.CLOCK}}".strip()[3:]
        assert clock in under_cursor(c)
        await c.press("t")
        await c.sees("03-02 ")
        await c.press("t")
        assert clock not in under_cursor(c)
        assert "end" not in c.text.split("esc")[0].split("long long")[-1][:120]
        await c.press("w")
        await c.sees("wrapped", "long end")


async def test_a_paused_picture_stands_still_and_takes_all_in_when_it_goes_on(run: Run) -> None:
    async with run() as c:
        await c.press("4")
        await c.sees("request -1 ")
        await c.press("p")
        await c.sees("paused")
        await c.world.system_log.write(line(1, message="meanwhile"))
        await c.until(lambda: screen(c)._held)
        assert "meanwhile" not in c.text
        await c.press("p")
        await c.sees("meanwhile")


async def test_a_key_that_may_not_read_it_is_told_so_and_all_else_works(run: Run) -> None:
    known = world()
    known.system_log.refusal = "this wants a key with the scope admin; the key 'ada' has read"
    async with run(known) as c:
        await c.press("4")
        await c.sees("This log is for another key", "the scope admin", "All other screens work as before")
        assert "error" not in c.text.lower()
        await c.press("2")
        await c.sees("8125")


async def test_a_lost_server_leaves_the_lines_and_a_new_one_is_caught_up_with(run: Run) -> None:
    async with run() as c:
        await c.press("4")
        await c.sees("request -1 ")
        await c.until(lambda: c.world.system_log.followers == 1)
        await c.world.go_down()
        await c.sees("does not answer", "request -1 ")
        c.world.system_log.lines.append(line(1, message="while it was gone"))
        c.world.up = True
        await c.sees("● live", "while it was gone")
        assert c.text.count("request -1 ") == 1


async def test_too_many_missed_lines_begin_anew_without_a_gap(run: Run) -> None:
    async with run() as c:
        await c.press("4")
        await c.sees("request -1 ")
        await c.press("2")
        c.world.system_log.lines += [line(n) for n in range(5000)]
        c.world.system_log.page_lines = 1000
        await c.press("4")
        await c.sees("request 4999 ", "older ones above")
        numbers = [int(text.split("request ")[1].split()[0]) for text in screen(c).buffer.texts if "request" in text]
        assert numbers == list(range(numbers[0], 5000))


async def test_processes_that_are_known_can_be_chosen_before_they_said_anything(run: Run) -> None:
    async with run() as c:
        await c.world.worker(2, WorkerState.IDLE)
        await c.press("4")
        await c.sees("request -1 ")
        await c.press("s")
        await c.type("gpu2")
        await c.press("enter")
        await c.sees("No line: of worker-gpu2.")


def test_the_oldest_rows_go_when_there_are_too_many_and_lines_stay_whole() -> None:
    log = SystemLog()
    log.came([line(n, exception="a\nb") for n in range(KEPT // 2)])
    before = len(log)
    assert log.trim() == before - len(log) and len(log) <= KEPT
    assert not log.from_start and log.time(0).strip() and log.oldest is not None
    assert log.came_before([line(1)], None) == 1


def test_finding_a_time_looks_at_times_too() -> None:
    log = SystemLog()
    log.came([line(n) for n in range(100)])
    wanted = log.time(40).strip()
    assert log.find(wanted, 99, -1) == 40


def test_levels_go_round() -> None:
    wanted, seen = LogFilter(), []
    for _ in range(4):
        seen.append(wanted.level)
        wanted = wanted.with_next_level()
    assert seen == list(LogLevel) and not wanted
