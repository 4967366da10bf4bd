"""Several servers, and what is shown where there is none."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from mofsim.tui import starting
from mofsim.tui.app import Console
from mofsim.tui.looks import UNICODE
from mofsim.tui.remembered import Remembered, recall
from mofsim.tui.screens.welcome import Welcome
from mofsim.tui.server_list import KEPT, complete, with_first
from mofsim.vocabulary import TaskStatus
from tests.tui.conftest import Driver
from tests.tui.fake import NOW, URL, FakeClient, World, some_alerts, task, world

OTHER = "http://gpu-box-2:8321"
LOCAL = "http://127.0.0.1:8321"


class Client(FakeClient):
    """At an address of its own."""

    def __init__(self, world: World, url: str) -> None:
        super().__init__(world)
        self.url = url


Start = Callable[..., AbstractAsyncContextManager[Driver]]


@pytest.fixture
def start() -> Start:
    @asynccontextmanager
    async def begin(
        worlds: Mapping[str, World],
        remembered: Remembered | None = None,
        size: tuple[int, int] = (120, 36),
        program: tuple[str, ...] = starting.PROGRAM,
    ) -> AsyncIterator[Driver]:
        def reach(url: str) -> Client:
            known = worlds.get(url)
            if known is None:
                known = world()
                known.up = False
            return Client(known, url)

        first = next(iter(worlds))
        app = Console(first, lambda: reach(first), glyphs=UNICODE, remembered=remembered, reach=reach, program=program)
        app.session.now = lambda: NOW
        async with app.run_test(size=size, notifications=True) as pilot:
            yield Driver(app, worlds[first], pilot)

    return begin


def two() -> dict[str, World]:
    return {URL: world(), OTHER: world([task(77, TaskStatus.RUNNING), task(78)], alerts=some_alerts())}


async def test_servers_are_listed_with_how_they_are_and_enter_goes_there(start: Start, tmp_path: Path) -> None:
    kept = Remembered(tmp_path / "console.toml", servers=(OTHER, "http://gone:1"))
    worlds = two()
    async with start(worlds, kept) as c:
        await c.sees("● live", "8125")
        await c.press("space", "at")
        await c.sees("go to which server?", "4 workers, 3 running, 3 waiting; you are here")
        await c.sees(
            "http://gpu-box-2:8321  ● 4 workers, 1 running, 1 waiting", "http://gone:1", "nothing listens there"
        )
        await c.type("box-2")
        await c.press("enter")
        await c.sees("gpu-box-2:8321", "● live", "77", "1 run  1 wait")
        assert "8125" not in c.text and not c.app.session.store.selected
        await worlds[OTHER].put(task(79))
        await c.sees("79")
        asked = len(worlds[URL].asked)
        await worlds[URL].put(task(9999))
        for key in "1345672":
            await c.press(key)
            await c.sees(f"[{key} ")
        assert "9999" not in c.text and len(worlds[URL].asked) == asked, "nothing of the other one comes any more"
    again, _ = recall(tmp_path / "console.toml")
    assert list(again.servers) == [OTHER, URL, "http://gone:1"]


async def test_a_new_address_is_gone_to_and_remembered_and_one_can_be_forgotten(start: Start, tmp_path: Path) -> None:
    kept = Remembered(tmp_path / "console.toml", servers=("http://gone:1",))
    async with start(two(), kept) as c:
        await c.sees("● live", "8125")
        await c.press("at")
        await c.type("gone")
        await c.press("ctrl+x")
        await c.misses("http://gone:1")
        await c.press(*["backspace"] * 4)
        await c.type("gpu-box-2:8321")
        await c.sees("go to http://gpu-box-2:8321 and remember it")
        await c.press("enter")
        await c.sees("77")
    assert list(recall(tmp_path / "console.toml")[0].servers) == [OTHER, URL]


async def test_the_one_in_use_can_not_be_forgotten_and_esc_stays(start: Start) -> None:
    async with start(two()) as c:
        await c.sees("● live", "8125")
        await c.press("at")
        await c.sees("you are here")
        await c.press("ctrl+x")
        await c.sees("you are connected to it")
        await c.press("escape")
        await c.misses("go to which server?")
        await c.sees("8125")


async def test_a_server_that_does_not_answer_can_be_left_again(start: Start) -> None:
    async with start({**two(), "http://gone:1": _down()}) as c:
        await c.sees("● live", "8125")
        await c.press("at")
        await c.type("gone:1")
        await c.press("enter")
        await c.sees("mofsim: no server answers", "gone:1 ◌ no server")
        assert "Start mofsim here" not in c.text, "it is another machine"
        await c.press("at")
        await c.type("gpu-box-2:8321")
        await c.press("enter")
        await c.sees("77", "● live")


async def test_into_the_demo_and_back(start: Start) -> None:
    async with start(two()) as c:
        await c.sees("● live", "8125")
        await c.press("at")
        await c.type("demo")
        await c.press("enter")
        await c.sees("DEMO", "● live", "8078")
        await c.press("at")
        await c.sees("a simulated world")
        await c.type("gpu-box-1:8321")
        await c.press("enter")
        await c.sees("8125", "gpu-box-1:8321")
        assert "DEMO" not in c.text


def _down() -> World:
    known = world()
    known.up = False
    return known


async def test_without_a_server_a_screen_offers_what_can_be_done(start: Start) -> None:
    known = _down()
    async with start({LOCAL: known}) as c:
        await c.sees(
            "mofsim: no server answers", "Start mofsim here", "Go to another address", "Look around in the demo"
        )
        await c.press("escape")
        await c.misses("Start mofsim here")
        await c.sees("No mofsim server answers")
        known.up = True
        await c.sees("● live", "8125")


async def test_the_screen_goes_by_itself_when_a_server_answers(start: Start) -> None:
    known = _down()
    async with start({LOCAL: known}) as c:
        await c.sees("Start mofsim here")
        known.up = True
        await c.sees("● live", "8125")
        assert not isinstance(c.app.screen, Welcome)


async def test_the_demo_is_one_key_away(start: Start) -> None:
    async with start({LOCAL: _down()}) as c:
        await c.sees("Look around in the demo")
        await c.press("d")
        await c.sees("DEMO", "● live", "8078")


@pytest.mark.parametrize("size", [(80, 24), (40, 16)], ids=str)
async def test_it_can_be_read_where_there_is_little_room(start: Start, size: tuple[int, int]) -> None:
    async with start({LOCAL: _down()}, size=size) as c:
        await c.sees("no server answers", "Start mofsim here", "Leave")


@pytest.fixture
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(starting, "log_file", lambda: tmp_path / "logs" / "up.log")
    return tmp_path / "logs" / "up.log"


def program(tmp_path: Path, text: str) -> tuple[str, ...]:
    path = tmp_path / "program.py"
    path.write_text(text)
    return (sys.executable, str(path))


async def test_a_server_is_started_with_its_log_and_goes_on_when_the_console_is_left(
    start: Start, tmp_path: Path, logs: Path
) -> None:
    known = _down()
    runs = program(tmp_path, "import sys, time\nprint('making the database', *sys.argv[1:])\ntime.sleep(60)\n")
    async with start({LOCAL: known}, program=runs) as c:
        await c.sees("Start mofsim here")
        await c.press("s")
        await c.sees("Starting (process", "making the database up --port 8321")
        pid = int(c.text.partition("Starting (process ")[2].partition(")")[0])
        known.up = True
        await c.sees("● live", "mofsim runs here and goes on")
    os.kill(pid, 0)
    assert os.getsid(pid) == pid, "it has a session of its own"
    os.kill(pid, signal.SIGTERM)
    assert await asyncio.to_thread(os.waitpid, pid, 0) == (pid, signal.SIGTERM)


async def test_a_start_that_fails_shows_why(start: Start, tmp_path: Path, logs: Path) -> None:
    fails = program(tmp_path, "import sys\nprint('port 8321 is taken\\x1b[31m')\nsys.exit(3)\n")
    async with start({LOCAL: _down()}, program=fails) as c:
        await c.sees("Start mofsim here")
        await c.press("s")
        await c.sees("It ended with exit status 3", "port 8321 is taken", "up.log")


async def test_a_program_that_is_not_there_is_told(start: Start, logs: Path) -> None:
    async with start({LOCAL: _down()}, program=("/nowhere/mofsim",)) as c:
        await c.sees("Start mofsim here")
        await c.press("s")
        await c.sees("it can not be started")


async def test_a_key_that_is_refused_is_not_a_server_that_is_not_there(start: Start) -> None:
    known = world()
    known.key_refused = "the key is wrong; an admin makes a new one"
    async with start({LOCAL: known}) as c:
        await c.sees("The key is wrong")
        assert not isinstance(c.app.screen, Welcome)


def test_addresses_are_made_complete() -> None:
    assert complete("gpu-box:8321") == "http://gpu-box:8321"
    assert complete("https://lab.example.org/") == "https://lab.example.org"
    assert [complete(text) for text in ("", "a b", "ftp://x", "http://", "x:port")] == [""] * 5


def test_those_used_last_are_kept() -> None:
    many = [f"http://box-{n}" for n in range(20)]
    assert with_first("http://box-7", many)[:2] == ["http://box-7", "http://box-0"]
    assert len(with_first("new", many)) == KEPT


def test_the_log_of_what_was_started_has_its_end(tmp_path: Path) -> None:
    begun = starting.Starting((sys.executable, "-c", "[print(n) for n in range(5000)]"), tmp_path / "a" / "up.log")
    deadline = time.monotonic() + 20
    while begun.status is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert begun.end(2) == ["4998", "4999"]


async def test_of_many_servers_those_used_last_are_listed(start: Start) -> None:
    many = Remembered(servers=[f"http://box-{n}:8321" for n in range(40)])
    async with start({URL: world()}, many, size=(80, 24)) as c:
        await c.press("@")
        await c.sees("box-0:8321")
        await c.press("up")
        await c.sees("a simulated world")
        await c.misses(f"box-{KEPT}:8321")
