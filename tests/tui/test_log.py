from datetime import timedelta

from textual.app import App, ComposeResult
from textual.pilot import Pilot

from mofsim.schemas.tasks import LogLine
from mofsim.tui.log_buffer import LogBuffer
from mofsim.tui.looks import UNICODE
from mofsim.tui.widgets.log_view import LogView
from mofsim.vocabulary import LogLevel
from tests.tui.fake import NOW


def lines(first: int, last: int, text: str = "line {}") -> list[LogLine]:
    return [
        LogLine(
            id=i, attempt=1, time=NOW + timedelta(seconds=i), level=LogLevel.INFO, logger="x", message=text.format(i)
        )
        for i in range(first, last + 1)
    ]


def test_lines_that_are_known_are_not_taken_twice() -> None:
    buffer = LogBuffer()
    buffer.add(lines(1, 5))
    assert buffer.add(lines(4, 8)) == 3
    assert (len(buffer), buffer.first_id, buffer.last_id) == (8, 1, 8)


def test_earlier_lines_come_in_front() -> None:
    buffer = LogBuffer()
    buffer.add(lines(50, 60))
    assert buffer.add_before(lines(1, 20), complete=False) == 0
    assert buffer.texts[0].endswith("line 50")
    assert buffer.add_before(lines(21, 49), complete=True) == 49
    assert buffer.from_start and buffer.texts[0].endswith("line 1")


def test_many_lines_are_packed_and_read_as_they_were() -> None:
    buffer = LogBuffer()
    buffer.add(lines(2001, 2600))
    assert buffer.add_before(lines(1, 1000), complete=False) == 0
    assert buffer.add_before(lines(1001, 2000), complete=True) == 2000
    buffer.add(lines(2601, 2610, "odd \udcff {}"))
    assert [*buffer.texts[:2600]] == [f"line {i}" for i in range(1, 2601)]
    assert buffer.texts[-1] == "odd \udcff 2610" and len(buffer.texts) == len(buffer) == 2610
    assert buffer.find("line 1234", 5, +1) == 1233


def test_control_characters_do_not_reach_the_terminal() -> None:
    buffer = LogBuffer()
    buffer.add(lines(1, 1, "red \x1b[31m and \x07 bell"))
    assert "\x1b" not in buffer.texts[0] and "\x07" not in buffer.texts[0]


def test_a_message_of_several_lines_becomes_several_rows() -> None:
    buffer = LogBuffer()
    assert buffer.add(lines(1, 1, "Traceback:\n  File x\nError")) == 3


def test_finding_goes_round_and_minds_no_case() -> None:
    buffer = LogBuffer()
    buffer.add(lines(1, 10))
    assert buffer.find("LINE 3", 9, -1) == 2
    assert buffer.find("line 3", 5, +1) == 2
    assert buffer.find("nothing", 5, +1) is None


class LogApp(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.buffer = LogBuffer()
        self.buffer.add(lines(101, 300))
        self.view = LogView(self.buffer, UNICODE, "log")

    def compose(self) -> ComposeResult:
        yield self.view

    def shown(self) -> list[str]:
        strips = self.screen._compositor.render_strips()
        return [strip.text.rstrip()[9:] for strip in strips if strip.text.strip()]


async def shows(pilot: Pilot[None], *expected: str) -> None:
    await pilot.pause()
    assert isinstance(pilot.app, LogApp)
    assert pilot.app.shown() == list(expected)


async def test_a_log_follows_its_end() -> None:
    app = LogApp()
    async with app.run_test(size=(40, 3)) as pilot:
        await shows(pilot, "line 298", "line 299", "line 300")
        app.buffer.add(lines(301, 301))
        app.view.grown()
        await shows(pilot, "line 299", "line 300", "line 301")


async def test_a_held_log_stays_where_it_is_when_lines_come_at_either_end() -> None:
    app = LogApp()
    async with app.run_test(size=(40, 3)) as pilot:
        await pilot.pause()
        app.view.move(-10)
        await shows(pilot, "line 288", "line 289", "line 290")
        app.buffer.add(lines(301, 301))
        app.view.grown()
        app.view.grown(before=app.buffer.add_before(lines(1, 100), complete=True))
        await shows(pilot, "line 288", "line 289", "line 290")


async def test_what_is_found_comes_into_view() -> None:
    app = LogApp()
    async with app.run_test(size=(40, 3)) as pilot:
        await pilot.pause()
        assert app.view.find("line 150")
        await pilot.pause()
        assert "line 150" in app.shown() and not app.view.following
        assert app.view.line_to_copy.endswith("line 150")


async def test_long_lines_are_cut_or_wrapped() -> None:
    app = LogApp()
    app.buffer.add(lines(301, 301, "word " * 20))
    async with app.run_test(size=(40, 4)) as pilot:
        await pilot.pause()
        assert len(app.shown()) == 4
        app.view.wrap = True
        app.view.redraw()
        await pilot.pause()
        assert sum("word" in line for line in app.shown()) == 3


async def test_the_first_line_is_in_view_at_the_top_however_lines_wrap() -> None:
    app = LogApp()
    app.buffer.add_before(lines(1, 100, "line {} " + "word " * 20), complete=True)
    async with app.run_test(size=(40, 4)) as pilot:
        app.view.wrap = True
        app.view.first()
        await pilot.pause()
        assert app.shown()[0].startswith("line 1 word")
