"""The mofsim under torture: its processes, started again whenever they are gone."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from mofsim.client import Client
from mofsim.client.errors import ClientError
from mofsim.settings import Settings, load_settings

from .servers import Servers

SETTINGS = """
[server]
port = {port}
[storage]
min_free_MB = 8
[worker]
cpu_slots = 2
threads_per_slot = 1
cancel_grace_seconds = 2.0
stop_grace_seconds = 6.0
progress_interval_seconds = 0.1
checkpoint_steps = 5
[scheduler]
lease_seconds = 3.0
heartbeat_seconds = 0.3
rescue_interval_seconds = 0.3
retry_backoff_seconds = 0.2
max_attempts = 20
[webhooks]
allow_private = true
timeout_seconds = 1.0
progress_interval_seconds = 0.3
retry_delays_seconds = {retries}
[models.brief]
framework = "ase"
checkpoint = "calculators:Brief"
options = {{ sigma = 1.0, epsilon = 0.001, rc = 3.0 }}
"""

#: seconds; so many that no fault outlasts them
RETRIES = [0.3] * 300


@dataclass
class Victim:
    """`root` is the data folder; each process of this mofsim has MOFSIM_TORTURE=<folder> in its environment."""

    folder: Path
    root: Path
    port: int
    servers: Servers
    services: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        settings = self.folder / "settings.toml"
        settings.write_text(SETTINGS.format(port=self.port, retries=RETRIES))
        self.environment = os.environ | {
            "MOFSIM_SETTINGS": str(settings),
            "MOFSIM_STORAGE__ROOT": str(self.root),
            "MOFSIM_TORTURE": str(self.folder),
            "PYTHONPATH": str(Path(__file__).parent),
            **self.servers.environment,
        }
        self.settings: Settings = load_settings(env=self.environment, cwd=self.folder)
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = (self.folder / "log.txt").open("ab")

    def keep_running(self) -> None:
        """Start what is not there; the supervisor sees to its own children."""
        self.servers.keep_running()
        for name in ("serve", "worker"):
            process = self.services.get(name)
            if process is None or process.poll() is not None:
                self.services[name] = subprocess.Popen(
                    [sys.executable, "-m", "mofsim", name],
                    env=self.environment,
                    cwd=self.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=self.log,
                    stderr=self.log,
                )

    def wait_until_it_answers(self, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.keep_running()
            try:
                with Client(self.url) as client:
                    client.health()
                return
            except (ClientError, httpx.HTTPError):
                time.sleep(0.1)
        raise AssertionError(f"the server does not come back; see {self.log.name}")

    def processes(self) -> dict[int, str]:
        """Pid → role of every process of this mofsim that lives."""
        mark = f"MOFSIM_TORTURE={self.folder}".encode()
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdecimal() or int(entry.name) == os.getpid():
                continue
            try:
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    found[int(entry.name)] = _role((entry / "cmdline").read_bytes().decode(errors="replace"))
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
        return {pid: role for pid, role in found.items() if role}

    def stop(self) -> None:
        """In good order; what is left then is an orphan."""
        for process in self.services.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.services.values():
            process.wait(30)
        self.log.close()


def _role(command_line: str) -> str:
    words = command_line.split("\0")
    if "mofsim.worker" in words:
        return "chores" if "chores" in words else "device"
    if any(word.endswith("mofsim/simulations") for word in words):
        return "executor"
    return next((name for name in ("serve", "worker") if name in words), "")
