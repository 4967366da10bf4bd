"""A note for the commands of the account that runs the server: which data folder, and so which key, is at a port.

It holds no secret. Without it they find the key by their own settings only.
"""

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import structlog

from mofsim.settings import Settings
from mofsim.settings.places import server_note_file

log = structlog.get_logger("mofsim.server")


@contextmanager
def left(settings: Settings) -> Iterator[None]:
    """It lies there while in the block; one that a killed server left is replaced by the next at its port."""
    path = server_note_file(settings.server.port)
    note = {
        "root": str(settings.storage.root),
        "certificate": settings.server.tls_cert or None,
        "pid": os.getpid(),
    }
    text = json.dumps(note)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(text)
        os.replace(partial, path)
    except OSError as error:
        # A service may have no home.
        log.warning("commands find the key by their settings only", path=str(path), reason=str(error))
    try:
        yield
    finally:
        with suppress(OSError):
            if path.read_text() == text:
                path.unlink()
