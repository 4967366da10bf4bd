"""How answers look in a notebook: HTML tables that need no styles of their own."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import IntEnum
from html import escape
from typing import Any

from pydantic import BaseModel

#: Rows of a list that are shown, and items of a list within a cell.
_MOST_ROWS, _MOST_ITEMS = 50, 8
#: Columns that tell little of a thing among many, and are long.
_LEFT_OUT = frozenset({"parameters", "details", "provenance", "extra", "payload", "config"})


def record(thing: BaseModel) -> str:
    """One thing: a row for each field that says something."""
    head = "<tr><th style='text-align:left'>"
    said = [(name, value) for name, value in thing if value not in (None, "", [], {})]
    rows = "".join(f"{head}{escape(name)}</th><td>{_html(value)}</td></tr>" for name, value in said)
    return f"<table><caption>{escape(type(thing).__name__)}</caption>{rows}</table>"


def listing(things: Sequence[Any], total: int | None) -> str:
    """Many things of a kind: a row for each."""
    if not things:
        return "<p>none</p>"
    records = [dict(thing) if isinstance(thing, BaseModel | Mapping) else {"": thing} for thing in things[:_MOST_ROWS]]
    found = dict.fromkeys(name for each in records for name, value in each.items() if value is not None)
    names = [name for name in found if name not in _LEFT_OUT]
    head = "".join(f"<th>{escape(str(name))}</th>" for name in names)
    cells = ("".join(f"<td>{_html(each.get(name))}</td>" for name in names) for each in records)
    rows = "".join(f"<tr>{row}</tr>" for row in cells)
    more = f"<p>{len(records)} of {total or len(things)}</p>" if len(records) < (total or len(things)) else ""
    return f"<table><tr>{head}</tr>{rows}</table>{more}"


def _html(value: Any) -> str:
    match value:
        case None:
            return "–"
        case float():
            return f"{value:.6g}"
        case IntEnum():
            return escape(value.name)
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S %Z}".rstrip()
        case BaseModel() | Mapping():
            return "<br>".join(_lines(dict(value)))
        case [BaseModel() | Mapping(), *_]:
            return listing(value, None)
        case list() | tuple():
            shown = [_html(each) for each in value[:_MOST_ITEMS]]
            return ", ".join([*shown, f"… ({len(value)})"] if len(value) > _MOST_ITEMS else shown)
    return escape(str(value))


def _lines(values: Mapping[str, Any], within: str = "") -> Iterator[str]:
    """One for each value that says something; those of a thing within carry its name: versions.torch."""
    for name, value in values.items():
        if isinstance(value, BaseModel | Mapping):
            yield from _lines(dict(value), f"{within}{name}.")
        elif value not in (None, "", []):
            yield f"{escape(within + str(name))} = {_html(value)}"
