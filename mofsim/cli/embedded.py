"""A whole mofsim of one's own for the time of a command: `mofsim up` as a child, on a free port."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from mofsim.cli.services import how
from mofsim.settings import Settings
from mofsim.worker import processes

#: What is shown of a log that tells why it did not work, in lines.
_TAIL = 15


class NotUp(Exception):
    """The embedded server and worker are not there; the text has the end of their log."""


class Embedded:
    """`mofsim up` in another process."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, url: str = "") -> None:
        self.process = process
        self.log = log
        self.url = url

    def check(self) -> None:
        """Raises NotUp when it has ended."""
        status = self.process.poll()
        if status is not None:
            raise NotUp(f"mofsim up {how(status)}; the end of its log:\n{self._tail()}")

    def _tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-_TAIL:])


@contextmanager
def running(settings: Settings, folder: Path) -> Iterator[Embedded]:
    """With its data in `folder`; it is stopped at the end, whatever happens. Raises NotUp."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "up.log"
    with log.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "mofsim", "up", "--port", "0", "--json"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=file,
            env=os.environ | _environment(folder),
            start_new_session=True,
            preexec_fn=partial(processes.die_with_parent, os.getpid()),
        )
    embedded = Embedded(process, log)
    try:
        assert process.stdout is not None
        embedded.url = _url(process.stdout.readline())
        if not embedded.url:
            process.wait()
            embedded.check()
        yield embedded
    finally:
        processes.stop([process], settings.worker.stop_grace_seconds + 10)


def _environment(folder: Path) -> dict[str, str]:
    """Its own data and this machine only, whatever the settings say of the mofsim that is used every day."""
    return {
        "MOFSIM_STORAGE__ROOT": str(folder.absolute()),
        "MOFSIM_DATABASE__URL": "",
        "MOFSIM_SERVER__HOST": "127.0.0.1",
    }


def _url(line: bytes) -> str:
    """Empty when it ended before it was ready, or said an error instead."""
    try:
        return str(json.loads(line)["url"])
    except (ValueError, KeyError):
        return ""


def end_on_sigterm() -> None:
    """SIGTERM ends this process like an exception does, so that what it has started is stopped first."""

    def leave(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, leave)
