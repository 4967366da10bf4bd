"""Ports of this machine: one that is free, and whether a certain one is."""

import errno
import socket


def free(host: str) -> int:
    """A port that nobody listens on at this moment."""
    with _bound(host, 0) as listener:
        return int(listener.getsockname()[1])


def problem(host: str, port: int) -> str | None:
    """Why a server could not listen there; None when it could."""
    try:
        _bound(host, port).close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return f"port {port} is in use by another program; stop it, or take another with --port (0: a free one)"
        return f"can not listen on {host} port {port}: {error.strerror}"
    return None


def _bound(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        # As the server does: a port whose last connections are still fading is free.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener
