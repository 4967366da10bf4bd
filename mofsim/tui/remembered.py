"""What the console remembers from one time to the next: `console.toml` beside the user's keys.

It is written by the console; who likes can edit it, too.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from platformdirs import user_config_path

from mofsim.tui.query import Query

#: Orders that the list of tasks can have.
SORTS: Final = ("id", "priority", "status", "model", "task_type")
_HEAD = "# Written by `mofsim tui`: what it remembers from one time to the next.\n"


@dataclass
class Remembered:
    """Without a `file` nothing outlasts the console. Empty values are those that nobody chose."""

    file: Path | None = None
    columns: Sequence[str] = ()
    sort: str = ""
    #: where something was exported to last
    folder: str = ""
    theme: str = ""
    #: addresses, that used last first
    servers: Sequence[str] = ()

    def keep(self, **changes: Any) -> str:
        """Set values and write the file; what is wrong when that can not be done, else empty."""
        for name, value in changes.items():
            setattr(self, name, value)
        if self.file is None:
            return ""
        partial = self.file.with_name(f".{self.file.name}.{os.getpid()}")
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(self._text(), encoding="utf-8")
            os.replace(partial, self.file)
        except OSError as error:
            return f"{self.file} can not be written, so that this is forgotten: {error.strerror or error}"
        return ""

    def query(self) -> Query:
        """The list of tasks in the order that it had last."""
        return Query(sort=self.sort) if self.sort.removeprefix("-") in SORTS else Query()

    def _text(self) -> str:
        tasks = {"columns": list(self.columns), "sort": self.sort}
        looks = {"theme": self.theme}
        tables: dict[str, Mapping[str, Any]] = {"tasks": tasks, "export": {"folder": self.folder}, "looks": looks}
        tables["servers"] = {"urls": list(self.servers)}
        return _HEAD + "".join(_table(name, values) for name, values in tables.items())


def remembered_file() -> Path:
    return user_config_path("mofsim") / "console.toml"


def recall(path: Path) -> tuple[Remembered, list[str]]:
    """What is in the file; and what is wrong with it, which then is as if it were not there."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Remembered(path), []
    except (OSError, ValueError) as error:
        return Remembered(path), [f"{path}: {error}"]
    tasks, export = _mapping(values.get("tasks")), _mapping(values.get("export"))
    looks, servers = _mapping(values.get("looks")), _mapping(values.get("servers"))
    return Remembered(
        path,
        columns=_texts_in(tasks, "columns"),
        sort=_text_in(tasks, "sort"),
        folder=_text_in(export, "folder"),
        theme=_text_in(looks, "theme"),
        servers=_texts_in(servers, "urls"),
    ), []


def _table(name: str, values: Mapping[str, Any]) -> str:
    """A JSON string is a TOML string, and so is a list of them."""
    lines = [f"{key} = {json.dumps(value)}\n" for key, value in values.items() if value]
    return f"\n[{name}]\n{''.join(lines)}" if lines else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text_in(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    return value if isinstance(value, str) else ""


def _texts_in(values: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = values.get(name)
    return tuple(text for text in value if isinstance(text, str)) if isinstance(value, list) else ()
