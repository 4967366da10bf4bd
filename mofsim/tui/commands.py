"""The command palette: what can be done now, by name, and two commands with an argument."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from mofsim.tui.registry import possible
from mofsim.tui.widgets.bars import key_name

if TYPE_CHECKING:
    from mofsim.tui.actions import Action
    from mofsim.tui.app import Console
    from mofsim.tui.screens.base import ConsoleScreen


class Commands(Provider):
    """`tasks FILTER` shows the list with that filter, `task ID` opens one; the rest are actions."""

    async def discover(self) -> Hits:
        for action in self._possible():
            yield DiscoveryHit(self._title(action), self._run(action), text=action.label, help=action.help)

    async def search(self, query: str) -> Hits:
        for text, help, run in self._with_argument(query.strip()):
            yield Hit(2.0, text, run, text=text, help=help)
        matcher = self.matcher(query)
        for action in self._possible():
            score = max(matcher.match(action.label), matcher.match(action.help) * 0.8)
            if score > 0:
                yield Hit(score, matcher.highlight(self._title(action)), self._run(action), help=action.help)

    def _with_argument(self, query: str) -> Iterator[tuple[str, str, Callable[[], None]]]:
        console = cast("Console", self.app)
        word, _, rest = query.partition(" ")
        if word in ("tasks", "t") or (word and ":" in word):
            wanted = query if ":" in word else rest
            yield f"tasks {wanted}", "The list of tasks with this filter", partial(console.show_tasks, wanted)
        if word in ("task", "open") and rest.isdecimal():
            yield f"task {rest}", f"Open task {rest}", partial(console.open_task, int(rest))

    def _possible(self) -> Iterator[Action]:
        screen = self._console_screen
        return (action for action in possible(screen.SCOPES, screen.situation()) if action.id != "console.commands")

    @property
    def _console_screen(self) -> ConsoleScreen:
        return cast("ConsoleScreen", self.screen)

    def _run(self, action: Action) -> Callable[[], None]:
        return partial(self._console_screen.action_do, action.id)

    def _title(self, action: Action) -> str:
        return f"{action.label}  [{key_name(action.first_key)}]"
