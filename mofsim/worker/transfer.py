"""The line to the server of a box that does not share its data folder: files there and back, in pieces, with resume.

What is here blocks, and is called in threads of its own. A server that does not answer is asked again until `stop`.
"""

import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
import structlog

from mofsim import __version__
from mofsim.core.hashing import sha256
from mofsim.settings import Settings
from mofsim.settings.checks import is_loopback

log = structlog.get_logger("mofsim.worker")

T = TypeVar("T")

PIECE_BYTES = 4 << 20
TIMEOUT = httpx.Timeout(20, connect=5)
#: pauses between tries, in seconds
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
#: times that a whole file is sent anew because the server has another one
TIMES = 3

_API = "/api/v1/transfer"


class TransferFailed(Exception):
    """Trying again would not help; its text is for a person."""


class Gone(TransferFailed):
    """The server says that this attempt does not hold its task, or that a thing is not there."""


class ServerFull(TransferFailed):
    """The disk of the server is full."""


class TooLarge(TransferFailed):
    """The server takes no file of that size."""


class GivenUp(Exception):
    """`stop` was set before it was done."""


class _NotNow(Exception):
    """The server can not be reached, or is too busy, or a piece was damaged on its way."""


class Transfer:
    """`trouble` is why nothing gets through at the moment, "" when all is well."""

    def __init__(self, settings: Settings) -> None:
        self.url = settings.worker.server
        self.trouble = ""
        loopback = is_loopback(urlsplit(self.url).hostname or "")
        self._key_file = settings.worker.server_key_file
        self._http = httpx.Client(
            base_url=self.url,
            timeout=TIMEOUT,
            verify=_trusted(settings.worker.server_ca_file) if self.url.startswith("https:") else False,
            # No proxy stands between processes of one machine.
            trust_env=not loopback,
            headers={"User-Agent": f"mofsim-worker/{__version__}"},
        )

    def close(self) -> None:
        self._http.close()

    def why_not(self, timeout_seconds: float) -> tuple[str, bool]:
        """Why files would not be taken now, "" when they would; and whether it is because the disk there is full."""
        try:
            room = self._ask("GET", _API, timeout=timeout_seconds).json()["data"]
        except (_NotNow, TransferFailed) as error:
            return str(error), False
        return ("", False) if room["has_room"] else (f"the disk of the server {self.url} is full", True)

    def earlier(self, task_id: int, attempt: int, stop: threading.Event) -> list[dict[str, Any]]:
        """Attempt, name and size_bytes of what the attempt can go on from."""
        path = f"{_API}/tasks/{task_id}/{attempt}/earlier"
        items: list[dict[str, Any]] = self._patiently(stop, lambda: self._ask("GET", path).json()["data"]["items"])
        return items

    def fetch(self, what: str, target: Path, stop: threading.Event, *, checksum: str | None = None) -> None:
        """Have a file here, as a whole or not at all; what came before a break is not fetched again."""
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            self._patiently(stop, lambda: self._fetch(f"{_API}/{what}", partial, stop))
            if checksum and sha256(partial) != checksum:
                raise TransferFailed(f"{what} is not the file that the database names; is {self.url} its server?")
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)

    def send(self, task_id: int, attempt: int, path: Path, stop: threading.Event, *, upto: int | None = None) -> int:
        """Send all of a file and have it published, or only its first bytes up to `upto`; how many bytes it has."""
        where = f"{_API}/tasks/{task_id}/{attempt}/files/{path.name}"
        # Open before all else: a checkpoint may be removed here by the next one.
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size if upto is None else upto
            for _ in range(TIMES):
                self._patiently(stop, lambda: self._append(where, file, size, stop))
                if upto is not None or self._patiently(stop, lambda: self._publish(where, file, size)):
                    return size
        raise TransferFailed(f"{path.name} was sent {TIMES} times, and the server has another one each time")

    def forget_checkpoints(self, task_id: int, attempt: int, stop: threading.Event) -> None:
        self._patiently(stop, lambda: self._ask("DELETE", f"{_API}/tasks/{task_id}/{attempt}/checkpoints"))

    def _append(self, where: str, file: Any, size: int, stop: threading.Event) -> None:
        offset = int(self._ask("HEAD", where).headers["Upload-Offset"])
        while offset < size:
            if stop.is_set():
                raise GivenUp
            piece = os.pread(file.fileno(), min(PIECE_BYTES, size - offset), offset)
            headers = {
                "Content-Type": "application/octet-stream",
                "Upload-Offset": str(offset),
                "Upload-Checksum": f"sha256 {hashlib.sha256(piece).hexdigest()}",
            }
            answer = self._ask("PATCH", where, content=piece, headers=headers)
            offset = answer.json()["data"]["offset"]
            self.trouble = ""

    def _publish(self, where: str, file: Any, size: int) -> bool:
        """False when the server has something else, which it has forgotten now."""
        file.seek(0)
        body = {"size": size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}
        answer = self._ask("PUT", where, json=body, allow={409: "WrongChecksum"}, timeout=300)
        return answer.status_code == 200

    def _fetch(self, path: str, partial: Path, stop: threading.Event) -> None:
        there = partial.stat().st_size if partial.exists() else 0
        headers = {"Range": f"bytes={there}-"} if there else {}
        try:
            with self._http.stream("GET", path, headers=self._key() | headers) as answer:
                if answer.status_code == 416:
                    # All of it, or more than there is now.
                    partial.unlink()
                    raise _NotNow("the file at the server became shorter")
                if not answer.is_success:
                    answer.read()
                    self._check(answer, {})
                with partial.open("ab" if answer.status_code == 206 else "wb") as file:
                    for piece in answer.iter_bytes():
                        file.write(piece)
                        if stop.is_set():
                            raise GivenUp
        except httpx.TransportError as error:
            raise _NotNow(self._does_not_answer(error)) from error

    def _ask(self, method: str, path: str, *, allow: dict[int, str] | None = None, **more: Any) -> httpx.Response:
        headers = self._key() | more.pop("headers", {})
        try:
            answer = self._http.request(method, path, headers=headers, **more)
        except httpx.TransportError as error:
            raise _NotNow(self._does_not_answer(error)) from error
        self._check(answer, allow or {})
        return answer

    def _check(self, answer: httpx.Response, allow: dict[int, str]) -> None:
        status = answer.status_code
        if answer.is_success:
            return
        try:
            error = answer.json()["error"]
            kind, detail = error["type"], error["detail"]
        except (ValueError, KeyError, TypeError):
            kind, detail = "", f"HTTP {status}"
        if allow.get(status) == kind:
            return
        said = f"the server {self.url} says: {detail}"
        if status == 507:
            raise ServerFull(said)
        if status == 413:
            raise TooLarge(said)
        if status >= 500 or status in (401, 403, 429) or kind in ("WrongOffset", "WrongChecksum"):
            # A key may be given the right scope, or be put in place, while we wait.
            raise _NotNow(said)
        # HEAD has no body to say why.
        raise Gone(said) if status in (404, 409) else TransferFailed(said)

    def _patiently(self, stop: threading.Event, work: Callable[[], T]) -> T:
        pause = FIRST_PAUSE
        while True:
            try:
                done = work()
            except _NotNow as error:
                if self.trouble != str(error):
                    log.warning("files do not get through", reason=str(error))
                self.trouble = str(error)
            else:
                self.trouble = ""
                return done
            if stop.wait(pause):
                raise GivenUp(self.trouble)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _key(self) -> dict[str, str]:
        """Read each time: it may be changed while the worker runs."""
        key = os.environ.get("MOFSIM_API_KEY", "")
        if self._key_file:
            try:
                key = Path(self._key_file).read_text(encoding="ascii").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise _NotNow(f"worker.server_key_file can not be read: {error}") from error
        return {"Authorization": f"Bearer {key}"} if key else {}

    def _does_not_answer(self, error: Exception) -> str:
        return f"the server {self.url} does not answer ({type(error).__name__}: {error})"


def _trusted(ca_file: str) -> Any:
    import ssl

    return ssl.create_default_context(cafile=ca_file) if ca_file else True
