"""The filter line over structures: `zn metal:Cu set:main_set atoms:<300 !source:built`. Knows neither Textual nor HTTP.

Words without a colon are looked for in name, formula and sets. `field:a,b` means either, `!` in front inverts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mofsim.tui.elements import is_metal
from mofsim.tui.query import QueryError

if TYPE_CHECKING:
    from mofsim.schemas.resources import Structure

_NUMBER = re.compile(r"(<=|>=|<|>|)(\d+(?:\.\d+)?)(?:\.\.(\d+(?:\.\d+)?))?$")
BUILT_IN, UPLOADED = "built-in", "upload"


@dataclass(frozen=True)
class Term:
    """One word of the filter; `values` are lower-case."""

    field: str
    values: tuple[str, ...]
    inverted: bool = False


Test = Callable[["Structure", Sequence[str], str], bool]


def parse(text: str) -> tuple[Term, ...]:
    """Raises QueryError for an unknown field, or a value that it can not have."""
    return tuple(_term(word) for word in text.split() if word.strip("!"))


def _term(word: str) -> Term:
    inverted, word = word.startswith("!"), word.lstrip("!").lower()
    name, colon, value = word.partition(":")
    if not colon:
        return Term("text", (word,), inverted)
    if name not in FIELDS:
        raise QueryError(f"{name}: is not a field; there are {', '.join(f'{field}:' for field in FIELDS)}")
    values = tuple(part for part in value.split(",") if part)
    if not values:
        raise QueryError(f"{name}: wants a value, e.g. {name}:{FIELDS[name]}")
    if name in ("atoms", "volume"):
        wrong = next((value for value in values if not _NUMBER.match(value)), None)
        if wrong is not None and wrong.strip("<>=."):
            raise QueryError(f"{name}:{wrong} is no number; write e.g. {name}:{FIELDS[name]}")
        # A sign alone is a number that is still being typed.
        values = tuple(value for value in values if _NUMBER.match(value))
    return Term(name, values, inverted)


def matches(structure: Structure, sets: Sequence[str], terms: Sequence[Term]) -> bool:
    return all(
        not term.values or any(_TESTS[term.field](structure, sets, value) for value in term.values) is not term.inverted
        for term in terms
    )


def source(structure: Structure) -> str:
    return BUILT_IN if structure.is_builtin else structure.format or UPLOADED


def _has_text(structure: Structure, sets: Sequence[str], word: str) -> bool:
    heap = f"{structure.name} {structure.original_name} {structure.formula} {' '.join(sets)}".lower()
    return word in heap or word in (str(structure.id), f"#{structure.id}")


def _has_element(structure: Structure, sets: Sequence[str], symbol: str) -> bool:
    return symbol in [element.lower() for element in structure.elements]


def _has_metal(structure: Structure, sets: Sequence[str], symbol: str) -> bool:
    return symbol in [element.lower() for element in structure.elements if is_metal(element)]


def _is_in_set(structure: Structure, sets: Sequence[str], word: str) -> bool:
    return any(word in name.lower() for name in sets)


def _comes_from(structure: Structure, sets: Sequence[str], word: str) -> bool:
    return word in (BUILT_IN if structure.is_builtin else f"{UPLOADED} {structure.format}")


def _is_number(value: float, limit: str) -> bool:
    """`300`, `<300`, `>=300`, `100..300`."""
    found = _NUMBER.match(limit)
    if not found:
        return True
    sign, low, high = found[1], float(found[2]), found[3]
    if high is not None:
        return low <= value <= float(high)
    return {"<": value < low, "<=": value <= low, ">": value > low, ">=": value >= low, "": value == low}[sign]


#: with an example of each
FIELDS: Final[Mapping[str, str]] = {
    "metal": "zn",
    "element": "n",
    "set": "main_set",
    "source": "built-in",
    "atoms": "<300",
    "volume": ">2000",
}
_TESTS: Final[Mapping[str, Test]] = {
    "text": _has_text,
    "metal": _has_metal,
    "element": _has_element,
    "set": _is_in_set,
    "source": _comes_from,
    "atoms": lambda structure, _, limit: _is_number(structure.n_atoms, limit),
    "volume": lambda structure, _, limit: _is_number(structure.volume_A3, limit),
}
