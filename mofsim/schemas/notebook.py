"""How answers look in a notebook: HTML tables that need no styles of their own."""

from collections.abc import Mapping, Sequence
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
    records = [dict(thing) if isinstance(thing, BaseModel) else {"": thing} for thing in things[:_MOST_ROWS]]
    names = [name for name in records[0] if name not in _LEFT_OUT and any(each[name] is not None for each in records)]
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    rows = "".join("<tr>" + "".join(f"<td>{_html(each[name])}</td>" for name in names) + "</tr>" for each in records)
    more = f"<p>{len(records)} of {total or len(things)}</p>" if len(records) < (total or len(things)) else ""
    return f"<table><tr>{head}</tr>{rows}</table>{more}"


def _html(value: Any) -> str:
    match value:
        case None:
            return "–"
        case float():
            return f"{value:.6g}"
        case BaseModel():
            return _pairs(dict(value))
        case Mapping():
            return _pairs(value)
        case list() | tuple():
            shown = [_html(each) for each in value[:_MOST_ITEMS]]
            return ", ".join([*shown, f"… ({len(value)})"] if len(value) > _MOST_ITEMS else shown)
    return escape(str(value))


def _pairs(values: Mapping[str, Any]) -> str:
    return "<br>".join(f"{escape(str(name))} = {_html(value)}" for name, value in values.items() if value is not None)
