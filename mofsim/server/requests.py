"""Reading a request: its body, query and path, each wrong one refused with the field and what would be right."""

from typing import Any, TypeVar, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json
from python_multipart.multipart import parse_options_header
from starlette.requests import Request
from starlette.types import Message

from mofsim.core.errors import NotFound
from mofsim.core.keys import Holder
from mofsim.server.errors import Refused
from mofsim.server.validation import invalid

M = TypeVar("M", bound=BaseModel)

#: A batch of some thousand tasks fits.
MAX_JSON_BYTES = 8_000_000
MB = 1_000_000
#: What the fields and borders of a form may add to its file.
FORM_BYTES = 100_000
#: What fits into 64 bits, whatever the digits.
MAX_DIGITS = 18


def path_id(request: Request, kind: str = "task", name: str = "id") -> int:
    """A whole number in the path; raises NotFound for anything else, as it names nothing."""
    text = request.path_params[name]
    if text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS:
        return int(text)
    raise NotFound(f"there is no {kind} {text[:40]!r}; it is named by its id, a whole number", field=name)


def asker(request: Request) -> str:
    """The name of the key that asks; "" where the server wants no keys."""
    holder: Holder | None = request.scope.get("holder")
    return holder.name if holder else ""


def query(request: Request, model: type[M]) -> M:
    """The query string; a list is given by repeating its name or with commas, an empty value is none."""
    given: dict[str, Any] = {}
    for name in request.query_params:
        values = [value for value in request.query_params.getlist(name) if value]
        if values:
            given[name] = values if _is_list(model, name) else values[-1]
    return validated(model, given)


async def json_body(request: Request, model: type[M]) -> M:
    """A JSON object as `model`; raises Refused for what is no JSON object, Invalid for a wrong field."""
    body = await limited(request, MAX_JSON_BYTES).body()
    if not body:
        raise Refused(400, "MissingBody", "the body is missing; send a JSON object")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        detail = f"send JSON with the header Content-Type: application/json, not {kind[:80] or 'without it'}"
        raise Refused(415, "UnsupportedMediaType", detail, field="Content-Type")
    try:
        content = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise Refused(400, "MalformedJson", f"the body is not valid JSON: {error}") from error
    if not isinstance(content, dict):
        raise Refused(422, "ValidationError", "the body must be a JSON object, like {…}")
    return validated(model, content)


async def optional_json_body(request: Request, model: type[M]) -> M:
    """As `json_body`, of a model whose fields all have defaults: they hold where there is no body."""
    try:
        return await json_body(request, model)
    except Refused as refused:
        if refused.type != "MissingBody":
            raise
        return model()


def limited(request: Request, max_bytes: int, detail: str = "", field: str | None = None) -> Request:
    """The request, whose body raises Refused (413) as soon as it proves longer, announced or not."""
    too_large = Refused(413, "BodyTooLarge", detail or _too_large(max_bytes), field=field)
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:MAX_DIGITS]) > max_bytes:
        raise too_large
    received = 0

    async def receive() -> Message:
        nonlocal received
        message = await request.receive()
        received += len(message.get("body", b""))
        if received > max_bytes:
            raise too_large
        return message

    return Request(request.scope, receive)


def require_multipart(request: Request) -> None:
    """Raises Refused (415) for a body that is no form with files."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        detail = f"send a form (multipart/form-data) with the field file, not {kind[:80] or 'a body without a type'}"
        raise Refused(415, "UnsupportedMediaType", detail, field="Content-Type")
    # Starlette decodes with whatever Python has under that name, also with what raises or makes no text.
    charset = parse_options_header(request.headers["content-type"])[1].get(b"charset", b"utf-8")
    if charset.lower() not in (b"utf-8", b"utf8", b"us-ascii"):
        shown = charset[:40].decode(errors="replace")
        raise Refused(415, "UnsupportedMediaType", f"send the form in UTF-8, not in {shown}", field="Content-Type")


def _too_large(max_bytes: int) -> str:
    return f"the body is larger than the {max_bytes / 1e6:.0f} MB that are taken; split it"


def validated(model: type[M], given: dict[str, Any]) -> M:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise invalid(error, model, given) from error


def _is_list(model: type[BaseModel], name: str) -> bool:
    field = model.model_fields.get(name)
    return field is not None and get_origin(field.annotation) is list
