"""The user's own keys: lines like `"task.cancel" = "x"` in `keys.toml` of mofsim's configuration folder."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from platformdirs import user_config_path

from mofsim.tui.registry import BY_ID


def keymap_file() -> Path:
    return user_config_path("mofsim") / "keys.toml"


def load(path: Path) -> tuple[Mapping[str, str], list[str]]:
    """Keys by action, several with commas between; and what is wrong with the file, which then is left out."""
    try:
        values = tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}, []
    except (OSError, ValueError) as error:
        return {}, [f"{path}: {error}"]
    problems = [f"{path}: {name} is no action; ? lists their keys" for name in values if name not in BY_ID]
    problems += [f"{path}: {name} wants a text" for name, keys in values.items() if not isinstance(keys, str)]
    keys = {name: keys for name, keys in values.items() if name in BY_ID and isinstance(keys, str)}
    return keys, problems
