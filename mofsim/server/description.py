"""The description of the API: spectree writes it, and brings the pages that show it, which need no network.

Spectree is used for documents only. Its validation would skip a body with an unusual content type and answer without
our envelope, so requests are read by `mofsim.server.requests`.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any, cast

from spectree import Response as Answers
from spectree import SecurityScheme, SpecTree
from spectree.models import SecureType, SecuritySchemeData
from spectree.page import PAGE_TEMPLATES
from spectree.plugins.starlette_plugin import StarlettePlugin

from mofsim import __version__
from mofsim.schemas.envelope import Envelope, ErrorEnvelope
from mofsim.server import access
from mofsim.server.openapi import Document, Handler, documents


class _Plugin(StarlettePlugin):
    def parse_func(self, route: Any) -> Iterator[tuple[str, Any]]:
        for method, handler in super().parse_func(route):  # type: ignore[no-untyped-call]
            yield method, _described(handler)

    def parse_path(self, route: Any, path_parameter_descriptions: Any) -> tuple[str, list[dict[str, Any]]]:
        """Ids are strings for the router, so that any text in their place is answered with our own 404."""
        path, parameters = super().parse_path(route, path_parameter_descriptions)  # type: ignore[no-untyped-call]
        for parameter in parameters:
            if parameter["name"] in ("id", "task", "attempt", "earlier", "structure"):
                parameter["schema"] = {"type": "integer", "format": "int64", "minimum": 0}
        return path, parameters

    def get_func_operation_id(self, func: Any, path: str, method: str) -> str:
        return _word(f"{method.lower()}{path}")


class _Other(Answers):
    """Answers of which the good one is no JSON, or can be had as something else too."""

    def __init__(self, media_type: str, **code_models: Any) -> None:
        super().__init__(**code_models)
        self.media_type = media_type

    def generate_spec(self, naming_strategy: Any = None) -> dict[str, Any]:
        responses = super().generate_spec(naming_strategy)
        for code in (code for code in responses if code < "300"):
            content = responses[code].get("content") or {}
            others = {media_type: {"schema": {"type": "string"}} for media_type in self.media_type.split()}
            responses[code]["content"] = content | others
        return responses


def _word(text: str) -> str:
    """Names of components may not have brackets: Envelope[Task] becomes Envelope_Task."""
    return re.sub(r"\W+", "_", text).strip("_")


#: what the description calls a key
_KEY = "key"

spec = SpecTree(
    backend=_Plugin,
    mode="strict",
    annotations=False,
    title="mofsim",
    description="Simulations of metal-organic frameworks with machine-learned potentials",
    version=__version__,
    validation_error_model=ErrorEnvelope,
    naming_strategy=lambda model: _word(model.__name__),
    nested_naming_strategy=lambda _parent, child: _word(child),
    security_schemes=[SecurityScheme(name=_KEY, data=SecuritySchemeData(type=SecureType.HTTP, scheme="bearer"))],
)


@cache
def _described(handler: Handler) -> Handler:
    """The handler as spectree knows it; one that says nothing of itself is left as it is, and out."""
    told = documents.get(handler)
    if told is None:
        return handler
    # What any body can be: no JSON, too large, or of another type.
    of_body = (400, 413, 415) if told.json or told.form or told.takes_bytes else ()
    models: dict[str, Any] = {f"HTTP_{code}": ErrorEnvelope for code in {*told.errors, *of_body}}
    describe = spec.validate(
        told.query,
        told.json,
        told.form,
        told.headers,
        resp=_answers(told, models),
        tags=[told.tag],
        skip_validation=True,
    )
    return cast(Handler, describe(handler))


def _answers(told: Document, errors: dict[str, Any]) -> Answers:
    answer: Any = told.answer
    is_json = answer is not None or not told.media_type
    good = {f"HTTP_{code}": Envelope[answer] if is_json else None for code in (told.status, *told.also)}
    return _Other(told.media_type, **good, **errors) if told.media_type else Answers(**good, **errors)


def of(app: Any) -> Mapping[str, Any]:
    """The OpenAPI document of the application; made once."""
    if not hasattr(spec, "_spec"):
        spec.app = app
        _say_what_keys(spec.spec)
        _say_who_takes_bytes(spec.spec, app)
    return cast(Mapping[str, Any], spec.spec)


@cache
def page(name: str) -> str:
    """HTML that shows it: "swagger" or "redoc"."""
    return str(PAGE_TEMPLATES[name].format(spec_url="/openapi.json", spec_path=""))


def _say_what_keys(description: Mapping[str, Any]) -> None:
    """Each operation with the scope that it wants, and the answers that the gate may give instead of it."""
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            needed = access.needed((method.upper(), path))
            operation["security"] = [{_KEY: [needed]}] if needed else []
            operation["responses"] |= {str(code): _refused(code) for code in ((401, 403, 429) if needed else (429,))}


def _say_who_takes_bytes(description: Mapping[str, Any], app: Any) -> None:
    """Spectree knows bodies of JSON and forms only."""
    content = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    for route in app.routes:
        told = documents.get(route.endpoint)
        if told and told.takes_bytes:
            for method in route.methods:
                operation = description["paths"][route.path][method.lower()]
                operation["requestBody"] = {"required": True, "content": content}


def _refused(code: int) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{ErrorEnvelope.__name__}"}
    return {"description": HTTPStatus(code).phrase, "content": {"application/json": {"schema": schema}}}
