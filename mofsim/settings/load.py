"""Lay the sources over each other: defaults, installed packages, file, profile, `.env`, environment, command line."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import platformdirs

from mofsim.models_builtin import BUILTIN_MODELS
from mofsim.settings.checks import Mistake, contradictions, known_variables, read_value
from mofsim.settings.model import Settings
from mofsim.settings.plugins import model_entries
from mofsim.settings.sources import (
    Entry,
    KeyPath,
    SettingsFile,
    Source,
    UnreadableFileError,
    environment_entries,
    read_dotenv,
    read_file,
)

DEFAULT_PROFILE = "dev"


class SettingsError(ValueError):
    """The settings cannot be used. Each line names place, key, mistake and what would be right."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        self.mistakes = list(mistakes)
        super().__init__("\n".join(mistakes))


def load_settings(
    path: Path | str | None = None,
    *,
    profile: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    overrides: Mapping[str, object] | None = None,
) -> Settings:
    """Read the settings; all mistakes are told at once.

    The file is `path`, MOFSIM_SETTINGS, ./settings.toml or that of the user's config folder; without any, the
    defaults hold. `profile` is else MOFSIM_PROFILE, else "dev". `env` stands for os.environ. `overrides` come
    from the command line and win: {"server.port": 9000}.
    Raises SettingsError.
    """
    here = (cwd or Path.cwd()).absolute()
    process = os.environ if env is None else env
    try:
        dotenv = read_dotenv(here)
        environment = {**dotenv, **process}
        file = _find_file(path, environment, here)
    except UnreadableFileError as error:
        raise SettingsError([str(error)]) from error

    chosen = profile or environment.get("MOFSIM_PROFILE")
    name = chosen or DEFAULT_PROFILE
    profiles = file.profiles if file else {}
    if chosen and name not in profiles and name != DEFAULT_PROFILE:
        known = ", ".join(sorted({DEFAULT_PROFILE, *profiles}))
        raise SettingsError([f"{file.label if file else 'no settings.toml'}: no profile {name}; there are: {known}"])

    installed, mistakes = model_entries()
    if mistakes:
        raise SettingsError(mistakes)
    written = [*installed, *(file.entries if file else []), *profiles.get(name, [])]
    variables = known_variables([*BUILTIN_MODELS, *_model_names(written)])
    laid = [
        *written,
        *environment_entries(dotenv, variables, here, note=".env: "),
        *environment_entries(process, variables, here),
        *_override_entries(overrides or {}, here),
    ]
    unused = [entry for other, entries in profiles.items() if other != name for entry in entries]
    return _build(laid, unused, name, file.path if file else None)


def _find_file(path: Path | str | None, environment: Mapping[str, str], here: Path) -> SettingsFile | None:
    named = path or environment.get("MOFSIM_SETTINGS")
    if named:
        found = here / Path(named).expanduser()
        if not found.exists():
            who = "" if path else "MOFSIM_SETTINGS: "
            raise SettingsError([f"{who}{found}: no such settings file"])
    else:
        usual = [here / "settings.toml", platformdirs.user_config_path("mofsim") / "settings.toml"]
        found = next((each for each in usual if each.is_file()), usual[0])
        if not found.is_file():
            return None
    return read_file(found, here)


def _model_names(entries: Sequence[Entry]) -> set[str]:
    return {entry.path[1] for entry in entries if entry.path[0] == "models" and len(entry.path) > 1}


def _override_entries(overrides: Mapping[str, object], here: Path) -> list[Entry]:
    source = Source("command line", here)
    return [Entry(tuple(key.split(".")), value, source) for key, value in overrides.items()]


def _build(laid: list[Entry], unused: list[Entry], profile: str, file: Path | None) -> Settings:
    mistakes: list[Mistake] = []
    values: dict[KeyPath, Any] = {
        ("models", name, key): value for name, table in BUILTIN_MODELS.items() for key, value in table.items()
    }
    sources: dict[str, Source] = {}
    for number, entry in enumerate([*laid, *unused]):
        value = read_value(entry)
        if isinstance(value, Mistake):
            mistakes.append(value)
        elif number < len(laid):
            values[entry.path] = value
            sources[entry.key] = entry.source
    if mistakes:
        raise SettingsError([str(mistake) for mistake in mistakes])

    _start_relative_paths(values, sources)
    settings = Settings.model_validate(_nested(values))
    settings._profile, settings._file = profile, file
    settings._sources = {key: source.label for key, source in sources.items()}
    if wrong := list(contradictions(settings)):
        raise SettingsError([f"{_blame(keys, sources)}: {keys[0]}: {problem}" for keys, problem in wrong])
    return settings


def _start_relative_paths(values: dict[KeyPath, Any], sources: Mapping[str, Source]) -> None:
    """Make paths absolute: they start where they were written, a file's folder or the working directory."""
    for key_path, value in list(values.items()):
        source = sources.get(".".join(key_path))
        if source is None:
            continue
        framework = values.get((*key_path[:-1], "framework"), "sevenn")
        if key_path == ("storage", "root"):
            values[key_path] = _absolute(value, source.folder)
        elif _is_path(key_path, value, framework):
            values[key_path] = str(_absolute(Path(value), source.folder))


def _is_path(key_path: KeyPath, value: Any, framework: str) -> bool:
    match key_path:
        case ("server", "tls_cert" | "tls_key") | ("worker", "server_key_file" | "server_ca_file"):
            return bool(value)
        case ("models", _, "checkpoint"):
            return framework != "ase" and not value.startswith("package:")
        case ("models", _, "python"):
            return "/" in value
        case _:
            return False


def _absolute(path: Path, folder: Path) -> Path:
    # No resolve(): a virtual environment's python is a symbolic link that must stay one.
    return Path(os.path.normpath(folder / path.expanduser()))


def _nested(values: Mapping[KeyPath, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path, value in values.items():
        branch = tree
        for part in path[:-1]:
            branch = branch.setdefault(part, {})
        branch[path[-1]] = value
    return tree


def _blame(keys: Sequence[str], sources: Mapping[str, Source]) -> str:
    """The place of the first key, or table, that somebody wrote."""
    for key in keys:
        for name, source in sources.items():
            if name == key or name.startswith(f"{key}."):
                return source.label
    return "settings"
