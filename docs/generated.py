"""Tables of the documentation that are made from the code, so that they can not be wrong.

`[[parameters optimization]]` in a page becomes the table of that task type's parameters, and so on: see `_TABLES`.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click

from mofsim.cli.group import SECTIONS, mofsim
from mofsim.client import Client, errors
from mofsim.client.errors import ClientError
from mofsim.schemas.simulations import PARAMETERS, PRESETS
from mofsim.server.app import routes
from mofsim.settings.checks import tables
from mofsim.settings.model import as_toml
from mofsim.settings.tables import ModelSettings
from mofsim.tui.actions import Scope
from mofsim.tui.registry import ACTIONS
from mofsim.vocabulary import Preset, TaskType

_PLACE = re.compile(r"^\[\[(\w+)(?: ([\w-]+))?\]\]$", re.MULTILINE)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """What MkDocs calls for each page. Raises KeyError for a table that there is not."""
    return _PLACE.sub(lambda match: _TABLES[match[1]](*filter(None, [match[2]])), markdown)


def _parameters(name: str) -> str:
    task_type = TaskType(name)
    model = PARAMETERS[task_type]
    rows = [
        [f"`{key}`", *(_value(PRESETS[task_type][p].get(key, field.default)) for p in Preset), field.description or ""]
        for key, field in model.model_fields.items()
    ]
    return _table(["parameter", *(f"`{preset}`" for preset in Preset), "meaning"], rows)


def _settings() -> str:
    parts = []
    for name, table in {**tables(), "models.NAME": ModelSettings}.items():
        rows = [
            [f"`{key}`", _default(field), _sentence(field.description or "")]
            for key, field in table.model_fields.items()
        ]
        parts.append(f"## [{name}]\n\n" + _table(["key", "default", "meaning"], rows))
    return "\n\n".join(parts)


def _default(field: Any) -> str:
    if field.is_required() or field.default_factory is not None:
        return "depends on the machine"
    return f"`{as_toml(field.default)}`"


def _commands() -> str:
    parts = []
    for title, places in SECTIONS.items():
        parts.append(f"## {title}")
        for name in places:
            command = mofsim.get_command(click.Context(mofsim), name)
            assert command is not None
            parts.append(f"### mofsim {name}\n\n```text\n{_help(command, f'mofsim {name}')}\n```")
            if isinstance(command, click.Group):
                for inner, each in command.commands.items():
                    text = _help(each, f"mofsim {name} {inner}")
                    parts.append(f"#### mofsim {name} {inner}\n\n```text\n{text}\n```")
    return "\n\n".join(parts)


def _help(command: click.Command, path: str) -> str:
    return command.get_help(click.Context(command, info_name=path, max_content_width=100))


def _keys() -> str:
    parts = []
    for scope in Scope:
        rows = [[f"`{action.keys}`", action.help] for action in ACTIONS if action.scope is scope]
        if rows:
            parts.append(f"## {scope.value.capitalize()}\n\n" + _table(["keys", "what they do"], rows))
    return "\n\n".join(parts)


def _client() -> str:
    rows = [f"### Client\n\n```python\nClient{_plain(str(inspect.signature(Client)))}\n```\n\n{inspect.getdoc(Client)}"]
    for name, method in inspect.getmembers(Client, callable):
        if name.startswith("_") or name == "send":
            continue
        signature = _plain(str(inspect.signature(method)))
        rows.append(f"### {name}\n\n```python\n{name}{signature}\n```\n\n{inspect.getdoc(method) or ''}")
    return "\n\n".join(rows)


def _plain(signature: str) -> str:
    """Without `self`, the paths of modules, and what `repr` puts around names."""
    signature = re.sub(r"^\(self(, /)?(, )?", "(", signature)
    signature = re.sub(r"\b(?:[a-z_]+\.)+([A-Z]\w+|datetime)", r"\1", signature)
    return re.sub(r"<(\w+\.\w+): [^>]*>|'([A-Z]\w+)'", r"\1\2", signature)


def _errors() -> str:
    rows = [
        [f"`{name}`", (inspect.getdoc(error) or "").split("\n")[0]]
        for name, error in inspect.getmembers(errors, inspect.isclass)
        if issubclass(error, ClientError)
    ]
    return _table(["error", "meaning"], rows)


def _endpoints() -> str:
    rows = []
    for route in routes:
        for method in sorted((route.methods or set()) - {"HEAD"}):
            says = (inspect.getdoc(route.endpoint) or "").split("\n")[0]
            rows.append([method, f"`{route.path}`", says])
    return _table(["method", "path", "what it does"], rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _value(value: Any) -> str:
    return "–" if value is None else f"`{value}`"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


_TABLES: dict[str, Callable[..., str]] = {
    "parameters": _parameters,
    "settings": _settings,
    "commands": _commands,
    "keys": _keys,
    "client": _client,
    "errors": _errors,
    "endpoints": _endpoints,
}
