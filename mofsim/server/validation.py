"""What pydantic says of a wrong request, said to a person: which field, and what would be right."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from mofsim.core.errors import Invalid

#: More than these are not listed: the first ones are the ones to mend.
MAX_LISTED = 20

Location = Sequence[int | str]


def invalid(error: ValidationError, model: type[BaseModel], given: Any) -> Invalid:
    """All that is wrong in one error; its field is the first that is."""
    errors = error.errors(include_url=False)
    schema = _schema(model)
    described = [_describe(each, schema, given) for each in errors[:MAX_LISTED]]
    detail = "; ".join(f"{field}: {text}" if field else text for field, text in described)
    if len(errors) > MAX_LISTED:
        detail += f"; and {len(errors) - MAX_LISTED} more"
    return Invalid(detail, field=described[0][0] or None, type="ValidationError")


@cache
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    """That of a batch takes 40 ms, in which the server would do nothing else."""
    return model.model_json_schema()


def _describe(error: ErrorDetails, schema: dict[str, Any], given: Any) -> tuple[str, str]:
    """Field and sentence of one error."""
    location = error["loc"]
    field = _dotted(location, given)
    match error["type"]:
        case "missing":
            return field, "is required"
        case "extra_forbidden":
            return field, _unknown(str(location[-1]), _properties(schema, location[:-1]))
        case "union_tag_invalid" | "union_tag_not_found":
            discriminator = _node(schema, location).get("discriminator", {})
            tags = ", ".join(discriminator.get("mapping", {}))
            return _join([field, discriminator.get("propertyName", "")]), f"must be one of {tags}"
        case _:
            return field, error["msg"].removeprefix("Value error, ") + _given(error["input"])


def _dotted(location: Location, given: Any) -> str:
    """The location in the terms of the request: without the tags of unions, which pydantic puts in."""
    parts = []
    for index, part in enumerate(location):
        is_last = index == len(location) - 1
        if isinstance(given, dict):
            if part not in given and not is_last:
                continue
            given = given.get(part)
        elif isinstance(given, list) and isinstance(part, int):
            # A list of a query may have been split at commas since.
            given = given[part] if part < len(given) else None
        parts.append(part)
    return _join(parts)


def _join(parts: Iterable[int | str]) -> str:
    return ".".join(str(part) for part in parts if part != "")


def _unknown(name: str, known: list[str]) -> str:
    if not known:
        return "is not known here; leave it out"
    close = get_close_matches(name, known, n=1)
    meant = f"; did you mean {close[0]}?" if close else ""
    return f"is not known here; there are {', '.join(known)}{meant}"


def _given(value: Any) -> str:
    """What was sent, when it is short enough to be said."""
    shown = repr(value) if isinstance(value, str | int | float) else ""
    return f" (not {shown})" if 0 < len(shown) <= 60 else ""


def _properties(schema: dict[str, Any], location: Location) -> list[str]:
    return list(_node(schema, location).get("properties", {}))


def _node(schema: dict[str, Any], location: Location) -> dict[str, Any]:
    """The part of a JSON schema that describes a place; empty where it can not be followed."""
    node = _resolved(schema, schema)
    for part in location:
        if isinstance(part, int):
            inner = node.get("items")
        else:
            mapping = node.get("discriminator", {}).get("mapping", {})
            inner = node.get("properties", {}).get(part) or {"$ref": mapping.get(part)}
        node = _resolved(schema, inner or {})
    return node


def _resolved(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    options = [option for option in node.get("anyOf", ()) if option.get("type") != "null"]
    node = options[0] if len(options) == 1 else node
    reference = node.get("$ref")
    return schema["$defs"].get(reference.rpartition("/")[2], {}) if reference else node
