"""A session on a real terminal, as asciicast v2, and the frames of a film from it."""

import codecs
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from benchmarks.terminal import Terminal
from scripts.picturing.cells import Colour, Look, Picture, Row, Run, text_of
from scripts.picturing.screen import Screen

SIZE = (100, 30)
#: While something is waited for, no more than so many seconds of the recording pass between two pieces of output.
SHORTENED = 0.35
PATIENCE = 1800.0

#: (seconds, "o" for output or "m" for a caption, text), as asciicast has it.
Event = tuple[float, str, str]


class Recording(Terminal):
    """A program on a pseudo-terminal; all that it writes is noted with its time, and waiting is shortened."""

    def __init__(self, command: Sequence[str], **environment: str) -> None:
        self.events: list[Event] = []
        self.screen = Screen(*SIZE)
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._clock, self._last, self._limit = 0.0, time.monotonic(), SHORTENED
        super().__init__(command, *SIZE, **environment)

    def _read(self, seconds: float) -> int:
        before = len(self.printed)
        n_bytes = super()._read(seconds)
        self._pass()
        if n_bytes:
            piece = self.printed[before:]
            self.screen.feed(piece)
            # A character that is cut in two comes with its second half.
            self.events.append((self._clock, "o", self._decoder.decode(piece)))
        return n_bytes

    def _pass(self) -> None:
        now = time.monotonic()
        self._clock += min(now - self._last, self._limit)
        self._last = now

    def caption(self, text: str) -> None:
        self._pass()
        self.events.append((self._clock, "m", text))

    def rest(self, seconds: float) -> None:
        """For who looks on; this time is not shortened."""
        self._limit = seconds
        self.bytes_during(seconds)
        self._pass()
        self._limit = SHORTENED

    def type(self, text: str, seconds: float = 0.12) -> None:
        for character in text:
            self.send(character.encode())
            self.rest(seconds)

    def sees(self, *texts: str) -> None:
        """Raises TimeoutError."""
        self._until(lambda shown: all(text in shown for text in texts), f"{texts} never came")

    def misses(self, text: str) -> None:
        """Raises TimeoutError."""
        self._until(lambda shown: text not in shown, f"{text!r} never went")

    def _until(self, condition: Callable[[str], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition(text_of(self.screen.picture)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what}; the screen:\n{text_of(self.screen.picture)}")
            self._read(1.0)

    def write(self, path: Path, title: str) -> None:
        head = {"version": 2, "width": SIZE[0], "height": SIZE[1], "title": title, "env": {"TERM": "xterm-256color"}}
        events = thinned(SIZE, self.events)
        lines = (json.dumps([round(at, 3), kind, text], ensure_ascii=False) for at, kind, text in events)
        path.write_text("\n".join([json.dumps(head), *lines]) + "\n", encoding="utf-8")


def record(url: str, folder: Path, python: str) -> Recording:
    """Filter, submit, watch, and look at the result: keys as a person types them. It submits a task there."""
    console = [python, "-m", "mofsim", "tui", "--server", url]
    # What a console remembers, the address among it, is not for the one whose machine this is.
    with Recording(console, XDG_CONFIG_HOME=str(folder / "config")) as terminal:
        terminal.sees("● live", "1 of ")
        terminal.caption("mofsim tui: the tasks, and the one under the cursor")
        terminal.rest(2.0)
        terminal.send(b"j")
        terminal.rest(1.2)
        terminal.caption("/  filters as you type")
        terminal.type("/mof-5 status:done")
        terminal.sees("mof-5 status:done")
        terminal.rest(1.2)
        terminal.send(b"\r")
        terminal.rest(1.0)
        terminal.caption("esc  all of them again")
        terminal.send(b"\x1b")
        # A key that comes together with esc would be another one.
        terminal.misses("status:done")
        terminal.rest(1.2)
        terminal.caption("n  a new task")
        terminal.send(b"n")
        terminal.sees("MOF-5")
        terminal.rest(1.0)
        terminal.type("mg")
        terminal.rest(0.8)
        terminal.send(b"\r")
        terminal.sees("54 atoms")
        terminal.rest(2.0)
        terminal.caption("ctrl+s  submits it")
        terminal.send(b"\x13")
        terminal.sees("Tasks]", "relax Mg-MOF-74")
        terminal.rest(1.5)
        terminal.caption("enter  opens it: energy and largest force while it relaxes (waiting is shortened)")
        terminal.send(b"\r")
        terminal.sees("[Plot]")
        terminal.sees("✓ done")
        terminal.rest(2.5)
        terminal.caption("tab  the relaxed structure, which can be turned")
        terminal.send(b"\t")
        terminal.sees("[Log]")
        terminal.rest(0.6)
        terminal.send(b"\t")
        terminal.sees("[Structure]", "Mg 6")
        for _ in range(6):
            terminal.send(b"\x1b[C")
            terminal.rest(0.35)
        terminal.rest(1.0)
        terminal.caption("tab  the result")
        terminal.send(b"\t")
        terminal.sees("[Result]")
        terminal.rest(4.0)
    return terminal


def read(path: Path) -> tuple[tuple[int, int], list[Event]]:
    """Size and events of an asciicast v2."""
    first, *lines = path.read_text(encoding="utf-8").splitlines()
    head = json.loads(first)
    if head.get("version") != 2:
        raise ValueError(f"{path} is no asciicast v2")
    return (head["width"], head["height"]), [tuple(json.loads(line)) for line in lines]


def frames(
    size: tuple[int, int], events: Iterable[Event], apart: float = 0.4, last: float = 3.0
) -> Iterator[tuple[float, Picture]]:
    """(seconds, picture) of what is seen, the newest where several come within `apart` seconds; captions below."""
    screen, caption = Screen(*size), ""
    shown: Picture | None = None
    since = at = 0.0
    for at, kind, text in events:
        if kind == "m":
            caption = text
        elif kind == "o":
            screen.feed(text.encode())
        if not screen.whole or not caption:
            continue
        picture = (*screen.picture, (), _caption(caption, size[0]))
        if picture == shown:
            continue
        if shown is not None and at - since >= apart:
            yield at - since, shown
            since = at
        elif shown is None:
            since = at
        shown = picture
    if shown is not None:
        yield at - since + last, shown


def thinned(size: tuple[int, int], events: Iterable[Event], apart: float = 0.1) -> Iterator[Event]:
    """The same for who looks on, in a tenth of the bytes: of each frame the rows that changed, few frames a second."""
    screen, shown = Screen(*size), Screen(*size).picture
    since = -apart

    def changes(at: float) -> Iterator[Event]:
        nonlocal shown, since
        picture = screen.picture
        pairs = enumerate(zip(picture, shown, strict=True), 1)
        rows = [f"\x1b[{y}H{_written(row)}" for y, (row, old) in pairs if row != old]
        if rows:
            yield at, "o", "\x1b[?2026h" + "".join(rows) + "\x1b[?2026l"
            shown, since = picture, at

    yield 0.0, "o", "\x1b[?25l\x1b[2J"
    at = 0.0
    for at, kind, text in events:
        if kind == "o":
            screen.feed(text.encode())
            if screen.whole and at - since >= apart:
                yield from changes(at)
        else:
            yield from changes(at)
            yield at, kind, text
    yield from changes(at)


def _written(row: Row) -> str:
    return "".join(f"\x1b[0{_codes(run.look)}m{run.text}" for run in row) + "\x1b[0m"


def _codes(look: Look) -> str:
    flags = {1: look.bold, 2: look.dim, 3: look.italic, 4: look.underline, 7: look.reverse}
    colours = _colour_codes(look.foreground, 30) + _colour_codes(look.background, 40)
    return "".join(f";{code}" for code, on in flags.items() if on) + colours


def _colour_codes(colour: Colour, base: int) -> str:
    if colour is None:
        return ""
    if isinstance(colour, str):
        return f";{base + 8};2;" + ";".join(str(channel) for channel in bytes.fromhex(colour[1:]))
    if colour < 16:
        return f";{base + colour}" if colour < 8 else f";{base + 52 + colour}"
    return f";{base + 8};5;{colour}"


def _caption(text: str, columns: int) -> Row:
    key, gap, words = text.partition("  ")
    if not gap:
        return (Run(text[:columns], Look()),)
    return Run(f" {key} ", Look(6, bold=True, reverse=True)), Run(f" {words}"[: columns - len(key) - 2], Look())
