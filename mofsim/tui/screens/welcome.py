"""No server answers: start one here, go to another one, or look around in the demo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from mofsim.tui import starting
from mofsim.tui.log_buffer import _CONTROL
from mofsim.tui.looks import BAD, BOLD, DIM, KEY
from mofsim.tui.server_list import DEMO
from mofsim.tui.session import Session
from mofsim.tui.store import Change
from mofsim.tui.widgets.options import Options

if TYPE_CHECKING:
    from mofsim.tui.app import Console

#: Lines of the log of a server that starts, and seconds between two looks at it.
LINES, LOOK_EVERY = 10, 0.5
#: Columns from which on there is room to say what a choice means.
ROOMY = 96
CHOICES = (
    ("start", "s", "Start mofsim here", "a server, and a worker for the GPUs or cores of this machine"),
    ("servers", "@", "Go to another address", "a server on another machine, or one that you used before"),
    ("demo", "d", "Look around in the demo", "simulated devices and tasks; nothing is computed"),
    ("leave", "q", "Leave", ""),
)


class Welcome(ModalScreen[None]):
    """Goes by itself as soon as a server answers; esc leaves it, and the console goes on trying."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "choose('start')", "start", id="welcome.start", tooltip="Start mofsim on this machine"),
        Binding("@,a", "choose('servers')", "address", id="welcome.servers", tooltip="Go to another server"),
        Binding("d", "choose('demo')", "demo", id="welcome.demo", tooltip="Look around in the demo"),
        Binding("q", "choose('leave')", "quit", id="welcome.leave", tooltip="Leave the console"),
        Binding("escape", "close", "back", id="welcome.close", tooltip="Back; the console goes on trying"),
        Binding("j", "move(1)", show=False, id="welcome.down", tooltip="Next"),
        Binding("k", "move(-1)", show=False, id="welcome.up", tooltip="Previous"),
    ]

    def __init__(self, session: Session, start: Sequence[str]) -> None:
        """`start` is what starts a server at this address; empty where that is not this machine."""
        super().__init__()
        self._session = session
        self._start = start
        self._starting: starting.Starting | None = None
        self.said = Static("", id="said", markup=False)
        self.list = Options(id="choices", compact=True)
        self.log_end = Static("", id="log-end", markup=False)

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Static("mofsim: no server answers", id="question", markup=False)
            yield self.said
            yield self.list
            yield self.log_end
            yield Static("This screen tries again by itself; esc shows the empty lists, q quits.", id="hint")

    def on_mount(self) -> None:
        self._session.changed.subscribe(self, self._on_store)
        roomy = self.app.size.width >= ROOMY
        self.list.add_options(
            Option(Text.assemble((f" {key} ", KEY), (f" {name:<25}", BOLD), (says if roomy else "", DIM)), id=id)
            for id, key, name, says in CHOICES
            if id != "start" or self._start
        )
        self.list.action_first()
        self.list.focus()
        self._draw()
        self.set_interval(LOOK_EVERY, self._look)

    def _on_store(self, change: Change) -> None:
        if self._session.store.online:
            if self._starting:
                words = f"mofsim runs here and goes on when you leave; `kill {self._starting.pid}` stops it"
                self.app.notify(words, timeout=10, markup=False)
            self.dismiss(None)
        elif change.line:
            self._draw()

    def _draw(self) -> None:
        # What it advises stands below.
        reason = self._session.store.reason.partition(";")[0]
        self.said.update(f"{reason[:1].upper()}{reason[1:]}.")

    def _look(self) -> None:
        if self._starting is None:
            return
        status, lines = self._starting.status, self._starting.end(LINES)
        plain = (_CONTROL.sub("·", Text.from_ansi(line).plain) for line in lines)
        shown = Text("\n".join(plain), style=DIM)
        if status is None:
            cast("Console", self.app).hurry()
            head = Text(f"Starting (process {self._starting.pid}); it goes on when the console is left.\n", style=BOLD)
        else:
            head = Text(f"It ended with exit status {status}. Its log, {self._starting.log}:\n", style=BAD)
            self._starting = None
        self.log_end.update(Text.assemble(head, shown))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.action_choose(event.option.id or "")

    def action_choose(self, choice: str) -> None:
        console = cast("Console", self.app)
        if choice == "start":
            self._begin()
        elif choice == "servers":
            console.choose_server()
        elif choice == "demo":
            console.go_to(DEMO)
        else:
            console.exit()

    def _begin(self) -> None:
        if not self._start:
            self.app.notify("the address is not one of this machine; log in there and run `mofsim up`", markup=False)
        elif self._starting is None:
            try:
                self._starting = starting.Starting(self._start)
            except OSError as error:
                self.app.notify(f"it can not be started: {error.strerror or error}", severity="error", markup=False)
            self._look()

    def action_close(self) -> None:
        self.dismiss(None)

    def action_move(self, by: int) -> None:
        self.list.action_cursor_down() if by > 0 else self.list.action_cursor_up()
