"""Serve over HTTP until a signal comes."""

import errno
import math
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
import uvicorn
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from uvicorn.server import HANDLED_SIGNALS

from mofsim import collector, logs
from mofsim.core.errors import MofsimError
from mofsim.core.storage import Storage
from mofsim.db.migrate import NewerDatabaseError
from mofsim.schemas.base import build_all
from mofsim.server import note, tls
from mofsim.server.app import create_app, prepare
from mofsim.server.tls import BadCertificate
from mofsim.settings import Settings
from mofsim.settings.checks import is_loopback

log = structlog.get_logger("mofsim.server")

#: Connections that may wait to be accepted.
BACKLOG = 512


#: How long a thread that reads for one request keeps waiting the event loop, which serves all (Python's own: 5 ms).
TURN_SECONDS = 0.001


class CanNotServe(Exception):
    """Its text says why, and what to do about it."""


def run(settings: Settings) -> int:
    """Serve in the foreground; the exit status, 0 after a signal and 1 when it can not start."""
    logs.configure(settings, "server")
    try:
        tls_options = tls.options(settings)
        with _listening(settings) as listener:
            _prepared(settings)
            logs.keep(settings, "server", Storage(settings.storage.root).logs)
            _warn(settings)
            with note.left(settings):
                return _serve(settings, listener, tls_options)
    except (CanNotServe, BadCertificate) as error:
        print(f"mofsim: {error}", file=sys.stderr)
        return 1


def _serve(settings: Settings, listener: socket.socket, tls_options: dict[str, Any]) -> int:
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        # From anybody else they would be the word of whoever asks.
        proxy_headers=bool(settings.server.trusted_proxies),
        forwarded_allow_ips=settings.server.trusted_proxies,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=math.ceil(settings.server.shutdown_grace_seconds),
        **tls_options,
    )
    server = _Server(config, app, f"mofsim serves at {settings.server_url}")
    try:
        server.run(sockets=[listener])
    except SystemExit:
        # uvicorn's way of saying that the lifespan failed; the log says why.
        return 1
    return 0


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, app: Starlette, ready: str) -> None:
        super().__init__(config)
        self._app = app
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        build_all()
        collector.settle()
        sys.setswitchinterval(TURN_SECONDS)
        print(self._ready, file=sys.stderr, flush=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # uvicorn waits for open answers before it tells the application: streams would never end.
        self._app.state.context.stream.close()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Uvicorn raises the signal again at its end; but a stop that was asked for is no failure."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in HANDLED_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _prepared(settings: Settings) -> None:
    try:
        prepare(settings)
    except (OSError, SQLAlchemyError, NewerDatabaseError, MofsimError) as error:
        raise CanNotServe(f"the data folder {settings.storage.root} can not be used: {error}") from error


def _warn(settings: Settings) -> None:
    server, security = settings.server, settings.security
    if not is_loopback(server.host) and not server.tls_cert:
        log.warning(
            "keys and results cross the network unencrypted: give server.tls_cert and server.tls_key, or listen on "
            "127.0.0.1 behind a proxy that speaks HTTPS",
            host=server.host,
        )
    if not security.require_keys:
        log.warning("no key is asked for: all accounts of this machine may do all", setting="security.require_keys")


@contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    """The socket, before anything else is done, so that a second server leaves the data folder alone."""
    host, port = settings.server.host, settings.server.port
    if not is_loopback(host) and not (settings.security.allow_remote and settings.security.require_keys):
        raise CanNotServe(
            f"server.host {host} lets other machines in; keep 127.0.0.1 and use ssh -L {port}:127.0.0.1:{port}, or set "
            "security.allow_remote, which takes security.require_keys, if they may come with a key"
        )
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.create_server(address[:2], family=family, backlog=BACKLOG)
        # Connections inherit it. asyncio sets it only on sockets that were made with an explicit protocol; without
        # it each answer waits 40 ms for the acknowledgement of its header.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        raise CanNotServe(_why_not(error, host, port)) from error
    with listener:
        yield listener


def _why_not(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is in use at {host}; is a server running already? Choose another: --port"
    return f"can not listen at {host}, port {port} (server.host, server.port): {error.strerror or error}"
