"""The servers that are known, each with how it is: enter goes there, an address that is typed is added."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widgets.option_list import Option

from mofsim.tui import jobs, server_jobs
from mofsim.tui.looks import BAD, BOLD, DIM, GOOD, PLAIN
from mofsim.tui.screens.finder import Finder
from mofsim.tui.server_list import DEMO, Known, complete
from mofsim.tui.session import Session

if TYPE_CHECKING:
    from mofsim.client import AsyncClient

NOTE = "enter goes there; ctrl+x forgets the one under the cursor; esc stays. Tasks keep running on all of them."


class Servers(Finder[str]):
    """Dismissed with an address, or DEMO; `forget` is told of one that is to be remembered no more."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+x", "forget", "forget", priority=True, id="servers.forget", tooltip="Forget the server"),
        Binding("ctrl+r", "look", "look again", priority=True, id="servers.look", tooltip="Ask all of them again"),
    ]

    def __init__(
        self,
        session: Session,
        servers: Sequence[str],
        reach: Callable[[str], AsyncClient],
        forget: Callable[[str], None],
    ) -> None:
        super().__init__("go to which server? type an address like gpu-box:8321, or choose one", NOTE)
        self._session = session
        self._reach = reach
        self._forget = forget
        self._known = {url: Known(url) for url in servers}
        self._typed = ""

    def on_mount(self) -> None:
        self.action_look()

    def action_look(self) -> None:
        for url in self._known:
            self.run_worker(jobs.bound(server_jobs.look, self._reach, url, self.post_message), group=f"look {url}")

    def on_server_looked_at(self, message: server_jobs.ServerLookedAt) -> None:
        if message.server.url in self._known:
            self._known[message.server.url] = message.server
            self._fill_again()

    def _fill_again(self) -> None:
        """The cursor stays on its server."""
        highlighted = self.list.highlighted
        chosen = self.list.get_option_at_index(highlighted).id if highlighted is not None else None
        self._fill(self._typed)
        if chosen is not None:
            ids = [option.id for option in self.list.options]
            self.list.highlighted = ids.index(chosen) if chosen in ids else 0

    def options(self, typed: str) -> Iterator[Option]:
        self._typed = typed
        word, width = typed.strip().lower(), max(map(len, self._known), default=0)
        found = [known for known in self._known.values() if word in known.url.lower()]
        for known in found:
            yield Option(self._line(known, width), id=known.url)
        url = complete(typed) if word and word != DEMO else ""
        if url and url not in self._known:
            yield Option(Text.assemble("go to ", (url, "bold"), (" and remember it", DIM)), id=url)
        if word in "demo: a simulated world, no server":
            yield Option(Text.assemble(f"{'demo':<{width}}    ", ("a simulated world, no server", DIM)), id=DEMO)

    def _line(self, known: Known, width: int) -> Text:
        here = known.url == self._session.store.server and not self._session.demo
        glyphs = self._session.glyphs
        if known.health is not None:
            mark, style = glyphs.live, GOOD
        else:
            mark, style = (glyphs.failed, BAD) if known.problem else (glyphs.stale, DIM)
        words = f"{known.words}{'; you are here' if here else ''}"
        return Text.assemble(
            (f"{known.url:<{width}}", BOLD if here else PLAIN), "  ", (mark, style), " ",
            (words, PLAIN if known.health else DIM),
        )  # fmt: skip

    def choose(self, option: Option) -> None:
        self.dismiss(option.id)

    def action_forget(self) -> None:
        if self.list.highlighted is None:
            return
        url = self.list.get_option_at_index(self.list.highlighted).id or ""
        if url == self._session.store.server and not self._session.demo:
            self.app.notify("you are connected to it; go to another one first", timeout=4)
        elif url in self._known:
            del self._known[url]
            self._forget(url)
            self._fill_again()
