"""Whose lines of the log are wanted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text
from textual.widgets.option_list import Option

from mofsim.tui.screens.finder import Finder

#: the choice of all of them
ALL = ""


class ProcessChoice(Finder[str]):
    """Dismissed with the name of a process, or ALL; one that never said anything can be typed."""

    def __init__(self, processes: Sequence[str]) -> None:
        note = "server answers requests; supervisor starts workers; chores tidies up; worker-… computes."
        super().__init__("lines of which process? type a part of its name, or choose one", note)
        self._processes = processes

    def options(self, typed: str) -> Iterator[Option]:
        word = typed.strip().lower()
        if word in "all processes":
            yield Option(Text("all processes"), id="all")
        found = [name for name in self._processes if word in name.lower()]
        for name in found or ([word] if word else []):
            yield Option(Text(name), id=f"process {name}")

    def choose(self, option: Option) -> None:
        self.dismiss((option.id or "").partition(" ")[2])
