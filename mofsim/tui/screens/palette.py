"""The command palette: type a part of a command's name, enter runs it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.text import Text
from textual.widgets.option_list import Option

from mofsim.tui.actions import Context, Scope
from mofsim.tui.commands import Command, commands
from mofsim.tui.looks import DIM, KEY
from mofsim.tui.screens.finder import Finder
from mofsim.tui.widgets.bars import key_name


class Palette(Finder[Command]):
    """Dismissed with the command to run."""

    def __init__(self, scopes: Sequence[Scope], context: Context, keymap: Mapping[str, str]) -> None:
        super().__init__("command; also: tasks status:failed, task 8125, theme light")
        self._scopes = scopes
        self._situation = context
        self._keymap_shown = keymap
        self._found: list[Command] = []

    def choose(self, option: Option) -> None:
        self.dismiss(self._found[int(option.id or 0)])

    def options(self, typed: str) -> Iterator[Option]:
        self._found = commands(typed, self._scopes, self._situation, self._keymap_shown)
        for number, command in enumerate(self._found):
            line = Text.assemble((f"{key_name(command.key):>6}", KEY), f"  {command.text:<14} ", (command.help, DIM))
            yield Option(line, id=str(number))
