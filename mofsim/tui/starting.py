"""A server that the console starts on its machine: it goes on when the console is left."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from platformdirs import user_log_path

#: The program, as the console itself was called; options for all commands come behind it.
PROGRAM: Final = (sys.executable, "-m", "mofsim")
#: What it logs is shown on a screen; who set these has the last word.
FOR_PEOPLE: Final = {"PYTHONUNBUFFERED": "1", "MOFSIM_LOGGING__FORMAT": "text"}
#: Of the log so much is read to show its end, in bytes.
TAIL = 8192


def log_file() -> Path:
    return user_log_path("mofsim") / "up.log"


def command(program: Sequence[str], url: str) -> list[str]:
    """`mofsim up` for an address of this machine."""
    port = urlsplit(url).port
    return [*program, "up", *(["--port", str(port)] if port else [])]


class Starting:
    """`mofsim up` in a session of its own, so that neither ctrl+c nor the end of the console ends it.

    Raises OSError when it can not be started.
    """

    def __init__(self, command: Sequence[str], log: Path | None = None) -> None:
        self.log = log or log_file()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as file:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True,
                env={**FOR_PEOPLE, **os.environ},
            )  # fmt: skip

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def status(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def end(self, lines: int) -> list[str]:
        """The newest lines that it wrote."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
                text = file.read().decode(errors="replace")
        except OSError:
            return []
        return text.splitlines()[-lines:]

    def stop(self) -> None:
        """As ctrl+c would, for who changes their mind."""
        self._process.terminate()
