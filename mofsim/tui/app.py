"""The console itself: modes, theme, keymap, and the way of messages into the state and from there to the screens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from textual.app import App
from textual.filter import LineFilter
from textual.screen import Screen
from textual.signal import Signal
from textual.timer import Timer

from mofsim import collector
from mofsim.tui import format, jobs, many_messages, messages
from mofsim.tui.feed import Feed
from mofsim.tui.keymap import keymap_file, load
from mofsim.tui.looks import Glyphs, glyphs_for
from mofsim.tui.paint import NAMES, PAINTS, TERMINAL, Painted
from mofsim.tui.remembered import Remembered, recall, remembered_file
from mofsim.tui.screens.later import later
from mofsim.tui.screens.tasks import TasksScreen
from mofsim.tui.server_list import DEMO, KEPT, with_first
from mofsim.tui.session import MODES, Session
from mofsim.tui.starting import PROGRAM, command
from mofsim.tui.store import Change, Line, Store
from mofsim.tui.styles import Styles
from mofsim.tui.theme import THEME, AsciiOnly
from mofsim.tui.window import Window

if TYPE_CHECKING:
    from mofsim.client import AsyncClient
    from mofsim.settings import Settings

#: The mode in which nothing is shown, between two servers.
BETWEEN = "between"
#: Counts are asked for again at most this often, in seconds.
RECOUNT = 1.0


class Console(App[None]):
    TITLE = "mofsim"
    CSS_PATH = "mofsim.tcss"
    DEFAULT_MODE = "tasks"
    ENABLE_COMMAND_PALETTE = False
    NOTIFICATION_TIMEOUT = 4.0

    def __init__(
        self,
        server: str,
        connect: Callable[[], AsyncClient],
        *,
        keymap: Mapping[str, str] | None = None,
        glyphs: Glyphs | None = None,
        remembered: Remembered | None = None,
        demo: bool = False,
        reach: Callable[[str], AsyncClient] | None = None,
        program: Sequence[str] = PROGRAM,
    ) -> None:
        """`connect` makes the client; it is called once, in a thread, for it may load libraries.

        `demo`: all that it tells is simulated. `reach` makes a client for another address. `program` and `up` start a
        server on this machine.
        """
        # Said from the start: what NO_COLOR means is decided in there, before there is a theme of ours.
        super().__init__(ansi_color=True)
        self.animation_level = "none"
        self.register_theme(THEME)
        self.theme = THEME.name
        self.stylesheet = Styles(self.get_css_variables())
        self.set_keymap(keymap or {})
        self._glyphs, self._keys = glyphs or glyphs_for(), keymap or {}
        self._remembered = remembered or Remembered()
        self.session = self._begin(server, demo)
        self.failure: Exception | None = None
        self._painted: Painted | None = None
        self.paint(self._remembered.theme if self._remembered.theme in NAMES else TERMINAL)
        self._connect = connect
        self._reach = reach or _plainly
        self._program = program
        self._feed: Feed | None = None
        self._welcomed = False
        self._recount: Timer | None = None
        self._add_modes()

    def _begin(self, server: str, demo: bool) -> Session:
        """The state of a server of which nothing is known yet."""
        changed: Signal[Change] = Signal(self, "changed")
        store = Store(server=server, window=Window(self._remembered.query()))
        return Session(changed, store, glyphs=self._glyphs, keymap=self._keys, remembered=self._remembered, demo=demo)

    def _add_modes(self) -> None:
        self.add_mode("dashboard", later(self.session, "dashboard", "Dashboard"))
        self.add_mode("workers", later(self.session, "workers", "WorkersScreen"))
        self.add_mode("tasks", partial(TasksScreen, self.session))
        self.add_mode("logs", later(self.session, "logs", "LogsScreen"))
        self.add_mode("alerts", later(self.session, "alerts", "AlertsScreen"))
        self.add_mode("models", later(self.session, "models", "ModelsScreen"))
        self.add_mode("structures", later(self.session, "structures", "StructuresScreen"))
        self.add_mode("benchmarks", later(self.session, "benchmarks", "BenchmarksScreen"))

    def get_line_filters(self) -> Sequence[LineFilter]:
        filters = [*super().get_line_filters(), *([self._painted] if self._painted else [])]
        return filters if self.session.glyphs.braille else [*filters, AsciiOnly()]

    def paint(self, name: str) -> None:
        """Show a theme from now on: each screen as soon as it is in front."""
        self.session.theme = name
        # Who wants no colours gets none, whatever the theme.
        self._painted = Painted(PAINTS[name]) if name in PAINTS and not self.no_color else None
        for stack in self._screen_stacks.values():
            for screen in stack:
                screen.refresh(layout=True)
                for widget in screen.walk_children():
                    widget.refresh()

    def choose_theme(self, name: str) -> None:
        """Show it and remember it, or say which there are."""
        if name not in NAMES:
            self.notify(f"there is no theme {name!r}; there are {', '.join(NAMES)}", severity="warning", markup=False)
            return
        self.paint(name)
        problem = self.session.remembered.keep(theme=name)
        if self.no_color and name in PAINTS:
            self.notify("NO_COLOR is set: the theme is shown without it", timeout=4)
        if problem:
            self.notify(problem, severity="warning", markup=False)

    def on_mount(self) -> None:
        # The first frame must not wait for httpx and pydantic.
        self.call_after_refresh(self.run_worker, self._follow, group="feed")

    async def _follow(self) -> None:
        try:
            client = await asyncio.to_thread(self._connect)
        except Exception as error:
            # A mistake in the settings or the URL: `run` raises it again when the terminal is itself again.
            self.failure = error
            self.exit()
            return
        self.session.client = client
        self.session.store.server = client.url
        self._feed = Feed(client, self.post_message)
        try:
            await self._feed.run()
        finally:
            await client.close()

    def hurry(self) -> None:
        """Look for a server now, and not only when it is time again."""
        if self._feed:
            self._feed.hurry()

    def _publish(self, change: Change) -> None:
        if change.recount and self._recount is None:
            self._recount = self.set_timer(RECOUNT, self._ask_counts)
        if change.missed and self.session.client:
            self.run_worker(jobs.bound(jobs.active_alerts, self.session.client, self.post_message), group="alerts")
        self.session.changed.publish(change)

    def _ask_counts(self) -> None:
        self._recount = None
        if self.session.store.online and self.session.client:
            self.run_worker(jobs.bound(jobs.count, self.session.client, self.post_message), group="counts")

    def on_connected(self, message: messages.Connected) -> None:
        self.session.store.workers = {worker.id: worker for worker in message.workers}
        self.session.store.alerts.hold(message.alerts)
        self._publish(self.session.store.connected(message.health))
        self._remember_server()

    def on_line_lost(self, message: messages.LineLost) -> None:
        now = self.session.monotonic()
        self._publish(self.session.store.lost(message.reason, now, now + message.retry_in, message.key_refused))
        if self.session.store.line is Line.CONNECTING and not message.key_refused and not self._welcomed:
            self._welcome()

    def on_told(self, message: messages.Told) -> None:
        self._publish(self.session.store.told(message.news))

    def on_page_came(self, message: messages.PageCame) -> None:
        self._publish(self.session.store.page(message.fetch, message.page))

    def on_page_failed(self, message: messages.PageFailed) -> None:
        self.session.store.page_failed(message.fetch)
        if self.session.store.online:
            self.notify(message.reason, severity="error", markup=False)

    def on_task_came(self, message: messages.TaskCame) -> None:
        self._publish(self.session.store.refreshed(message.task))

    def on_active_alerts_came(self, message: messages.ActiveAlertsCame) -> None:
        self.session.store.alerts.hold(message.alerts)
        self._publish(Change(alerts=True))

    def on_counted(self, message: messages.Counted) -> None:
        self._publish(self.session.store.counted(message.queue))

    def on_said(self, message: messages.Said) -> None:
        self.notify(message.text, severity=message.severity, markup=False)

    def on_working(self, message: messages.Working) -> None:
        done, total = format.grouped(message.done), format.grouped(message.total)
        self.session.working = f"{done} of {total} {message.words}" if message.words else ""
        self._publish(Change(counts=True))

    def on_submitted(self, message: messages.Submitted) -> None:
        tasks = self._tasks_screen()
        self._publish(self.session.store.refreshed(message.task, new=True))
        tasks.put_cursor_on(message.task)

    def on_batch_submitted(self, message: many_messages.BatchSubmitted) -> None:
        batch = message.batch
        self.show_tasks(f"batch:{batch.id}")
        self.notify(f"batch {batch.id}: {len(batch.task_ids)} tasks; the filter batch:{batch.id} lists them", timeout=6)

    def show_tasks(self, text: str) -> None:
        """The list, with this filter."""
        self._tasks_screen().filter_by(text)

    def open_task(self, task_id: int) -> None:
        client = self.session.client
        if client and self.session.store.online:
            self.run_worker(jobs.bound(jobs.open_task, client, task_id, self.post_message), group="open")

    def on_open_task(self, message: messages.OpenTask) -> None:
        from mofsim.tui.screens.task_detail import TaskDetail

        self.push_screen(TaskDetail(self.session, message.task))

    def _tasks_screen(self) -> TasksScreen:
        """The list of tasks, brought to the front."""
        self.switch_mode("tasks")
        while len(self.screen_stack) > 1:
            self.pop_screen()
        return cast(TasksScreen, self.screen)

    # Servers

    def _welcome(self) -> None:
        """Once for each server: who left that screen knows."""
        from mofsim.client.address import is_local
        from mofsim.tui.screens.welcome import Welcome

        url = self.session.store.server
        self._welcomed = True
        self.push_screen(Welcome(self.session, command(self._program, url) if is_local(url) else ()))

    def _remember_server(self) -> None:
        url = self.session.store.server
        servers = with_first(url, self._remembered.servers)
        if not self.session.demo and list(servers) != list(self._remembered.servers):
            problem = self._remembered.keep(servers=servers)
            if problem:
                self.notify(problem, severity="warning", markup=False)

    def choose_server(self) -> None:
        from mofsim.tui.screens.servers import Servers

        here = () if self.session.demo else (self.session.store.server,)
        known = list(dict.fromkeys([*here, *self._remembered.servers]))[:KEPT]
        self.push_screen(Servers(self.session, known, self._reach, self._forget), self.go_to)

    def _forget(self, url: str) -> None:
        problem = self._remembered.keep(servers=[each for each in self._remembered.servers if each != url])
        if problem:
            self.notify(problem, severity="warning", markup=False)

    def go_to(self, url: str | None) -> None:
        """Leave this server for another one, or for DEMO; all begins anew there. None: stay."""
        here = DEMO if self.session.demo else self.session.store.server
        if url is None or url == here:
            return
        if any(worker.group == "actions" and worker.is_running for worker in self.workers):
            self.notify("what was asked for here is under way; go when it is done", severity="warning")
            return
        self.run_worker(jobs.bound(self._go_to, url), group="servers", exclusive=True)

    async def _go_to(self, url: str) -> None:
        for group in ("feed", "counts", "alerts", "open"):
            self.workers.cancel_group(self, group)
        if BETWEEN not in self._modes:
            self.add_mode(BETWEEN, Screen)
        await self.switch_mode(BETWEEN)
        for mode in MODES:
            await self.remove_mode(mode.name)
        # What the old server told last has been taken in by now.
        demo, now, monotonic = url == DEMO, self.session.now, self.session.monotonic
        self.session = self._begin("" if demo else url, demo)
        self.session.now, self.session.monotonic = now, monotonic
        self.paint(self._remembered.theme if self._remembered.theme in NAMES else TERMINAL)
        self._connect, self._welcomed, self._feed = partial(_demo if demo else self._reach, url), False, None
        if self._recount:
            self._recount.stop()
            self._recount = None
        self._add_modes()
        await self.switch_mode(self.DEFAULT_MODE)
        self.run_worker(jobs.bound(self._follow), group="feed")

    def action_help_quit(self) -> None:
        """ctrl+c, which means something else in most terminals' minds."""
        self.notify("q leaves the console; tasks keep running")


def _plainly(url: str) -> AsyncClient:
    from mofsim.client import AsyncClient, line  # noqa: F401

    return AsyncClient(url)


def _demo(url: str) -> AsyncClient:
    from mofsim.tui.demo.client import DemoClient

    return DemoClient()


def run(
    server: str | None = None,
    *,
    find: Callable[[], str] | None = None,
    api_key: str | None = None,
    ca_file: Path | None = None,
    settings: Callable[[], Settings | None] = lambda: None,
    keys: Path | None = None,
    demo: bool = False,
    program: Sequence[str] = PROGRAM,
) -> None:
    """Show the console until it is left.

    `server` is a URL; None: that of the settings. `find` tells the whole of it, and `settings` where else to look for
    it and its key; both are called in a thread when the first frame is on the screen already.
    `keys` is a file with the user's own keys; None: the one in the configuration folder, if there is one.
    `demo`: a simulated world, and no server. `program` is what `mofsim` is called by here, with its options.
    Raises what `find` and `settings` raise, and ValueError for a URL that is none.
    """

    def connect() -> AsyncClient:
        # The line too, which the client itself would load when it first needs it: on our loop, with keys waiting.
        if demo:
            return _demo("")
        from mofsim.client import AsyncClient, line  # noqa: F401

        url = find() if find else server
        client = AsyncClient(url, api_key=api_key, ca_file=ca_file, settings=settings())
        first.append(client.url)
        collector.go_on()
        return client

    def reach(url: str) -> AsyncClient:
        """Another server: a key that was given is for the first one alone."""
        from mofsim.client import AsyncClient, line  # noqa: F401

        key = api_key if url in first else None
        return AsyncClient(url, api_key=key, ca_file=ca_file, settings=settings())

    #: the address that the key was given for
    first: list[str] = []

    keymap, problems = load(keys or keymap_file())
    remembered, forgotten = recall(remembered_file())
    console = Console(
        server or "", connect, keymap=keymap, remembered=remembered, demo=demo, reach=reach, program=program
    )
    for problem in (*problems, *forgotten):
        console.call_later(console.notify, problem, severity="warning", timeout=15, markup=False)
    console.run()
    if console.failure:
        raise console.failure
    counts = console.session.store.counts
    if counts and not console.session.demo and counts.running + counts.waiting and console.return_code == 0:
        going = f"{counts.running} running and {counts.waiting} waiting"
        print(f"{going} tasks go on at {console.session.store.server}; `mofsim tui` shows them again")
