"""One request to the server: what is sent, how the answer is read, when it may be sent again."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from pydantic import ValidationError

from mofsim.client.errors import ServerUnreachable, class_for
from mofsim.schemas.envelope import ErrorEnvelope

T = TypeVar("T")

API = "/api/v1"

#: How long an answer may take; an upload's takes longest, since the server checks the structure first.
TIMEOUT_SECONDS = 60.0

#: Pauses before a request is sent again, in seconds.
PAUSES = (0.1, 0.4)


@dataclass(frozen=True, slots=True)
class File:
    """A file to upload, with the form fields that go beside it; one that may be large is given by its path."""

    name: str
    content: bytes | Path
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Request(Generic[T]):
    """`parse` makes the result out of the envelope's `data`."""

    method: str
    path: str
    parse: Callable[[Any], T]
    query: Mapping[str, Any] = field(default_factory=dict)
    json: Any = None
    file: File | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    #: How often it is sent at most when the connection breaks; more than once only where that does no harm.
    tries: int = 1

    @contextmanager
    def arguments(self) -> Iterator[dict[str, Any]]:
        """What httpx's `request` is called with; a file that it reads is open as long. Raises OSError."""
        with ExitStack() as files:
            yield self._arguments(files)

    def _arguments(self, files: ExitStack) -> dict[str, Any]:
        arguments: dict[str, Any] = {
            "method": self.method,
            "url": self.path,
            "params": self.query,
            "headers": dict(self.headers),
        }
        if self.json is not None:
            arguments["json"] = self.json
        if self.file is not None:
            given = self.file.content
            content = files.enter_context(given.open("rb")) if isinstance(given, Path) else given
            arguments["files"] = {"file": (self.file.name, content)}
            arguments["data"] = dict(self.file.fields)
        return arguments

    def read(self, server: str, code: int, body: bytes) -> T:
        """The result in an answer; raises ApiError for a refusal, ServerUnreachable when it is not mofsim's."""
        check(server, code, body)
        try:
            return self.parse(json.loads(body)["data"])
        except (ValueError, KeyError, TypeError) as error:
            raise _foreign(server, code) from error


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer that is read while it comes."""

    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def arguments(self) -> dict[str, Any]:
        """What httpx's `stream` is called with."""
        return {"method": "GET", "url": self.path, "params": self.query, "headers": dict(self.headers)}


def get(path: str, parse: Callable[[Any], T], query: Mapping[str, Any] | None = None) -> Request[T]:
    """Reading does no harm, so it is tried again."""
    given = {name: value for name, value in (query or {}).items() if value not in (None, ())}
    return Request("GET", API + path, parse, query=given, tries=len(PAUSES) + 1)


def segment(name: str) -> str:
    """A name as one part of a path."""
    return quote(name, safe="")


def check(server: str, code: int, body: bytes) -> None:
    """Raises what an answer with this status and body means, when it is not a success."""
    if 200 <= code < 300:
        return
    try:
        answer = ErrorEnvelope.model_validate_json(body)
    except ValidationError as error:
        raise _foreign(server, code) from error
    raise class_for(code).from_envelope(code, answer)


def _foreign(server: str, code: int) -> ServerUnreachable:
    return ServerUnreachable(server, f"what answers there (HTTP {code}) does not speak its API")
