"""One webhook, signed and sent to an address that was looked at before it is connected to."""

import asyncio
import hashlib
import hmac
import json
import time
from http import HTTPStatus
from typing import Any

import httpx

from mofsim import __version__
from mofsim.core import targets
from mofsim.core.errors import Invalid
from mofsim.core.outbox import Answer, Parcel
from mofsim.core.targets import Unresolvable

#: What is kept of an answer that is no success, in characters.
EXCERPT = 200


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 over timestamp, a dot, and the body as it is sent; docs/webhooks.md shows how to verify it."""
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"sha256={digest.hexdigest()}"


async def post(client: httpx.AsyncClient, parcel: Parcel, *, timeout_seconds: float, allow_private: bool) -> Answer:
    """Send it once. Whatever the receiver does, it is over within the time and told in the answer."""
    try:
        async with asyncio.timeout(timeout_seconds):
            return await _post(client, parcel, allow_private)
    except TimeoutError:
        return Answer(None, f"no answer within {timeout_seconds:g} s")
    except Invalid as error:
        return Answer(None, f"the URL {error.detail}")
    except Unresolvable as error:
        return Answer(None, str(error))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Answer(None, f"{type(error).__name__}: {error}"[:EXCERPT])


async def _post(client: httpx.AsyncClient, parcel: Parcel, allow_private: bool) -> Answer:
    url = targets.parse(parcel.url)
    addresses = await asyncio.to_thread(targets.resolve, url, allow_private)
    for address in addresses[:-1]:
        try:
            return await _send(client, _request(parcel, url, address))
        except httpx.ConnectError:
            continue
    return await _send(client, _request(parcel, url, addresses[-1]))


def _request(parcel: Parcel, url: httpx.URL, address: str) -> httpx.Request:
    """A request to the very address that was checked: a second look at the DNS could give another one.

    Host and TLS (its server name and the certificate's) stay those of the URL.
    """
    body = json.dumps(parcel.payload, ensure_ascii=False, separators=(",", ":")).encode()
    timestamp = str(int(time.time()))
    headers = {
        "Host": httpx.Request("POST", url).headers["Host"],
        "Content-Type": "application/json",
        "User-Agent": f"mofsim/{__version__}",
        "Accept-Encoding": "identity",
        "X-MOFSim-Event": parcel.event,
        "X-MOFSim-Delivery": str(parcel.delivery_id),
        "X-MOFSim-Timestamp": timestamp,
    }
    if parcel.secret:
        headers["X-MOFSim-Signature"] = sign(parcel.secret, timestamp, body)
    extensions: dict[str, Any] = {"sni_hostname": url.raw_host.decode()} if url.scheme == "https" else {}
    return httpx.Request("POST", url.copy_with(host=address), headers=headers, content=body, extensions=extensions)


async def _send(client: httpx.AsyncClient, request: httpx.Request) -> Answer:
    response = await client.send(request, stream=True, follow_redirects=False)
    try:
        if response.is_success:
            return Answer(response.status_code, None)
        return Answer(response.status_code, f"{_named(response.status_code)}{await _why(response)}")
    finally:
        await response.aclose()


def _named(status: int) -> str:
    try:
        return f"HTTP {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"HTTP {status}"


async def _why(response: httpx.Response) -> str:
    if response.status_code // 100 == 3:
        where = response.headers.get("Location", "nowhere")[:EXCERPT]
        return f": redirects are not followed, and this one points to {where}"
    start = b""
    async for chunk in response.aiter_raw():
        start += chunk
        if len(start) >= 4 * EXCERPT:
            break
    text = " ".join(start.decode(errors="replace").split())[:EXCERPT]
    return f": {text}" if text else ""
