"""The console without a terminal: keys in, pictures out."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

from textual.pilot import Pilot

from mofsim.client import AsyncClient
from mofsim.schemas.tasks import Task
from mofsim.tui.app import Console
from mofsim.tui.demo.client import DemoClient
from mofsim.tui.looks import UNICODE
from mofsim.tui.remembered import Remembered
from mofsim.tui.screens.task_detail import TaskDetail
from mofsim.tui.screens.tasks import TasksScreen
from mofsim.tui.session import MODES
from scripts.picturing.cells import Picture, row_of, text_of

SIZE = (120, 36)
#: Seconds until a screen has everything: charts and details are asked for when the cursor has come to rest.
SETTLED = 3.0
#: In the demo it takes minutes until a GPU is too hot.
PATIENCE = 600.0
_NAMES = {
    " ": "space", ":": "colon", "!": "exclamation_mark", "-": "minus", "/": "slash", ".": "full_stop", "*": "asterisk",
}  # fmt: skip


class Screens:
    def __init__(self, app: Console, pilot: Pilot[None]) -> None:
        self.app, self._pilot = app, pilot

    async def press(self, *keys: str) -> None:
        await self._pilot.press(*keys)
        await self._pilot.pause()

    async def type(self, text: str) -> None:
        await self.press(*(_NAMES.get(character, character) for character in text))

    async def sees(self, *texts: str) -> None:
        """Raises TimeoutError, with what is on the screen."""
        await self.until(lambda: all(text in self.text for text in texts), f"{texts} never came")

    async def until(self, condition: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what}; the screen:\n{self.text}")
            await self._pilot.pause(0.05)

    async def home(self, key: str = "2") -> None:
        """The screen of a mode by its key, with nothing in front of it and no filter."""
        while len(self.app.screen_stack) > 1:
            await self.app.pop_screen()
        await self.press("2", "escape", "escape", "minus", "g", key)
        mode = next(mode.name for mode in MODES if mode.key == key)
        await self.until(lambda: self.app.current_mode == mode, f"{mode} never came")
        self.app.clear_notifications()

    async def open(self, task_id: int) -> None:
        await self.home()
        await self.type(f":task {task_id}")
        await self.press("enter")
        await self.until(lambda: isinstance(self.app.screen, TaskDetail), "the task was never opened")

    async def point_at(self, task: Task) -> None:
        await self.home()
        cast(TasksScreen, self.app.screen).put_cursor_on(task)

    async def picture(self) -> Picture:
        await asyncio.sleep(SETTLED)
        await self.until(lambda: "reading" not in self.text.split(), "it is read for ever")
        return tuple(row_of(strip) for strip in self._strips())

    @property
    def text(self) -> str:
        return text_of([row_of(strip) for strip in self._strips()])

    def _strips(self) -> list[Any]:
        return self.app.screen._compositor.render_strips()


@asynccontextmanager
async def screens(
    url: str | None, size: tuple[int, int] = SIZE, theme: str = "terminal", api_key: str | None = None
) -> AsyncIterator[Screens]:
    """The console of a server, or of the demo where there is none."""
    if url is None:
        app = Console("", DemoClient, glyphs=UNICODE, remembered=Remembered(), demo=True)
    else:
        app = Console(url, lambda: AsyncClient(url, api_key=api_key), glyphs=UNICODE, remembered=Remembered())
    app.paint(theme)
    async with app.run_test(size=size) as pilot:
        shown = Screens(app, pilot)
        await shown.until(lambda: app.session.store.window.started, "the list never came")
        yield shown
