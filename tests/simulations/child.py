"""A real executor to talk to: a child process, as the device worker starts it."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import mofsim.simulations

PACKAGE = Path(mofsim.simulations.__file__).parent
ENDS = ("completed", "stopped", "failed")


class Child:
    """Talks the protocol over pipes; every message that was read is kept in `seen`."""

    def __init__(
        self,
        *arguments: str,
        command: list[str] | None = None,
        cwd: Path | None = None,
        environment: dict[str, str] | None = None,
    ) -> None:
        command = command or [sys.executable, "-m", "mofsim.simulations"]
        self.process = subprocess.Popen(
            [*command, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
        self.seen: list[dict[str, Any]] = []

    def send(self, **message: Any) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def next(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            assert self.process.stderr
            raise EOFError(self.process.stderr.read().decode())
        message: dict[str, Any] = json.loads(line)
        self.seen.append(message)
        return message

    def until(self, *types: str) -> dict[str, Any]:
        while (message := self.next())["type"] not in types:
            pass
        return message

    def run(self, task_type: str, structure: Path, directory: Path, model: dict[str, Any], **more: Any) -> None:
        """Send a run; `more` replaces fields of the request."""
        directory.mkdir(parents=True, exist_ok=True)
        request = {
            "type": "run",
            "task_id": 1,
            "attempt": 1,
            "task_type": task_type,
            "directory": str(directory),
            "structure": str(structure),
            "model": model,
            "parameters": {},
        }
        self.send(**{**request, **more})

    def end(self) -> dict[str, Any]:
        return self.until(*ENDS)

    def stages(self) -> list[dict[str, Any]]:
        """What was told of the progress of the last run, without what a step found."""
        last = max(n for n, message in enumerate(self.seen) if message["type"] == "started")
        told = [message for message in self.seen[last:] if message["type"] == "progress"]
        names = ("stage", "stage_step", "stage_steps", "steps_left", "remaining_seconds")
        return [{name: message[name] for name in names} for message in told]

    def close(self) -> int:
        """Say goodbye; the exit status."""
        # It may have ended already, or be about to.
        with contextlib.suppress(BrokenPipeError, ValueError):
            self.send(type="shutdown")
        self.process.wait(timeout=60)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert pipe
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        return self.process.returncode
