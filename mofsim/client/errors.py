"""What can go wrong between a client and a server.

ClientError
 ├─ ServerUnreachable   no mofsim server answers, or the line broke
 └─ ApiError            the server answered that it can not do it
     ├─ KeyRefused      the server wants a key, or another one
     ├─ Forbidden       the key does not allow it
     ├─ NotFound        there is no such thing
     ├─ Invalid         the request is wrong; `field` says where
     ├─ Conflict        the thing is in a state that does not allow it
     ├─ Unavailable     not now: try again later
     └─ ServerError     the server failed; its log has more under `request_id`
"""

from typing import Self

from mofsim.schemas.envelope import ErrorEnvelope


class ClientError(Exception):
    """Its text is for a person."""


class ServerUnreachable(ClientError):
    """No server at this address: start one with `mofsim up`, or name another with --server URL."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"no mofsim server answers at {url}: {reason}")
        self.url = url
        self.reason = reason


class ApiError(ClientError):
    """`code` is the HTTP status, `type` a stable word for programs, `detail` what to do about it."""

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
    pass


class Forbidden(ApiError):
    pass


class NotFound(ApiError):
    pass


class Invalid(ApiError):
    pass


class Conflict(ApiError):
    pass


class Unavailable(ApiError):
    pass


class ServerError(ApiError):
    pass


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
