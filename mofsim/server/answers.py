"""Answers in the envelope that every JSON answer has."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from asgi_correlation_id import correlation_id
from pydantic_core import to_json
from starlette.responses import Response

Headers = Mapping[str, str] | None


def answer(data: Any = None, status: int = 200, *, message: str = "", headers: Headers = None) -> Response:
    """A success; `data` is a wire model, a list of them, or what JSON knows."""
    return _enveloped(status, message, headers, success=True, data=data)


def page(items: Iterable[Any], next_cursor: str | None = None, total: int | None = None) -> Response:
    """A success with a list, or one page of it."""
    found = list(items)
    return answer({"items": found, "next_cursor": next_cursor, "total": total})


def whole(items: Iterable[Any]) -> Response:
    """A success with a list that is never paged."""
    found = list(items)
    return page(found, total=len(found))


def refusal(status: int, type: str, detail: str, *, field: str | None = None, headers: Headers = None) -> Response:
    """An error; `detail` says to a person what is wrong and what to do about it."""
    error = {"type": type, "detail": detail, "field": field}
    return _enveloped(status, "", headers, success=False, data=None, error=error)


def _enveloped(status: int, message: str, headers: Headers, *, success: bool, data: Any, **more: Any) -> Response:
    envelope = {
        "success": success,
        "code": status,
        "message": message or HTTPStatus(status).phrase,
        "data": data,
        "timestamp": datetime.now(UTC),
        "request_id": correlation_id.get() or "",
        **more,
    }
    # JSON has no NaN: a number that is not known goes out as null.
    body = to_json(envelope, inf_nan_mode="null")
    return Response(body, status, dict(headers or {}), media_type="application/json")
