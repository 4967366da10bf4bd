"""What server, supervisor, chores and workers log: live at its end, and as far back as somebody goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from mofsim.tui import log_jobs, log_messages
from mofsim.tui.actions import Context, Scope
from mofsim.tui.registry import bindings
from mofsim.tui.screens.copying import Copying
from mofsim.tui.screens.moving import Movable, Moving
from mofsim.tui.screens.reading_log import ReadingLog
from mofsim.tui.session import Session
from mofsim.tui.store import Change, Line
from mofsim.tui.system_log import LogFilter, SystemLog
from mofsim.tui.trouble import no_line
from mofsim.tui.widgets.log_state import LogState
from mofsim.tui.widgets.pointed_log import PointedLog

if TYPE_CHECKING:
    from textual.widget import Widget

    from mofsim.schemas.logs import SystemLogLine
    from mofsim.tui.app import Console

#: Processes that every server has; workers and what was seen in the log come to them.
PROCESSES = ("server", "supervisor", "chores")
#: Pages that are read for one search; a further key press goes on from there.
SEARCHED_PAGES = 20
#: Pages without a line that are read for one wish for older ones.
EMPTY_PAGES = 20
#: Seconds after which a stream that ended is asked for again while the server is there.
AGAIN = 2.0


class LogsScreen(Moving, Copying, ReadingLog):
    SCOPES = (Scope.LOG, Scope.SYSTEM_LOG, Scope.MOVE, Scope.CONSOLE)
    BINDINGS = bindings(SCOPES)
    AUTO_FOCUS = "#system-log"
    CSS_PATH = "logs.tcss"
    MODE = "logs"

    buffer: SystemLog
    log_view: PointedLog

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.wanted = LogFilter()
        self.buffer = SystemLog()
        self.log_view = PointedLog(self.buffer, session.glyphs, "system-log")
        self.state = LogState(self.buffer, self.log_view, session.glyphs)
        self._following = False
        self._reading = False
        #: pages that may still be read for what is looked for, or for any line at all
        self._searches, self._empty_pages = 0, EMPTY_PAGES
        #: lines that came while the picture is held still
        self._held: list[SystemLogLine] = []
        self._refused = ""

    def body(self) -> Sequence[Widget]:
        return self.state, self.log_view, self.find_bar

    def on_screen_resume(self) -> None:
        self._follow()

    def on_screen_suspend(self) -> None:
        """Nobody looks: no lines need come; what is missed is read when somebody does again."""
        self._stop()

    def _stop(self) -> None:
        self._following = False
        self.workers.cancel_group(self, "log-stream")

    def changed(self, change: Change) -> None:
        if change.line:
            if not self.store.online:
                self._following = False
            self._follow()
            if not self.store.paused:
                held, self._held = self._held, []
                self._take(held)
        if change.line or change.list:
            self.log_view.stale = self.store.line is Line.LOST
            self._show()

    def _follow(self) -> None:
        if self.store.online and self.is_active and not self._following and not self._refused:
            self._following, self._reading = True, self.buffer.newest is None
            self.ask(log_jobs.follow, self.wanted, self.buffer.newest, group="log-stream")

    def _show(self) -> None:
        self.log_view.empty = "\n".join(self._nothing())
        self.log_view.redraw()
        self.state.show(self.wanted, self.buffer, self._reading)
        self.refresh_keys()

    def _nothing(self) -> Sequence[str]:
        """What an empty log says: what to press."""
        dots = self.session.glyphs.dots
        if self.store.line is Line.CONNECTING:
            return no_line(self.store, self.session.glyphs)
        if self._refused:
            return self._refused, "", "All other screens work as before; 2 shows the tasks."
        if self._reading:
            return (f"reading {dots}",)
        if self.wanted:
            return f"No line: {', '.join(self.wanted.words)}.", "", "esc shows all lines."
        return "Nothing was logged.", "", "The settings [logging] tell what is kept."

    # What comes

    def on_system_lines_came(self, message: log_messages.SystemLinesCame) -> None:
        if message.wanted != self.wanted:
            return
        if message.missed:
            # A gap in a log would mislead: it begins anew, with what is there of its end.
            self._begin()
            self._follow()
        elif self.store.paused:
            self._held += message.lines
        else:
            self._take(message.lines)

    def _take(self, lines: Sequence[SystemLogLine]) -> None:
        if self.buffer.came(lines):
            gone = self.buffer.trim() if self.log_view.following else 0
            self.log_view.grown(gone=gone)
            self._show()

    def on_older_lines_came(self, message: log_messages.OlderLinesCame) -> None:
        if message.wanted != self.wanted:
            return
        self._reading = False
        came = self.buffer.came_before(message.lines, message.cursor)
        self.log_view.grown(before=came)
        few = not came or len(self.buffer) < self.log_view.content_size.height
        if few and not self.buffer.from_start and self._empty_pages:
            # A page may have no line that fits, and the next one some.
            self._empty_pages -= 1
            self._read_older()
        elif self._searches:
            self._searches -= 1
            self._find_up()
        self._show()

    def on_system_log_refused(self, message: log_messages.SystemLogRefused) -> None:
        if message.wanted != self.wanted:
            return
        self._reading = False
        by_key = "This log is for another key: " if message.by_key else ""
        self._refused = f"{by_key}{message.reason}"
        self._show()

    def on_stream_ended(self, message: log_messages.StreamEnded) -> None:
        """Where the whole line broke, the feed says when it is there again."""
        self._following = self._reading = False
        self._searches = 0
        if self.store.online:
            self.set_timer(AGAIN, self._follow)
        self._show()

    def on_log_view_start_wanted(self) -> None:
        self._empty_pages = EMPTY_PAGES
        self._read_older()

    def _read_older(self) -> None:
        if self._reading or self.buffer.from_start or not self.store.online:
            return
        self._reading = True
        self.ask(log_jobs.older, self.wanted, self.buffer.cursor, self.buffer.oldest, group="log-older")
        self._show()

    # Which lines

    def _begin(self) -> None:
        """Read anew, from the end."""
        before = self.buffer
        self._stop()
        self.workers.cancel_group(self, "log-older")
        self.buffer = SystemLog()
        self.buffer.stamp, self.buffer.processes = before.stamp, before.processes
        self.log_view.buffer = self.buffer
        self.log_view.found = None
        self.log_view.following = True
        self._held, self._refused, self._reading = [], "", False
        self._searches, self._empty_pages = 0, EMPTY_PAGES

    def filter_by(self, wanted: LogFilter) -> None:
        if wanted != self.wanted:
            self.wanted = wanted
            self._begin()
            self._follow()
            self._show()

    def do_logs_level(self) -> None:
        self.filter_by(self.wanted.with_next_level())

    def do_logs_process(self) -> None:
        from mofsim.tui.screens.process_choice import ProcessChoice

        def chosen(process: str | None) -> None:
            if process is not None:
                self.filter_by(replace(self.wanted, process=process))

        workers = [f"worker-{worker.slot}" for worker in self.store.workers.values()]
        known = dict.fromkeys([*PROCESSES, *sorted({*workers, *self.buffer.processes} - {*PROCESSES})])
        self.app.push_screen(ProcessChoice(list(known)), chosen)

    def do_logs_about(self) -> None:
        task = None if self.wanted.task is not None else self.buffer.task(self.log_view.cursor)
        self.filter_by(replace(self.wanted, task=task))

    def do_logs_clear(self) -> None:
        if self.log_view.needle:
            self.log_view.needle, self.log_view.found = "", None
            self._show()
        else:
            self.filter_by(LogFilter())

    # The line under the cursor

    def situation(self) -> Context:
        view, some = self.log_view, len(self.buffer) > 0
        return self.picture(
            pane="log",
            finding=bool(view.needle),
            filtered=bool(self.wanted) or bool(view.needle),
            task_of_line=self.buffer.task(view.cursor) if some else None,
            process_of_line=self.buffer.process(view.cursor) if some else "",
        )

    def moved(self) -> Movable:
        return self.log_view

    def on_pointed_log_moved(self) -> None:
        self.state.redraw()
        self.refresh_keys()

    def log_drawn(self) -> None:
        self.state.redraw()
        super().log_drawn()

    def do_logs_task(self) -> None:
        task = self.buffer.task(self.log_view.cursor)
        if task is not None:
            cast("Console", self.app).open_task(task)

    def do_logs_copy(self) -> None:
        self.copy(self.log_view.line_to_copy.strip(), "the line")

    # What is looked for

    def look_for(self, needle: str) -> None:
        self.log_view.focus()
        self.log_view.needle, self.log_view.found = "", None
        if needle:
            self.log_view.look_for(needle, -1)
            self._look_further(-1)
        self.log_view.redraw()
        self.log_drawn()

    def find(self, step: int) -> None:
        self.log_view.look_for(self.log_view.needle, step)
        self._look_further(step)

    def _find_up(self) -> None:
        self.log_view.look_for(self.log_view.needle, -1)
        self._look_further(-1, goes_on=True)

    def _look_further(self, step: int, goes_on: bool = False) -> None:
        """Upwards also in what was not read yet, as far as a person waits for it."""
        needle, found = self.log_view.needle, self.log_view.found is not None
        if found or not needle:
            self._searches = 0
        elif step > 0:
            self.app.notify(f"no line below has {needle!r}; N looks above", markup=False, timeout=3)
        elif self.buffer.from_start:
            self._searches = 0
            self.app.notify(f"no line above has {needle!r}", markup=False, timeout=3)
        elif goes_on and not self._searches:
            self.app.notify(f"{needle!r} is not in the rows that were read; N looks further", markup=False, timeout=4)
        else:
            self._searches = self._searches if goes_on else SEARCHED_PAGES
            self._read_older()
        self.log_drawn()
