"""The console on a client that answers from memory, with clocks that stand still."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from textual.pilot import Pilot

from mofsim.tui.app import Console
from mofsim.tui.looks import UNICODE, Glyphs
from mofsim.tui.remembered import Remembered
from tests.tui.fake import NOW, URL, FakeClient, World, world


@dataclass
class Driver:
    """Keys in, screen out."""

    app: Console
    world: World
    pilot: Pilot[None]

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def type(self, text: str) -> None:
        names = {" ": "space", ":": "colon", "!": "exclamation_mark", "-": "minus", "/": "slash", ".": "full_stop"}
        await self.press(*(names.get(character, character) for character in text))

    async def until(self, condition: Callable[[], Any]) -> None:
        """Let the app work until this holds; it fails after a while with what is on the screen."""
        for _ in range(500):
            await self.pilot.pause(0.01)
            if condition():
                return
        raise AssertionError(f"never came about; the screen:\n{self.text}")

    async def sees(self, *texts: str) -> None:
        await self.until(lambda: all(text in self.text for text in texts))

    async def misses(self, text: str) -> None:
        await self.until(lambda: text not in self.text)

    @property
    def lines(self) -> list[str]:
        return [strip.text for strip in self.app.screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def cursor(self) -> int | None:
        cursor: int | None = self.app.screen.query_one("#tasks").cursor  # type: ignore[attr-defined]
        return cursor


Run = Callable[..., AbstractAsyncContextManager[Driver]]


@pytest.fixture
def run() -> Run:
    """`async with run(world, size) as c`: the console, connected and with its first rows."""

    @asynccontextmanager
    async def start(
        known: World | None = None,
        size: tuple[int, int] = (120, 36),
        glyphs: Glyphs = UNICODE,
        keymap: dict[str, str] | None = None,
        remembered: Remembered | None = None,
    ) -> AsyncIterator[Driver]:
        known = known or world()
        app = Console(URL, lambda: FakeClient(known), glyphs=glyphs, keymap=keymap, remembered=remembered)
        app.session.now = lambda: NOW
        async with app.run_test(size=size, notifications=True) as pilot:
            driver = Driver(app, known, pilot)
            await driver.until(lambda: app.session.store.window.started or not known.up)
            await pilot.pause()
            yield driver

    return start
