"""Which model to load or to unload: those that there are, narrowed by typing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.text import Text
from textual.widgets.option_list import Option

from mofsim.tui.looks import DIM
from mofsim.tui.screens.finder import Finder


class ModelChoice(Finder[str]):
    """`models` are names, each with what is to be said of it; dismissed with a name."""

    def __init__(self, question: str, models: Mapping[str, str], note: str) -> None:
        super().__init__(question, note)
        self._models = models

    def options(self, typed: str) -> Iterator[Option]:
        width = max(map(len, self._models), default=0)
        for name, said in self._models.items():
            if typed.strip().lower() in name.lower():
                yield Option(Text.assemble(f"{name:<{width}}  ", (said, DIM)), id=name)

    def choose(self, option: Option) -> None:
        self.dismiss(option.id)
