"""`mofsim up`: server and worker together, in the foreground."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import IO

import click

from mofsim.cli import ports, services
from mofsim.cli.app import FAILED, OK, App, command
from mofsim.cli.commands.serve import cpu_slots, gpus
from mofsim.cli.services import GivenUp, Service, StopSignals
from mofsim.client import Client, ClientError
from mofsim.settings import Settings

#: Longer than a server takes to make its database on a slow disk, in seconds.
_READY_WITHIN = 120.0
_INTERVAL = 0.1
#: What holds our port and takes longer to answer is no mofsim, in seconds.
_ANSWERS_WITHIN = 3.0


@command()
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 0: a free one.")
@gpus
@cpu_slots
@click.option("--tui", is_flag=True, help="Open the console; leaving it stops everything.")
@click.pass_obj
def up(app: App, port: int | None, gpus: str | None, cpu_slots: int | None, tui: bool) -> int:
    """Run server and worker together, in the foreground. Ctrl-C stops both.

    With --json: {url, pid}, once the server answers.
    """
    if port == 0:
        port = ports.free(app.settings.server.host)
    settings = app.settings_for_processes({"server.port": port, "worker.gpus": gpus, "worker.cpu_slots": cpu_slots})
    if problem := _port_problem(settings):
        raise click.ClickException(problem)
    if not tui:
        return Up(app, settings, app.out.note).run()
    settings.logs_dir.mkdir(parents=True, exist_ok=True)
    path = settings.logs_dir / "up.log"
    with path.open("ab", buffering=0) as log:
        status = Up(app, settings, lambda text: _write(log, text), log).run()
    app.out.note(f"the log of server and worker is in {path}")
    return status


def _port_problem(settings: Settings) -> str | None:
    server = settings.server
    problem = ports.problem(server.host, server.port)
    if problem is None:
        return None
    with Client(settings.server_url, timeout_seconds=_ANSWERS_WITHIN) as client:
        try:
            client.health()
        except ClientError:
            return problem
    return f"mofsim runs at {settings.server_url} already; `mofsim tui` opens its console"


def _write(log: IO[bytes], text: str) -> None:
    log.write(f"{text}\n".encode())


class Up:
    """Server and worker, and the console when the log goes to a file."""

    def __init__(self, app: App, settings: Settings, say: Callable[[str], None], log: IO[bytes] | None = None) -> None:
        self._app = app
        self._settings = settings
        self._say = say
        self._with_console = log is not None
        self._services = [Service("server", ["serve"], log), Service("worker", ["worker"], log)]
        self._console: subprocess.Popen[bytes] | None = None

    def run(self) -> int:
        """Until a signal, or until the console is left; the exit status."""
        signals = StopSignals(at_once=lambda: services.kill(self._services))
        try:
            for service in self._services:
                service.start()
            if self._until_ready(signals):
                self._ready()
                self._look_after(signals)
        except GivenUp as error:
            self._app.out.note(f"mofsim: {error}")
            return FAILED
        finally:
            self._stop()
        return OK

    def _until_ready(self, signals: StopSignals) -> bool:
        """False when a stop was asked for first. Raises GivenUp when the server does not come up."""
        server = self._services[0]
        deadline = time.monotonic() + _READY_WITHIN
        with Client(self._settings.server_url) as client:
            while not signals.wait(_INTERVAL):
                # What stops a server at its start stops it again: its settings, its port, its disk.
                if server.process is not None and (status := server.process.poll()) is not None:
                    raise GivenUp(f"the server {services.how(status)} before it was ready; its log says why")
                if time.monotonic() > deadline:
                    raise GivenUp(f"the server is not ready after {_READY_WITHIN:.0f} s; its log says why")
                try:
                    client.health()
                    return True
                except ClientError:
                    continue
        return False

    def _ready(self) -> None:
        url = self._settings.server_url
        if self._app.json:
            self._app.out.document({"url": url, "pid": os.getpid()})
        else:
            self._app.out.line(f"mofsim is at {url}")
        sys.stdout.flush()
        if self._with_console:
            self._console = subprocess.Popen([sys.executable, "-m", "mofsim", "tui", "--server", url])
        else:
            self._say("`mofsim tui` opens the console; Ctrl-C here stops server and worker")

    def _look_after(self, signals: StopSignals) -> None:
        while not signals.wait(_INTERVAL):
            for service in self._services:
                service.look_after(self._say)
            if self._console is not None and self._console.poll() is not None:
                return
        self._say("stopping; a second Ctrl-C ends it at once")

    def _stop(self) -> None:
        if self._console is not None:
            self._console.terminate()
            self._console.wait()
        services.stop(self._services, self._settings.worker.stop_grace_seconds + 5)
