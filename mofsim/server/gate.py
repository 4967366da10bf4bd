"""The gate: who asks, whether they may, and how often. None of it buffers a stream."""

import asyncio

import sqlalchemy.exc
import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mofsim.core.keys import Holder, WrongKey
from mofsim.server import access
from mofsim.server.answers import refusal
from mofsim.server.auditing import Audited
from mofsim.server.context import Context
from mofsim.server.errors import database_failed
from mofsim.server.keyring import Keyring
from mofsim.server.rates import Rates
from mofsim.server.slowdown import Slowdown
from mofsim.settings import Settings
from mofsim.vocabulary import Scope as KeyScope

log = structlog.get_logger("mofsim.access")

#: How often it is looked whether the key of an open stream is still valid, in seconds.
LOOK_EVERY = 2.0

HOW = "send it as `Authorization: Bearer KEY`; commands take MOFSIM_API_KEY or --key-file FILE"


class Gate:
    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.requires_keys = settings.security.require_keys
        self.rates = Rates(settings)
        self.slowdown = Slowdown()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        context: Context = scope["app"].state.context
        endpoint, address = access.endpoint(scope), address_of(scope)
        needed = access.needed(endpoint) if self.requires_keys else None
        token, holder = _token(scope) if needed else "", None
        if token:
            try:
                holder = await context.keyring.holder(token)
            except WrongKey as wrong:
                return await (await self._wrong(wrong, address))(scope, receive, send)
            except sqlalchemy.exc.SQLAlchemyError as error:
                return await database_failed(scope["path"], error)(scope, receive, send)
            # The log names it.
            scope["holder"] = holder
        if wait := self.rates.wait_seconds(holder, address, makes_work=access.makes_work(endpoint)):
            return await _too_many(wait, holder)(scope, receive, send)
        if needed and holder is None:
            return await _missing()(scope, receive, send)
        if holder:
            context.keyring.used(holder)
            if scope["method"] == "GET":
                receive = _while_valid(receive, context.keyring, token)
        app = self.app if needed is None or (holder and holder.scope.allows(needed)) else _too_small(needed, holder)
        if endpoint and access.changes(endpoint):
            app = Audited(app, context, endpoint, holder, address)
        await _to_its_end(app, scope, receive, send)

    async def _wrong(self, wrong: WrongKey, address: str) -> ASGIApp:
        n = self.slowdown.failed(address)
        log.warning("a wrong key", reason=wrong.reason, key_id=wrong.key_id, address=address, wrong_keys=n)
        wait = self.rates.wait_seconds(None, address, makes_work=False)
        if wait or not await self.slowdown.wait(address, n):
            return _too_many(wait or 1, None)
        why = "was revoked" if wrong.reason == "revoked" else "has expired" if wrong.reason == "expired" else "is wrong"
        detail = f"the key {why}; an admin makes a new one with `mofsim keys create`"
        return _unauthorized("WrongKey", detail, ', error="invalid_token"')


def address_of(scope: Scope) -> str:
    """Of whoever asks: the client of a trusted proxy, else who is connected."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def _token(scope: Scope) -> str:
    scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _missing() -> ASGIApp:
    return _unauthorized("KeyRequired", f"this server wants a key: {HOW}. An admin makes one with `mofsim keys create`")


def _unauthorized(type: str, detail: str, more: str = "") -> ASGIApp:
    headers = {"WWW-Authenticate": f'Bearer realm="mofsim"{more}'}
    return refusal(401, type, detail, field="Authorization", headers=headers)


def _too_small(needed: KeyScope, holder: Holder | None) -> ASGIApp:
    has = f"; the key {holder.name!r} has {holder.scope}" if holder else ""
    detail = f"this wants a key with the scope {needed}{has}"
    challenge = f'Bearer realm="mofsim", error="insufficient_scope", scope="{needed}"'
    return refusal(403, "ScopeTooSmall", detail, field="Authorization", headers={"WWW-Authenticate": challenge})


def _too_many(seconds: int, holder: Holder | None) -> ASGIApp:
    whose = f"with the key {holder.name!r}" if holder else "from your address without a valid key"
    detail = f"too many requests {whose}; try again in {seconds} s (settings, [security])"
    return refusal(429, "TooManyRequests", detail, headers={"Retry-After": str(seconds)})


def _while_valid(receive: Receive, keyring: Keyring, token: str) -> Receive:
    """Tells an answer that still goes on that nobody listens any more, when its key is not valid any more."""

    async def watched() -> Message:
        message = asyncio.ensure_future(receive())
        try:
            while not (await asyncio.wait({message}, timeout=LOOK_EVERY))[0]:
                try:
                    await keyring.holder(token)
                except WrongKey:
                    return {"type": "http.disconnect"}
                except sqlalchemy.exc.SQLAlchemyError:
                    # A database that can not be asked now says nothing of the key.
                    continue
            return message.result()
        finally:
            message.cancel()

    return watched


async def _to_its_end(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """An answer that was told that nobody listens still gets its end, for somebody does."""
    is_open = False

    async def watch(message: Message) -> None:
        nonlocal is_open
        is_open = message["type"] == "http.response.start" or bool(message.get("more_body"))
        await send(message)

    await app(scope, receive, watch)
    if is_open:
        await send({"type": "http.response.body", "body": b"", "more_body": False})
