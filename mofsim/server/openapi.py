"""The description of the API: spectree writes it, and brings the pages that show it, which need no network.

Spectree is used for documents only. Its validation would skip a body with an unusual content type and answer without
our envelope, so requests are read by `mofsim.server.requests`.
"""

import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any, cast

from pydantic import BaseModel
from spectree import Response as Answers
from spectree import SecurityScheme, SecuritySchemeData, SpecTree
from spectree.models import SecureType
from spectree.page import PAGE_TEMPLATES
from spectree.plugins.starlette_plugin import StarlettePlugin
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from mofsim import __version__
from mofsim.schemas.envelope import Envelope, ErrorEnvelope
from mofsim.server import access

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

#: The pages bring all they show; this makes sure that a browser fetches nothing from elsewhere.
OFFLINE = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; worker-src blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:"
)


class _Plugin(StarlettePlugin):
    def parse_path(self, route: Any, path_parameter_descriptions: Any) -> tuple[str, list[dict[str, Any]]]:
        """Ids are strings for the router, so that any text in their place is answered with our own 404."""
        path, parameters = super().parse_path(route, path_parameter_descriptions)  # type: ignore[no-untyped-call]
        for parameter in parameters:
            if parameter["name"] in ("id", "task", "attempt"):
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
        content = responses["200"].get("content") or {}
        responses["200"]["content"] = content | {self.media_type: {"schema": {"type": "string"}}}
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


def document(
    tag: str,
    *,
    answer: Any = None,
    status: int = 200,
    also: Sequence[int] = (),
    errors: Sequence[int] = (),
    media_type: str = "",
    json: type[BaseModel] | None = None,
    form: type[BaseModel] | None = None,
    query: type[BaseModel] | None = None,
    headers: type[BaseModel] | None = None,
) -> Callable[[Handler], Handler]:
    """Describe a handler: what its answer's `data` is, its errors, and what it takes.

    `also` are further statuses of the same answer; `media_type` is what it sends instead of JSON, or beside an answer.
    """
    # What any body can be: no JSON, too large, or of another type.
    of_body = (400, 413, 415) if json or form else ()
    models: dict[str, Any] = {f"HTTP_{code}": ErrorEnvelope for code in {*errors, *of_body}}
    is_json = answer is not None or not media_type
    good = {f"HTTP_{code}": Envelope[answer] if is_json else None for code in (status, *also)}
    answers = _Other(media_type, **good, **models) if media_type else Answers(**good, **models)
    describe = spec.validate(query, json, form, headers, resp=answers, tags=[tag], skip_validation=True)
    return cast(Callable[[Handler], Handler], describe)


def _built(app: Any) -> Mapping[str, Any]:
    if not hasattr(spec, "_spec"):
        spec.app = app
        _say_what_keys(spec.spec)
    return cast(Mapping[str, Any], spec.spec)


def _say_what_keys(description: Mapping[str, Any]) -> None:
    """Each operation with the scope that it wants, and the answers that the gate may give instead of it."""
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            needed = access.needed((method.upper(), path))
            operation["security"] = [{_KEY: [needed]}] if needed else []
            operation["responses"] |= {str(code): _refused(code) for code in ((401, 403, 429) if needed else (429,))}


def _refused(code: int) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{ErrorEnvelope.__name__}"}
    return {"description": HTTPStatus(code).phrase, "content": {"application/json": {"schema": schema}}}


async def _openapi(request: Request) -> Response:
    return JSONResponse(await run_in_threadpool(_built, request.app))


@cache
def _page(name: str) -> str:
    return str(PAGE_TEMPLATES[name].format(spec_url="/openapi.json", spec_path=""))


async def _docs(request: Request) -> Response:
    return await _shown("swagger")


async def _redoc(request: Request) -> Response:
    return await _shown("redoc")


async def _shown(page: str) -> Response:
    html = await run_in_threadpool(_page, page)
    return HTMLResponse(html, headers={"Content-Security-Policy": OFFLINE})


routes = [Route("/openapi.json", _openapi), Route("/docs", _docs), Route("/redoc", _redoc)]
