"""A download that is there as a whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from mofsim.vocabulary import ReportFormat


def target(destination: Path | str, name: str) -> Path:
    """Where the file goes: `destination` itself, or `name` in it when it is a folder. "results/" is made to be one."""
    path = Path(destination)
    if str(destination).endswith("/"):
        path.mkdir(parents=True, exist_ok=True)
    return path / Path(name).name if path.is_dir() else path


def report_suffix(form: ReportFormat | str) -> str:
    """Raises ValueError for a form that there is not."""
    return {ReportFormat.TEXT: "txt", ReportFormat.OUTCOMES: "csv"}.get(ReportFormat(form), str(form))


@contextmanager
def saved(path: Path) -> Iterator[BinaryIO]:
    """A file to write, which becomes `path` at the end; after an exception nothing is left of it."""
    partial = path.with_name(f".{path.name}.part")
    try:
        with partial.open("wb") as file:
            yield file
        os.replace(partial, path)
    finally:
        with suppress(FileNotFoundError):
            partial.unlink()
