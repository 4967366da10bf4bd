"""Where settings come from: files and the environment, read into entries that know their place."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import tomli

from mofsim.settings.lines import KeyLines

KeyPath = tuple[str, ...]
PREFIX = "MOFSIM_"


@dataclass(frozen=True, slots=True)
class Source:
    """`label` is what a mistake names first; relative paths start at `folder`."""

    label: str
    folder: Path
    #: set for values that came as text from the environment
    variable: str | None = None

    def example(self, key: str, value: str) -> str:
        """How a right value is written in this source; `value` is TOML."""
        return f"{self.variable}={value.strip(chr(34))}" if self.variable else f"{key} = {value}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One value somebody wrote, e.g. path ("server", "port")."""

    path: KeyPath
    value: Any
    source: Source

    @property
    def key(self) -> str:
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class SettingsFile:
    path: Path
    label: str
    entries: list[Entry] = field(default_factory=list)
    profiles: dict[str, list[Entry]] = field(default_factory=dict)


class UnreadableFileError(Exception):
    """A settings file cannot be read; the text says which, where and why."""


def read_file(path: Path, cwd: Path) -> SettingsFile:
    """Raises UnreadableFileError."""
    label = str(path.relative_to(cwd)) if path.is_relative_to(cwd) else str(path)
    text = _read_text(path, label)
    try:
        document = tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        raise UnreadableFileError(f"{label}:{error.lineno}: not valid TOML: {error.msg}") from error

    lines = KeyLines(text)

    def entry(key_path: KeyPath, value: Any, name: str = "") -> Entry:
        shown = f"{label}:{lines.find(key_path)}" + (f" (profile {name})" if name else "")
        return Entry(key_path[2:] if name else key_path, value, Source(shown, path.parent))

    profiles = document.pop("profiles", {})
    if not isinstance(profiles, dict):
        return SettingsFile(path, label, [entry(("profiles",), profiles)])
    return SettingsFile(
        path,
        label,
        [entry(key_path, value) for key_path, value in _leaves(document)],
        {
            name: [entry(("profiles", name, *key_path), value, name) for key_path, value in _leaves(profile)]
            for name, profile in profiles.items()
        },
    )


def _read_text(path: Path, label: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UnreadableFileError(f"{label}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UnreadableFileError(f"{label}: is not UTF-8 text") from error


def _leaves(document: Any) -> list[tuple[KeyPath, Any]]:
    """The keys of all tables, at depth 2; those of `models` at 3, so that `options` stays whole."""
    found: list[tuple[KeyPath, Any]] = []

    def descend(path: KeyPath, value: Any) -> None:
        depth = 3 if path[:1] == ("models",) else 2
        if isinstance(value, dict) and len(path) < depth:
            for key, inner in value.items():
                descend((*path, key), inner)
        else:
            found.append((path, value))

    descend((), document)
    return found


def read_dotenv(cwd: Path) -> dict[str, str]:
    """What the `.env` file in `cwd` says about mofsim. Raises UnreadableFileError."""
    path = cwd / ".env"
    if not path.is_file():
        return {}
    # 30 ms of import that only those who have the file pay.
    from dotenv import dotenv_values

    values = dotenv_values(stream=StringIO(_read_text(path, ".env")), interpolate=False)
    return {name: value or "" for name, value in values.items() if name.startswith(PREFIX)}


def environment_entries(
    environment: Mapping[str, str], known: Mapping[str, KeyPath], cwd: Path, note: str = ""
) -> list[Entry]:
    """The settings among variables: MOFSIM_SERVER__PORT is server.port.

    `known` maps the variables of all settings to their keys. Variables without a double underscore belong to
    others, unless they are a known one but for the underscores: then the entry's path is the variable itself.
    """
    without_underscores = {name.replace("_", "") for name in known}
    entries = []
    for name, value in environment.items():
        source = Source(f"{note}{name}", cwd, name)
        if "__" in name.removeprefix(PREFIX) and name.startswith(PREFIX):
            entries.append(Entry(known.get(name.upper()) or _spell(name), value, source))
        elif name.startswith(PREFIX) and name.replace("_", "") in without_underscores:
            entries.append(Entry((name,), value, source))
    return entries


def _spell(variable: str) -> KeyPath:
    return tuple(part.lower() for part in variable.removeprefix(PREFIX).split("__"))


def split_list(text: str) -> Any:
    """`0,1` or `[0, 1]` as a list of what the items look like."""
    if text.strip().startswith("["):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return [item.strip() for item in text.split(",") if item.strip()]
