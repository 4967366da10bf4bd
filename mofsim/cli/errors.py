"""Errors of the server in the words of the command line."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mofsim.client import ApiError


def describe(error: "ApiError") -> str:
    """In a line, for people."""
    said = error.field in (None, "", "id", "name", "Authorization") or error.detail.startswith(error.field or "")
    where = "" if said else f"{error.field}: "
    more = f" (request {error.request_id}; see the server's log)" if error.code >= 500 else ""
    return f"{where}{error.detail}{more}"


def error_document(error: "ApiError") -> dict[str, Any]:
    """As JSON output has it."""
    return {"type": error.type, "detail": error.detail, "field": error.field}
