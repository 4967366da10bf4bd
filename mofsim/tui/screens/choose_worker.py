"""On which worker a model is to be loaded, or unloaded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.text import Text
from textual.widgets.option_list import Option

from mofsim.tui.model_words import gigabytes
from mofsim.tui.screens.finder import Finder

if TYPE_CHECKING:
    from mofsim.schemas.resources import Worker

#: the choice of all of them
ALL = "*"


class ChooseWorker(Finder[str]):
    """Dismissed with the id of a worker, or ALL."""

    def __init__(self, verb: str, model: str, workers: Sequence[Worker], note: str) -> None:
        super().__init__(f"{verb} {model} where? type a part of a worker's name, or choose one", note)
        self._workers = workers

    def options(self, typed: str) -> Iterator[Option]:
        word = typed.strip().lower()
        if not word or "all workers".startswith(word):
            yield Option(
                Text(f"all {len(self._workers)} workers" if len(self._workers) != 1 else "all workers"), id=ALL
            )
        width = max((len(worker.id) for worker in self._workers), default=0)
        for worker in self._workers:
            if word in worker.id.lower():
                yield Option(Text(f"{worker.id:<{width}}  {_said(worker)}"), id=worker.id)

    def choose(self, option: Option) -> None:
        self.dismiss(option.id)


def _said(worker: Worker) -> str:
    memory = f", {gigabytes(worker.memory_MB)}" if worker.memory_MB else ""
    held = f", has {', '.join(worker.loaded_models)}" if worker.loaded_models else ""
    return f"{str(worker.state).lower()}{memory}{held}"
