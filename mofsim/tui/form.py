"""The form for a new task without its widgets: its fields, their bounds, and what is wrong with what was typed.

Everything about parameters is read off the wire's own models, so that a new task type needs nothing here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from mofsim.schemas.simulations import PARAMETERS, resolve
from mofsim.tui import quantities
from mofsim.vocabulary import Preset, TaskType

if TYPE_CHECKING:
    from mofsim.schemas.estimates import Estimate
    from mofsim.schemas.resources import Model, Structure

SUFFIXES = (".cif", ".xyz", ".extxyz", ".vasp", ".poscar")
_TIME = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|min|h|d)?$")
_SECONDS = {None: 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
#: The server's names of fields that differ from ours.
SERVER_FIELDS = {
    "options.priority": "priority",
    "options.timeout_seconds": "timeout",
    "file": "structure",
    "task_type": "type",
}


@dataclass(frozen=True)
class Parameter:
    """`choices` is empty for a number."""

    name: str
    label: str
    unit: str
    bounds: str
    choices: tuple[str, ...]
    #: what holds when nothing is typed, by the chosen preset
    preset_value: str


def parameters(task_type: TaskType, preset: Preset) -> list[Parameter]:
    preset_values = resolve(task_type, preset, {})
    found = []
    for name, info in PARAMETERS[task_type].model_fields.items():
        label, unit = quantities.split_unit(name)
        value = quantities.text(preset_values[name])
        found.append(Parameter(name, label, unit, _bounds(info), _choices(info), value))
    return found


def check(task_type: TaskType, preset: Preset, typed: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The parameters that were given (an empty field is the preset's), and by name what is wrong with them."""
    given = {name: _value(text) for name, text in typed.items() if text.strip()}
    try:
        resolve(task_type, preset, given)
    except ValidationError as error:
        return given, {str(e["loc"][0]): _message(e["msg"]) for e in error.errors() if e["loc"]}
    return given, {}


def seconds(text: str) -> float | None:
    """`90`, `30m`, `2 h` as seconds, None for nothing. Raises ValueError."""
    if not text.strip():
        return None
    found = _TIME.match(text.strip().lower())
    if not found or float(found[1]) <= 0:
        raise ValueError("write a time, e.g. 3600, 30m or 2h")
    return float(found[1]) * _SECONDS[found[2]]


@dataclass(frozen=True)
class Chosen:
    """A structure of the server (a name when it is built in, else an id), or a file to upload first."""

    structure: Structure | None = None
    file: Path | None = None
    problem: str = ""

    @property
    def reference(self) -> str | int:
        assert self.structure is not None
        return self.structure.name if self.structure.is_builtin else self.structure.id


@dataclass(frozen=True)
class Question:
    """A task that may be submitted: what would it need?"""

    task_type: TaskType
    structure: str | int
    #: model, preset and parameters
    options: Mapping[str, Any]


def choose(text: str, structures: Sequence[Structure]) -> Chosen:
    """What somebody means by a name, `#id` or the path of a file on this machine."""
    text = text.strip()
    if not text:
        return Chosen(problem="choose a structure, or type the path of a file")
    named = [s for s in structures if text.lower() in (s.name.lower(), label(s).lower(), f"#{s.id}")]
    built_in = [s for s in named if s.is_builtin]
    if built_in or len(named) == 1:
        return Chosen((built_in or named)[0])
    if named:
        return Chosen(problem=f"{len(named)} uploads are called so; choose one from the list")
    path = Path(text).expanduser()
    if "/" in text or path.suffix.lower() in SUFFIXES or path.name.upper() in ("POSCAR", "CONTCAR"):
        return Chosen(file=path) if path.is_file() else Chosen(problem="there is no such file on this machine")
    return Chosen(problem="neither a structure nor the path of a file")


def label(structure: Structure) -> str:
    return structure.name if structure.is_builtin else f"#{structure.id} {structure.name}"


def suggestions(text: str, structures: Sequence[Structure]) -> list[Structure]:
    """Those whose name or formula has all the words; names that begin so come first."""
    words = text.lower().split()
    fitting = [s for s in structures if all(w in f"{label(s)} {s.formula}".lower() for w in words)]
    return sorted(fitting, key=lambda s: (not s.name.lower().startswith(text.lower().strip()), not s.is_builtin))


def unknown_elements(structure: Structure | None, model: Model | None) -> list[str]:
    if structure is None or model is None or not model.elements:
        return []
    return [element for element in structure.elements if element not in model.elements]


def expected(estimate: Estimate) -> str:
    """What the task would need, and who could run it."""
    return f"{estimate.sentence}; {estimate.why_none}" if estimate.why_none else estimate.sentence


def field_of(server_field: str | None) -> str | None:
    """The form's field for one that the server names; None when the message is about the whole."""
    if not server_field:
        return None
    if server_field in SERVER_FIELDS:
        return SERVER_FIELDS[server_field]
    head, _, rest = server_field.partition(".")
    return rest.split(".")[0] if head == "parameters" and rest else head


def typed(value: Any) -> str:
    """A parameter's value as somebody would type it."""
    return quantities.text(value)


def _choices(info: FieldInfo) -> tuple[str, ...]:
    if info.annotation is bool:
        return ("yes", "no")
    return tuple(get_args(info.annotation)) if get_origin(info.annotation) is Literal else ()


def _bounds(info: FieldInfo) -> str:
    """The limits of a number, from its annotations: `> 0`, `1 to 100000`."""
    keys = ("gt", "ge", "lt", "le")
    limits = {key: getattr(part, key) for part in info.metadata for key in keys if hasattr(part, key)}
    if "ge" in limits and "le" in limits:
        return f"{limits['ge']:g} to {limits['le']:,}".replace(",", " ")
    signs = {"gt": ">", "ge": "at least", "lt": "<", "le": "at most"}
    return ", ".join(f"{signs[key]} {value:g}" for key, value in limits.items())


def _value(text: str) -> Any:
    text = text.strip()
    return {"yes": True, "no": False}.get(text, text)


def _message(text: str) -> str:
    """pydantic's words, without its prefix."""
    return text.removeprefix("Value error, ").removeprefix("Input should be ").strip()
