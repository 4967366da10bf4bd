"""Priorities on the wire: their names."""

from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from mofsim.vocabulary import Priority


def parse_priority(value: Any) -> Priority:
    """NAME in any case, or the number."""
    try:
        return Priority[value.upper()] if isinstance(value, str) else Priority(value)
    except (KeyError, ValueError):
        names = ", ".join(p.name for p in Priority)
        raise ValueError(f"is not a priority; use one of {names}") from None


PriorityName = Annotated[
    Priority,
    BeforeValidator(parse_priority),
    PlainSerializer(lambda p: p.name, return_type=str),
    WithJsonSchema({"type": "string", "enum": [p.name for p in Priority]}),
]
