"""Tasks, dashboard and logs in two themes, the demo, the servers, and the screen without a server."""

from typing import Any

import pytest
from textual.pilot import Pilot

from mofsim.tui.app import Console
from mofsim.tui.demo.client import DemoClient
from mofsim.tui.demo.world import World as DemoWorld
from mofsim.tui.looks import UNICODE
from mofsim.tui.remembered import Remembered
from tests.tui.conftest import Driver
from tests.tui.fake import NOW, URL, FakeClient, World, some_alerts, world
from tests.tui.test_dashboard import day
from tests.tui.test_looks import SIZES, Compare, utc
from tests.tui.test_servers import LOCAL, OTHER, Client, two

__all__ = ["utc"]
THEMES = pytest.mark.parametrize("theme", ["dark", "light"])
Size = tuple[int, int]


def picture(compare: Compare, size: Size, app: Console, known: World, keys: list[str], *texts: str) -> bool:
    app.session.now = lambda: NOW

    async def prepare(pilot: Pilot[Any]) -> None:
        driver = Driver(app, known, pilot)
        for key in keys:
            await driver.sees("● live")
            await driver.press(key)
        await driver.sees(*texts)

    return compare(app, terminal_size=size, run_before=prepare)


def in_theme(known: World, theme: str) -> Console:
    return Console(URL, lambda: FakeClient(known), glyphs=UNICODE, remembered=Remembered(theme=theme))


@SIZES
@THEMES
def test_tasks(snap_compare: Compare, size: Size, theme: str) -> None:
    known = world(alerts=some_alerts())
    keys = [*["j"] * 6]
    assert picture(snap_compare, size, in_theme(known, theme), known, keys, "near step 217", "goal 0.02", "66%")


@SIZES
@THEMES
def test_dashboard(snap_compare: Compare, size: Size, theme: str) -> None:
    known = day()
    seen = ("needs you: 7", "SimulationExpl", "8124 relax")
    assert picture(snap_compare, size, in_theme(known, theme), known, ["1"], *seen)


@SIZES
@pytest.mark.parametrize("theme", ["terminal", "dark", "light", "contrast"])
def test_logs(snap_compare: Compare, size: Size, theme: str) -> None:
    known = world()
    seen = ("after_s=12", "OSError: no room", "all there are", "held")
    assert picture(snap_compare, size, in_theme(known, theme), known, ["4", "k", "k"], *seen)


@SIZES
def test_the_demo(snap_compare: Compare, size: Size) -> None:
    known = DemoWorld(lambda: NOW)
    app = Console("", lambda: DemoClient(known), glyphs=UNICODE, demo=True)
    assert picture(snap_compare, size, app, known, [], "DEMO", "● live", "8078", "4 run")  # type: ignore[arg-type]


@SIZES
def test_the_servers(snap_compare: Compare, size: Size) -> None:
    worlds = two()
    worlds["http://gone:1"] = down = world()
    down.up = False

    def reach(url: str) -> Client:
        return Client(worlds[url], url)

    kept = Remembered(servers=(OTHER, "http://gone:1"))
    app = Console(URL, lambda: reach(URL), glyphs=UNICODE, remembered=kept, reach=reach)
    seen = ("you are here", "1 running", "nothing listens there")
    assert picture(snap_compare, size, app, worlds[URL], ["at"], *seen)


@SIZES
def test_without_a_server(snap_compare: Compare, size: Size) -> None:
    known = world()
    known.up = False
    app = Console(LOCAL, lambda: Client(known, LOCAL), glyphs=UNICODE)
    assert picture(snap_compare, size, app, known, [], "Start mofsim here", "Leave")
