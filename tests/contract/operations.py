"""The operations of the description: what to send to each, and what is wrong with an answer."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import httpx
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from .values import TEXTS, Values, put

Headers = dict[str, str | bytes]

JSON = "application/json"
FORM = "multipart/form-data"
BYTES = "application/octet-stream"
#: Places in a path; of which the last is no text in UTF-8.
ODD_NAMES = ("0", "-1", "999999", "9" * 18, "9" * 400, "x", "%00", "%2e%2e", "..%5cx", "%D9%A3", "a" * 3000, "%ff%fe")
RAW_BODIES = (
    b"",
    b"{",
    b"[]",
    b"null",
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b'{"\\ud800": 1}',
    b"\xff\xfe{}",
    b'{"a": NaN}',
    b"1e999",
)
#: Headers that some code here, or below it, reads.
HOSTILE: tuple[Headers, ...] = (
    {"Accept": "application/openmetrics-text; version=x"},
    {"Accept": "text/plain;version=1.x.0;escaping=allow-utf-8, */*;;=,"},
    {"Range": "bytes=0-3"},
    {"Range": "bytes=9-1"},
    {"Range": "bytes=999999999-"},
    {"Range": "bytes=" + "0-1," * 1000},
    {"Range": b"bytes=\xff-"},
    {"Last-Event-ID": "9" * 400},
    {"Last-Event-ID": b"\xd9\xa3"},
    {"Idempotency-Key": b"\xff\x80"},
    {"Upload-Offset": "9" * 400},
    {"Upload-Offset": b"\xd9\xa3"},
    {"Upload-Checksum": b"sha256 \xff"},
    {"Idempotency-Key": "a" * 5000},
    {"Origin": b"http://\xff["},
    {"X-Request-ID": b"\xff\xff"},
    {"X-Forwarded-For": "::::,x"},
    {"If-None-Match": "*"},
    {"If-Modified-Since": "9999999 never"},
    {"Accept-Encoding": "gzip;q=nan"},
    {"Content-Type": b"\xff/\x80; charset=\xff"},
)
CHARSETS = ("undefined", "punycode", "unicode_escape", "utf-16", "zlib", "nonsense")


@dataclass(frozen=True)
class Case:
    """One request; `why` tells a person what is odd about it."""

    why: str
    path: str
    query: str = ""
    headers: Headers = field(default_factory=dict)
    content: bytes | None = None
    files: Any = None


@dataclass
class Operation:
    method: str
    path: str
    told: Mapping[str, Any]
    values: Values
    #: what is put into its path where nothing odd is wanted
    known: Mapping[str, Any]

    @property
    def scope(self) -> str | None:
        """The key that it wants; None: none."""
        return next((key["key"][0] for key in self.told["security"]), None)

    @property
    def bodies(self) -> Mapping[str, Any]:
        return self.told.get("requestBody", {}).get("content", {})

    @property
    def is_special(self) -> bool:
        """It answers with something else than JSON, or takes it: then it reads headers that others do not."""
        good = next(answer for status, answer in self.told["responses"].items() if status < "300")
        return set(good["content"]) != {JSON} or bool({FORM, BYTES} & set(self.bodies))

    def cases(self, seen: set[tuple[str, str]], turn: int, few: int | None = None) -> Iterator[Case]:
        """All requests to make, with `few` odd values in each place, or all that there are.

        Places of bodies that were `seen` are left out; `turn` picks some of what there is too much of.
        """
        good = self._good()
        yield good
        yield from self._odd_paths(good, turn, few)
        yield from self._odd_parameters(good, few)
        count = len(HOSTILE) if self.is_special else 2
        for number in range(turn, turn + count):
            headers = HOSTILE[number % len(HOSTILE)]
            why = f"the headers {str(headers)[:80]}"
            yield Case(why, good.path, "", good.headers | headers, good.content, good.files)
        if JSON in self.bodies:
            yield from self._odd_json(good, seen, few)
        if FORM in self.bodies:
            yield from self._odd_forms(good)

    def _good(self) -> Case:
        path = self._at({})
        if JSON in self.bodies:
            content = self.values.good(self.bodies[JSON]["schema"])
            return Case("nothing odd", path, "", {"Content-Type": JSON}, json.dumps(content).encode())
        if BYTES in self.bodies:
            checksum = hashlib.sha256(b"a piece").hexdigest()
            headers = {"Content-Type": BYTES, "Upload-Offset": "0", "Upload-Checksum": f"sha256 {checksum}"}
            return Case("nothing odd", path, "", headers, b"a piece")
        return Case("nothing odd", path, files=self._form() if FORM in self.bodies else None)

    def _at(self, odd: Mapping[str, str]) -> str:
        path = self.path
        for parameter in self._parameters("path"):
            name = parameter["name"]
            path = path.replace(f"{{{name}}}", odd.get(name) or quote(str(self.known[name]), safe=""))
        return path

    def _parameters(self, where: str) -> list[Mapping[str, Any]]:
        return [parameter for parameter in self.told.get("parameters", ()) if parameter["in"] == where]

    def _odd_paths(self, good: Case, turn: int, few: int | None) -> Iterator[Case]:
        for parameter in self._parameters("path"):
            for number in range(turn, turn + (few or len(ODD_NAMES))):
                path = self._at({parameter["name"]: ODD_NAMES[number % len(ODD_NAMES)]})
                yield Case(f"{parameter['name']} in the path", path, "", good.headers, good.content, good.files)

    def _odd_parameters(self, good: Case, few: int | None) -> Iterator[Case]:
        for parameter in self._parameters("query"):
            name, schema = parameter["name"], parameter["schema"]
            for value in self.values.odd(schema, name)[: few and 3 * few]:
                if isinstance(value, str | int | float) and len(str(value)) < 20_000:
                    query = urlencode({name: value})
                    yield Case(f"{name} in the query", good.path, query, good.headers, good.content, good.files)
        for query in ("nonsense=1", "=&&%&%ff=%00"):
            yield Case("another query", good.path, query, good.headers, good.content, good.files)

    def _odd_json(self, good: Case, seen: set[tuple[str, str]], few: int | None) -> Iterator[Case]:
        for content in RAW_BODIES:
            yield Case(f"the body {content[:20]!r}", good.path, "", good.headers, content)
        for place in self.values.places(self.bodies[JSON]["schema"]):
            if place.name in seen:
                continue
            seen.add(place.name)
            for value in self.values.odd(place.schema, place.name[1])[:few]:
                body = put(place.body, place.keys, value)
                why = f"{'.'.join(map(str, place.keys))} = {str(value)[:40]!r}"
                yield Case(why, good.path, "", good.headers, json.dumps(body).encode())

    def _odd_forms(self, good: Case) -> Iterator[Case]:
        yield Case("no file", good.path, files={"name": (None, b"x")})
        yield Case("text instead of a file", good.path, files={"file": (None, b"x")})
        yield Case("two files", good.path, files=[("file", ("a", b"x")), ("file", ("b", b"x"))])
        schema = self.values.resolved(self.bodies[FORM]["schema"])
        for name, inner in schema["properties"].items():
            for value in self.values.odd(inner, name) if name != "file" else ():
                text = value if isinstance(value, str) else json.dumps(value)[:20_000]
                yield Case(f"{name} = {text[:40]!r}", good.path, files=self._form(name, text))
        part = b'--abc\r\nContent-Disposition: form-data; name="%s"\r\n\r\nxn--\xff\\ud800\r\n--abc--\r\n'
        for charset in CHARSETS:
            headers: Headers = {"Content-Type": f"{FORM}; boundary=abc; charset={charset}"}
            yield Case(f"charset {charset}", good.path, "", headers, part % b"name")
        for disposition in (b"x\"; filename*=undefined''%41; y=\"", b"\xff\x00", b"a" * 70_000):
            headers = {"Content-Type": f"{FORM}; boundary=abc"}
            yield Case(f"part {disposition[:20]!r}", good.path, "", headers, part % disposition)

    def _form(self, odd: str = "", value: str = "") -> list[Any]:
        """Its file is empty: what files can be is the matter of tests.upload_fuzz."""
        schema = self.values.resolved(self.bodies[FORM]["schema"])
        fields = {name: str(self.values.good(schema["properties"][name], name)) for name in schema["required"]}
        fields |= {odd: value} if odd else {}
        parts = [(name, (None, text.encode())) for name, text in fields.items() if name != "file"]
        return [*parts, ("file", (TEXTS[5], b""))]


class Description:
    """The whole OpenAPI document."""

    def __init__(self, document: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> None:
        self._document = document
        self._registry: Any = Registry().with_resource(
            "urn:api", Resource.from_contents(document, default_specification=DRAFT202012)
        )
        self._validators: dict[str, Draft202012Validator] = {}
        self._judged: dict[tuple[str, str, int], int] = {}
        values = Values(document["components"]["schemas"], known[""])
        self.operations = {
            f"{method.upper()} {path}": Operation(method.upper(), path, told, values, _known(known, path))
            for path, methods in document["paths"].items()
            for method, told in methods.items()
        }

    def problems(self, operation: Operation, answer: httpx.Response) -> list[str]:
        """What is wrong with an answer, whatever was sent."""
        status, told = answer.status_code, operation.told["responses"].get(str(answer.status_code))
        if status >= 500:
            return [f"{status}: {answer.text[:300]}"]
        if told is None:
            return [f"{status} is not described: {answer.text[:300]}"]
        kind = answer.headers.get("content-type", "").partition(";")[0]
        if not {kind, "*/*"} & set(told.get("content", {kind: {}})):
            return [f"{status} with {kind}, not {', '.join(told['content'])}"]
        if kind != JSON:
            return []
        try:
            body = answer.json()
        except ValueError as error:
            return [f"{status} with what is no JSON: {error}"]
        found = []
        if isinstance(body, dict) and "code" in body and (body["code"], body["success"]) != (status, status < 400):
            found.append(f"{status} with code {body['code']} and success {body['success']}")
        key = operation.method, operation.path, status
        # Long lists take long to look through, and more of the same tell nothing new.
        if self._judged.setdefault(key, 0) < (3 if status < 400 else 20):
            self._judged[key] += 1
            found += self._faults(told["content"][JSON]["schema"], body)
        return found

    def _faults(self, schema: Mapping[str, Any], body: Any) -> list[str]:
        name = json.dumps(schema)
        if name not in self._validators:
            absolute = json.loads(name.replace('"#/', '"urn:api#/'))
            self._validators[name] = Draft202012Validator(absolute, registry=self._registry)
        errors = self._validators[name].iter_errors(body)
        return [f"{error.json_path}: {error.message[:200]}" for error, _ in zip(errors, range(3), strict=False)]


def _known(known: Mapping[str, Mapping[str, Any]], path: str) -> Mapping[str, Any]:
    """What there is at the longest of the beginnings that a path has."""
    return known[max((beginning for beginning in known if path.startswith(beginning)), key=len)]
