"""Values that a schema of the description allows, and odd ones in each place of it: at its edges, or wrong."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Schema = Mapping[str, Any]

#: What fits into no column, or into no number of JSON as others read it.
HUGE = (2**31, 2**63 - 1, 2**63, -(2**63) - 1, 10**30)


def _cursor(*parts: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


#: Cursors that could be those of a list, but for one part.
CURSORS = (
    _cursor("-id", True, True),
    _cursor("-id", 2**63, 1),
    _cursor("-id", "x", 1),
    _cursor("-id", 1, 1.5),
    _cursor("-id", "\ud800", 1),
    _cursor("2026-01-01T00:00:00+00:00", float("inf")),
    _cursor("0001-01-01T00:00:00+23:59", -1),
    "AAAA",
    "é",
)
TEXTS = ("\0", "a" * 5000, "", "é\u202e\x1b[2J", "%s%n{0}$(id)`id`", "../../etc/passwd", "٣", "' OR 1=1 --")
TIMES = ("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "1e400", "2026-13-01", "nan")
#: By type; those that tell most come first.
ODD: Mapping[str, tuple[Any, ...]] = {
    "integer": (HUGE[2], -1, None, 0, *HUGE, 1.5, True, "x", []),
    "number": (1e308, 5e-324, None, -1, 0, -1e308, 10**400, True, "nan", {}),
    "string": (*TEXTS[:2], 7, *TEXTS[2:], None, []),
    "boolean": (None, 2, "maybe", {}),
    "array": ([None] * 10_001, [[[[]]]], None, {}, "x"),
    "object": ({"\0": 1}, None, [], "x", {"a" * 300: {"b": {}}}),
}


@dataclass(frozen=True)
class Place:
    """One value in a body: the keys that lead to it, what it is part of, and the body it is put into."""

    keys: tuple[Any, ...]
    #: name of the component and of its property; the same one may be part of many bodies
    name: tuple[str, str]
    schema: Schema
    body: Any


@dataclass
class Values:
    components: Mapping[str, Schema]
    #: what exists, by the name of a property, where any value will not do
    known: Mapping[str, Any] = field(default_factory=dict)

    def resolved(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            schema = self.components[schema["$ref"].rpartition("/")[2]]
        return schema

    def choices(self, schema: Schema) -> list[Schema]:
        """The schemas that it stands for, null left out."""
        schema = self.resolved(schema)
        options = schema.get("anyOf") or schema.get("oneOf") or [schema]
        return [option for option in map(self.resolved, options) if option.get("type") != "null"]

    def good(self, schema: Schema, name: str = "") -> Any:
        """One that is allowed, as small as can be."""
        if name in self.known:
            return self.known[name]
        schema = self.choices(schema)[0]
        if "const" in schema or "enum" in schema:
            return schema.get("const", next(iter(schema.get("enum", ())), None))
        if schema.get("examples"):
            return schema["examples"][0]
        match schema.get("type"):
            case "object":
                properties = schema.get("properties", {})
                return {each: self.good(properties[each], each) for each in schema.get("required", ())}
            case "array":
                return [self.good(schema["items"], name) for _ in range(schema.get("minItems", 0))]
            case "integer" | "number" as kind:
                least = schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
                return int(least) if kind == "integer" else min(least, schema.get("maximum", least))
            case "boolean":
                return False
        return "x" * max(1, schema.get("minLength", 1))

    def odd(self, schema: Schema, name: str = "") -> list[Any]:
        """Values at the edges of what is allowed and beyond, and some of other types."""
        if name == "cursor":
            return [*CURSORS, "a" * 2000]
        found: list[Any] = []
        for option in self.choices(schema):
            kind = option.get("type", "string")
            edges = [option[word] for word in ("minimum", "maximum") if word in option]
            edges += [edge + 1 for edge in edges] + [edge - 1 for edge in edges]
            words = [*option.get("enum", ())[1:], option.get("const")] if "enum" in option else []
            found += [*(TIMES if option.get("format") == "date-time" else ()), *ODD[kind], *edges, *words]
        return list({repr(value): value for value in found}.values())

    def places(self, schema: Schema) -> Iterator[Place]:
        """Every place of a body that it describes, each with a body in which all the others are good."""
        yield from self._places(schema, (), ("", ""), lambda value: value, frozenset())

    def _places(self, schema: Schema, keys: Any, name: Any, around: Any, above: frozenset[int]) -> Iterator[Place]:
        for option in self.choices(schema):
            good = self.good(option, name[1])
            yield Place(keys, name, option, around(good))
            if id(option) in above:
                continue
            inside = above | {id(option)}
            if option.get("type") == "array":
                yield from self._places(
                    option["items"], (*keys, 0), (*name[:1], f"{name[1]}[]"), lambda value, a=around: a([value]), inside
                )
            for each, inner in option.get("properties", {}).items():
                yield from self._places(
                    inner,
                    (*keys, each),
                    (option.get("title", ""), each),
                    lambda value, a=around, good=good, each=each: a({**good, each: value}),
                    inside,
                )


def put(body: Any, keys: tuple[Any, ...], value: Any) -> Any:
    """A copy of the body with another value in that place."""
    if not keys:
        return value
    first, *rest = keys
    inner = put(body[first], tuple(rest), value)
    return [inner] if isinstance(body, list) else {**body, first: inner}
