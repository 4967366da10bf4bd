"""The line to the server: httpx, blocking and async, with its errors in our words."""

import asyncio
import time
from collections.abc import AsyncGenerator, Generator
from typing import Any, TypeVar

import httpx

from mofsim.client.access import Access
from mofsim.client.address import is_local
from mofsim.client.errors import ServerUnreachable
from mofsim.client.request import PAUSES, Request, Stream, check

T = TypeVar("T")

#: How long to wait for a connection, in seconds.
CONNECT = 5.0

#: After so many seconds without a byte a stream is dead; the server sends a ping every 15.
STREAM_TIMEOUT = httpx.Timeout(45, connect=CONNECT)

#: How long a request waits in all for a server that is asked too often, in seconds.
PATIENCE = 120.0

#: A connection that broke; the same request may get through on a new one. A timeout would only be waited for again.
_BROKEN = (httpx.NetworkError, httpx.RemoteProtocolError)


class Line:
    def __init__(self, access: Access, timeout_seconds: float) -> None:
        self.url = access.url
        self._http = httpx.Client(**_options(access, timeout_seconds))

    def send(self, request: Request[T]) -> T:
        broke, waited = 0, 0.0
        while True:
            try:
                with request.arguments() as arguments:
                    answer = self._http.request(**arguments)
                pause = _pause(answer, waited)
                if not pause:
                    return request.read(self.url, answer.status_code, answer.content)
                waited += pause
            except httpx.TransportError as error:
                broke += 1
                if broke == request.tries or not isinstance(error, _BROKEN):
                    raise _unreachable(self.url, error) from error
                pause = PAUSES[broke - 1]
            time.sleep(pause)

    def stream(self, stream: Stream) -> Generator[bytes]:
        """The pieces of the answer; the first is empty and tells that the answer has begun."""
        try:
            with self._http.stream(**stream.arguments(), timeout=STREAM_TIMEOUT) as answer:
                if not answer.is_success:
                    check(self.url, answer.status_code, answer.read())
                yield b""
                yield from answer.iter_bytes()
        except httpx.TransportError as error:
            raise _unreachable(self.url, error) from error

    def close(self) -> None:
        self._http.close()


class AsyncLine:
    def __init__(self, access: Access, timeout_seconds: float) -> None:
        self.url = access.url
        self._http = httpx.AsyncClient(**_options(access, timeout_seconds))

    async def send(self, request: Request[T]) -> T:
        broke, waited = 0, 0.0
        while True:
            try:
                with request.arguments() as arguments:
                    answer = await self._http.request(**arguments)
                pause = _pause(answer, waited)
                if not pause:
                    return request.read(self.url, answer.status_code, answer.content)
                waited += pause
            except httpx.TransportError as error:
                broke += 1
                if broke == request.tries or not isinstance(error, _BROKEN):
                    raise _unreachable(self.url, error) from error
                pause = PAUSES[broke - 1]
            await asyncio.sleep(pause)

    async def stream(self, stream: Stream) -> AsyncGenerator[bytes]:
        """The pieces of the answer; the first is empty and tells that the answer has begun."""
        try:
            async with self._http.stream(**stream.arguments(), timeout=STREAM_TIMEOUT) as answer:
                if not answer.is_success:
                    check(self.url, answer.status_code, await answer.aread())
                yield b""
                async for piece in answer.aiter_bytes():
                    yield piece
        except httpx.TransportError as error:
            raise _unreachable(self.url, error) from error

    async def close(self) -> None:
        await self._http.aclose()


class _Bearer(httpx.Auth):
    """The key, in each request."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        key = self._access.key()
        if key:
            request.headers["Authorization"] = f"Bearer {key}"
        answer = yield request
        if answer.status_code == 401:
            self._access.refused()


def _options(access: Access, timeout_seconds: float) -> dict[str, Any]:
    return {
        "base_url": access.url,
        "auth": _Bearer(access),
        "timeout": httpx.Timeout(timeout_seconds, connect=min(timeout_seconds, CONNECT)),
        "trust_env": not is_local(access.url),
        "verify": access.verification(),
    }


def _pause(answer: httpx.Response, waited: float) -> float:
    """How long a server that is asked too often wants to be left alone, in seconds; 0: that is its last word."""
    wanted = answer.headers.get("retry-after", "")
    seconds = float(wanted) if answer.status_code == 429 and wanted.isdecimal() and len(wanted) < 4 else 0.0
    return seconds if waited + seconds <= PATIENCE else 0.0


def _unreachable(url: str, error: httpx.TransportError) -> ServerUnreachable:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return ServerUnreachable(url, f"it can not be trusted ({error}); --ca-file (MOFSIM_CA_FILE) says whom to trust")
    if isinstance(error, httpx.ConnectError):
        return ServerUnreachable(url, "nothing listens there; start one with `mofsim up`, or give its URL")
    if isinstance(error, httpx.TimeoutException):
        return ServerUnreachable(url, "it does not answer in time")
    return ServerUnreachable(url, f"the connection broke ({error or type(error).__name__})")
