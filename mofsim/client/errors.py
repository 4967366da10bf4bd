"""What can go wrong between a client and a server.

ClientError
 ├─ ServerUnreachable
 └─ ApiError
     ├─ KeyRefused
     ├─ Forbidden
     ├─ NotFound
     ├─ Invalid
     ├─ Conflict
     ├─ Unavailable
     └─ ServerError
"""

from typing import Self

from mofsim.schemas.envelope import ErrorEnvelope


class ClientError(Exception):
    """All that can go wrong between client and server. Its text is for a person."""


class ServerUnreachable(ClientError):
    """No server at this address: start one with `mofsim up`, or name another with --server URL."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"no mofsim server answers at {url}: {reason}")
        self.url = url
        self.reason = reason


class ApiError(ClientError):
    """The server answered that it can not do it.

    `code` is the HTTP status, `type` a stable word for programs, `detail` what is wrong and what to do about it.
    """

    def __init__(
        self, detail: str, *, code: int, type: str, field: str | None = None, request_id: str | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code
        self.type = type
        self.field = field
        self.request_id = request_id

    @classmethod
    def from_envelope(cls, code: int, answer: ErrorEnvelope) -> Self:
        error = answer.error
        return cls(error.detail, code=code, type=error.type, field=error.field, request_id=answer.request_id)


class KeyRefused(ApiError):
    """The server wants a key, or another one."""


class Forbidden(ApiError):
    """The key does not allow it."""


class NotFound(ApiError):
    """There is no such thing."""


class Invalid(ApiError):
    """The request is wrong; `field` says where."""


class Conflict(ApiError):
    """The thing is in a state that does not allow it."""


class Unavailable(ApiError):
    """Not now: try again later."""


class ServerError(ApiError):
    """The server failed; its log has more under `request_id`."""


_BY_CODE: dict[int, type[ApiError]] = {
    400: Invalid,
    401: KeyRefused,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: Invalid,
    415: Invalid,
    422: Invalid,
    429: Unavailable,
    500: ServerError,
    503: Unavailable,
}


def class_for(code: int) -> type[ApiError]:
    return _BY_CODE.get(code, ServerError if code >= 500 else ApiError)
