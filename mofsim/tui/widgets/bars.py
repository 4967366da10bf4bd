"""The lines that frame every screen: header, banner for trouble, footer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.message import Message

from mofsim.tui import format
from mofsim.tui.actions import Action
from mofsim.tui.looks import ACTIVE, ALERT_STYLES, BAD, BOLD, DEMO, DIM, GOOD, KEY, PLAIN, WARN, Glyphs, small
from mofsim.tui.session import MODES, Mode, Session
from mofsim.tui.store import Line
from mofsim.tui.trouble import why_refused
from mofsim.tui.widgets.lines import Lines, Row, piece
from mofsim.vocabulary import WorkerState

#: Workers that take no task, and will not.
GONE = frozenset({WorkerState.STOPPED, WorkerState.LOST})
#: Workers that are well and take no task until a person resumes them; one that drains finishes its last one.
OUT = frozenset({WorkerState.DRAINING, WorkerState.DRAINED})

Naming = Callable[[Mode], str]
#: How modes are named, by the room that there is.
NAMINGS: Sequence[Naming] = (
    lambda mode: f"{mode.key} {mode.title}",
    lambda mode: f"{mode.key} {mode.short or mode.title}",
    lambda mode: f"{mode.key}{mode.title[:2]}",
)

NAMED_KEYS = {
    "escape": "esc",
    "minus": "-",
    "pagedown": "pgdn",
    "pageup": "pgup",
}


def length(row: Iterable[Segment]) -> int:
    return sum(cell_len(segment.text) for segment in row)


def spread(left: list[Segment], right: list[Segment], width: int) -> Row:
    """`left` at the left end, `right` at the right one, as far as there is room for it."""
    gap = width - length(left) - length(right)
    return [*left, piece(" " * gap), *right] if gap > 0 else left


class HeaderBar(Lines):
    """Server, line, where we are, counts; the same on every screen. `trail` follows the name of the mode."""

    def __init__(self, session: Session, mode: str) -> None:
        super().__init__()
        self.glyphs = session.glyphs
        self._session = session
        self._mode = mode
        self.trail = ""
        self.status: Sequence[Segment] = ()

    def draw(self, width: int, height: int) -> Iterable[Row]:
        name = [piece(" mofsim ", BOLD)] if width >= 100 else []
        server = self._session.place if width >= 60 else ""
        # A demo is never taken for a server: its label stays where all else goes.
        place = piece(" DEMO ", DEMO) if self._session.demo else piece(f" {server}")
        begin = [*name, place, piece(" "), self._line(), piece(f" {self.glyphs.bar} ", DIM)]
        right = [*(self.status or self._counts()), piece(" ")]
        trouble = [] if self.status else list(self._trouble())
        # Trouble says more than the names of other modes, and the counts more than it does.
        for told in ([*trouble, *right], right):
            lefts = (each for each in self._lefts(begin, width) if length(each) + length(told) < width)
            if left := next(lefts, None):
                break
        else:
            left, told = [*begin, *self._modes(None)], right
        yield spread(left, told, width)

    def _line(self) -> Segment:
        store, glyphs = self._session.store, self.glyphs
        if store.paused:
            return piece(f"{glyphs.paused} paused", WARN)
        if store.line is Line.LIVE:
            return piece(f"{glyphs.live} live", GOOD)
        if store.key_refused:
            return piece(f"{glyphs.stale} key refused", WARN)
        if store.line is Line.CONNECTING:
            return piece(f"{glyphs.stale} {'no server' if store.reason else 'connecting'}", WARN)
        return piece(f"{glyphs.stale} {format.clock(self._session.monotonic() - store.lost_at)} old", WARN)

    def _lefts(self, begin: list[Segment], width: int) -> Iterable[list[Segment]]:
        """The left end with the modes named, at less and less length."""
        if width >= 60:
            yield from ([*begin, *self._modes(naming)] for naming in NAMINGS)
        yield [*begin, *self._modes(None)]

    def _modes(self, naming: Naming | None) -> Iterable[Segment]:
        """Those that are not shown are named where there is room, and nothing else is to be told."""
        space = "" if naming is NAMINGS[-1] else " "
        for mode in MODES:
            is_shown, count = mode.name == self._mode, self._count(mode)
            if is_shown and self.trail:
                yield piece(f"{mode.title} {self.glyphs.arrow} {self.trail}", BOLD)
            elif is_shown:
                label = f"{mode.key} {mode.title}" if naming else mode.short or mode.title
                yield from (piece(f"[{label}", BOLD), *count, piece("]", BOLD))
            elif naming and not self.trail and not mode.quiet:
                yield from (piece(f" {naming(mode)}", DIM), *count, piece(space))

    def _count(self, mode: Mode) -> Sequence[Segment]:
        """How many alerts hold, in the colour of the most urgent one that nobody looks after."""
        book = self._session.store.alerts
        if mode.name != "alerts" or not len(book.active):
            return ()
        style = ALERT_STYLES[book.first.level] if book.first else DIM
        return (piece(small(len(book.active), self.glyphs), style),)

    def _trouble(self) -> Iterable[Segment]:
        """Why less is computed than could be: the worst of it."""
        if self._session.store.counts is None:
            return
        states = Counter(worker.state for worker in self._session.store.workers.values() if worker.state not in GONE)
        paused, out = states[WorkerState.PAUSED], sum(states[state] for state in OUT)
        if not states:
            yield piece("no worker  ", WARN)
        elif paused:
            yield piece(f"{_workers(paused)} paused  ", WARN)
        elif out:
            yield piece(f"{_workers(out)} drained  ", WARN if out == states.total() else DIM)

    def _counts(self) -> Iterable[Segment]:
        counts = self._session.store.counts
        if counts is None:
            return
        yield piece(f"{format.grouped(counts.running)} run", ACTIVE if counts.running else DIM)
        yield piece(f"  {format.grouped(counts.waiting)} wait", PLAIN if counts.waiting else DIM)
        yield piece(f"  {format.grouped(counts.failed)} {self.glyphs.failed}", BAD if counts.failed else DIM)


def _workers(n: int) -> str:
    return f"{n} worker{'s' * (n != 1)}"


class Banner(Lines):
    """Says that the line is broken, how old the picture is, and when the next try is made; else takes no room.

    When the key is refused it says what to do, and stands still: nothing mends itself then.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(id="banner")
        self.glyphs = session.glyphs
        self._session = session

    def on_mount(self) -> None:
        self.display = False
        self._tick = self.set_interval(1.0, self.redraw, pause=True)

    def update(self) -> None:
        store = self._session.store
        self.display = store.line is Line.LOST
        self.styles.height = 2 if store.key_refused else 1
        if self.display and not store.key_refused:
            self._tick.resume()
        else:
            self._tick.pause()
        self.redraw()

    def draw(self, width: int, height: int) -> Iterable[Row]:
        if self._session.store.key_refused:
            return self._refused(width)
        return self._lost(width)

    def _refused(self, width: int) -> Iterable[Row]:
        place, why = self._session.place, why_refused(self._session.store)
        yield _fitting(
            width,
            f" {self.glyphs.stale} {place} does not take your key any more: {why}. Tasks keep running.",
            f" {self.glyphs.stale} {place} refuses your key: {why}; what you see is old",
            f" {self.glyphs.stale} {why}; this is old",
        )
        yield _fitting(
            width,
            "   An admin makes a new one (mofsim keys create NAME); leave with q, then: MOFSIM_API_KEY=KEY mofsim tui",
            "   A new one: mofsim keys create NAME; then q, MOFSIM_API_KEY=KEY mofsim tui",
            "   Ask an admin for a new key",
        )

    def _lost(self, width: int) -> Iterable[Row]:
        store, now = self._session.store, self._session.monotonic()
        old, wait = format.clock(now - store.lost_at), max(0, round(store.retry_at - now))
        yield _fitting(
            width,
            f" {self.glyphs.failed} {self._session.place} does not answer; what you see is {old} old; "
            f"next try in {wait} s; keys that act are off",
            f" {self.glyphs.failed} no answer; {old} old; next try in {wait} s; acting keys are off",
            f" {self.glyphs.failed} no answer; {old} old; try in {wait} s",
        )


def _fitting(width: int, *texts: str) -> Row:
    """The first that there is room for, else the last."""
    return (piece(next((text for text in texts if len(text) <= width), texts[-1]), WARN),)


class FooterBar(Lines):
    """The keys that work now; a click is as good as the key."""

    @dataclass
    class Pressed(Message):
        action_id: str

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id="footer")
        self.glyphs = glyphs
        self._actions: Sequence[Action] = ()
        self._selected = 0
        self._spans: list[tuple[int, str]] = []

    def show(self, actions: Iterable[Action], selected: int) -> None:
        wanted = sorted((action for action in actions if action.footer), key=lambda action: action.footer)
        if (wanted, selected) != (self._actions, self._selected):
            self._actions, self._selected = wanted, selected
            self.redraw()

    def draw(self, width: int, height: int) -> Iterable[Row]:
        """The right-hand ones always, of the left-hand ones as many as fit."""
        left = [action for action in self._actions if action.footer < 90]
        right = [action for action in self._actions if action.footer >= 90]
        while left and 1 + sum(map(self._width, [*left, *right])) > width:
            left.pop()
        row, self._spans = [piece(" ")], []
        for action in left:
            self._add(row, action)
        gap = width - length(row) - sum(map(self._width, right))
        row.append(piece(" " * max(0, gap)))
        for action in right:
            self._add(row, action)
        yield row

    def _add(self, row: list[Segment], action: Action) -> None:
        key, label = self._texts(action)
        row += [piece(key, KEY), piece(f" {label}  ")]
        self._spans.append((length(row), action.id))

    def _texts(self, action: Action) -> tuple[str, str]:
        count = f"({self._selected})" if action.counts and self._selected > 1 else ""
        return key_name(action.first_key), action.label + count

    def _width(self, action: Action) -> int:
        return sum(map(len, self._texts(action))) + 3

    def on_click(self, event: events.Click) -> None:
        for end, action_id in self._spans:
            if event.x < end:
                self.post_message(self.Pressed(action_id))
                return


def key_name(key: str) -> str:
    return NAMED_KEYS.get(key, key)
