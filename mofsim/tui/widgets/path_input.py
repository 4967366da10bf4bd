"""A text field for a path of this machine, which offers how it may go on: → takes that."""

from __future__ import annotations

import os
from pathlib import Path

from textual.suggester import Suggester

from mofsim.tui.widgets.fields import FieldInput

#: Entries of a folder that are looked at: a folder with more is no place to complete in.
MOST = 5000


class Paths(Suggester):
    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        return completed(value)


class PathInput(FieldInput):
    def __init__(self, placeholder: str, id: str) -> None:
        super().__init__(placeholder, id)
        self.suggester = Paths()

    @property
    def path(self) -> Path:
        return Path(self.value.strip()).expanduser()


def completed(typed: str) -> str | None:
    """The first entry that begins so, folders with a slash; None where there is none."""
    if not typed.strip() or typed.endswith("/"):
        return None
    folder, _, start = typed.rpartition("/")
    place = Path(f"{folder}/" if folder or typed.startswith("/") else ".").expanduser()
    try:
        with os.scandir(place) as entries:
            found = sorted(
                (e for e, _ in zip(entries, range(MOST), strict=False) if e.name.startswith(start)), key=_name
            )
    except (OSError, ValueError):
        return None
    shown = [entry for entry in found if start or not entry.name.startswith(".")]
    if not shown:
        return None
    return f"{typed[: len(typed) - len(start)]}{shown[0].name}{'/' if shown[0].is_dir() else ''}"


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name
