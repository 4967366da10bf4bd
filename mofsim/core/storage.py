"""Where files lie. Nothing here takes a path from a client."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from mofsim.core.errors import NotFound
from mofsim.vocabulary import COMPRESSED


@dataclass(frozen=True)
class Storage:
    """The folders below storage.root."""

    root: Path

    @property
    def structures(self) -> Path:
        return self.root / "structures"

    @property
    def models(self) -> Path:
        """Weights that were uploaded; see mofsim.core.custom_models."""
        return self.root / "models"

    @property
    def incoming(self) -> Path:
        """Uploads that were not checked yet; empty whenever no upload is under way."""
        return self.root / "incoming"

    @property
    def results(self) -> Path:
        return self.root / "results"

    @property
    def run(self) -> Path:
        """Lock files of device slots."""
        return self.root / "run"

    @property
    def logs(self) -> Path:
        """Of all processes of this box; see mofsim.logs."""
        return self.root / "logs"

    def scratch(self, slot: str) -> "Storage":
        """What a slot works on whose results go to a server elsewhere; one attempt at a time, and then nothing."""
        return Storage(self.root / "scratch" / slot)

    def create(self) -> None:
        for folder in (self.structures, self.models, self.incoming, self.results, self.run, self.logs):
            folder.mkdir(parents=True, exist_ok=True)

    def attempt(self, task_id: int, attempt: int) -> Path:
        return self.results / str(task_id) / str(attempt)

    def checkpoint(self, task_id: int) -> Path:
        """Outlives the attempts of a task; the next one goes on from what is in it."""
        return self.results / str(task_id) / "checkpoint"

    def output(self, task_id: int, attempt: int, name: str, published: dict[str, int]) -> Path:
        """The path of one published output file, which ends in .gz when the file was compressed since.

        Raises NotFound for a name that was not published.
        """
        if name in published or name + COMPRESSED in published:
            # Not as the row says: the file may have been compressed after the row was read.
            for path in (self.attempt(task_id, attempt) / each for each in (name, name + COMPRESSED)):
                if path.is_file():
                    return path
        raise NotFound(f"task {task_id} has no file {name!r}; `mofsim files {task_id}` lists them", field="id")

    def forget_task(self, task_id: int) -> None:
        shutil.rmtree(self.results / str(task_id), ignore_errors=True)


def file_url(task_id: int, attempt: int, name: str) -> str:
    return f"/api/v1/files/{task_id}/{attempt}/{name}"
