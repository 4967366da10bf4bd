"""The line to the server: httpx, blocking and async, with its errors in our words."""

import asyncio
import time
from collections.abc import AsyncGenerator, Generator, Mapping
from typing import Any, TypeVar

import httpx

from mofsim.client.address import is_local
from mofsim.client.errors import ServerUnreachable
from mofsim.client.request import PAUSES, Request, Stream, check

T = TypeVar("T")

#: How long to wait for a connection, in seconds.
CONNECT = 5.0

#: After so many seconds without a byte a stream is dead; the server sends a ping every 15.
STREAM_TIMEOUT = httpx.Timeout(45, connect=CONNECT)

#: A connection that broke; the same request may get through on a new one. A timeout would only be waited for again.
_BROKEN = (httpx.NetworkError, httpx.RemoteProtocolError)


class Line:
    def __init__(self, url: str, headers: Mapping[str, str], timeout_seconds: float) -> None:
        self.url = url
        self._http = httpx.Client(**_options(url, headers, timeout_seconds))

    def send(self, request: Request[T]) -> T:
        for sent in range(1, request.tries + 1):
            try:
                with request.arguments() as arguments:
                    answer = self._http.request(**arguments)
                return request.read(self.url, answer.status_code, answer.content)
            except httpx.TransportError as error:
                if sent == request.tries or not isinstance(error, _BROKEN):
                    raise _unreachable(self.url, error) from error
            time.sleep(PAUSES[sent - 1])
        raise AssertionError("a request has at least one try")

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
    def __init__(self, url: str, headers: Mapping[str, str], timeout_seconds: float) -> None:
        self.url = url
        self._http = httpx.AsyncClient(**_options(url, headers, timeout_seconds))

    async def send(self, request: Request[T]) -> T:
        for sent in range(1, request.tries + 1):
            try:
                with request.arguments() as arguments:
                    answer = await self._http.request(**arguments)
                return request.read(self.url, answer.status_code, answer.content)
            except httpx.TransportError as error:
                if sent == request.tries or not isinstance(error, _BROKEN):
                    raise _unreachable(self.url, error) from error
            await asyncio.sleep(PAUSES[sent - 1])
        raise AssertionError("a request has at least one try")

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


def _options(url: str, headers: Mapping[str, str], timeout_seconds: float) -> dict[str, Any]:
    return {
        "base_url": url,
        "headers": dict(headers),
        "timeout": httpx.Timeout(timeout_seconds, connect=min(timeout_seconds, CONNECT)),
        "trust_env": not is_local(url),
        # Certificates take 30 ms to load, which plain HTTP need not pay.
        "verify": url.startswith("https:"),
    }


def _unreachable(url: str, error: httpx.TransportError) -> ServerUnreachable:
    if isinstance(error, httpx.ConnectError):
        return ServerUnreachable(url, "nothing listens there; start one with `mofsim up`, or give its URL")
    if isinstance(error, httpx.TimeoutException):
        return ServerUnreachable(url, "it does not answer in time")
    return ServerUnreachable(url, f"the connection broke ({error or type(error).__name__})")
