"""Other interpreters: those of environments, and executors that run under them."""

import json
import os
import queue
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mofsim.core import environments
from mofsim.settings import ModelSettings
from mofsim.worker.executor import EXITED, Executor, Message
from mofsim.worker.slots import Slot

HERE = Path(__file__).parent

#: from the name of a framework to the folder of its environment
Environment = Callable[[str], Path]


def ask(environment: Path, *arguments: str, script: str = "foreign.py") -> Any:
    """What a script says under the interpreter of the environment."""
    command = [str(environments.interpreter(environment)), "-W", "ignore", str(HERE / script), *arguments]
    run = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1])


def entry(name: str, model: ModelSettings) -> dict[str, Any]:
    fields = model.model_dump(include={"framework", "checkpoint", "d3", "dtype", "options"})
    return {"name": name, "device": "cpu", **fields}


class Elsewhere:
    """A real executor under the interpreter of an environment, which keeps up to two models."""

    def __init__(self, environment: Path, folder: Path) -> None:
        self._executor = Executor(Slot("check", None, 1), 2, str(environments.interpreter(environment)))
        self._folder = folder
        self._n_runs = 0

    def run(self, task_type: str, model: dict[str, Any], structure: Path) -> tuple[dict[str, Any], Path]:
        """The result, and the folder with its files."""
        self._n_runs += 1
        folder = self._folder / str(self._n_runs)
        folder.mkdir()
        request = {
            "type": "run",
            "task_id": self._n_runs,
            "attempt": 1,
            "task_type": task_type,
            "directory": str(folder),
            "structure": str(structure),
            "model": model,
            "parameters": {},
        }
        self._executor.send(request)
        end = self._wait()
        assert end["type"] == "completed", end
        return end["result"], folder

    def _wait(self) -> Message:
        while True:
            try:
                message = self._executor.messages.get(timeout=300)
            except queue.Empty:
                raise AssertionError(self._executor.last_words()) from None
            assert message is not EXITED, self._executor.last_words()
            if message["type"] in ("completed", "failed", "stopped"):
                return message

    @classmethod
    @contextmanager
    def started(cls, environment: Path, folder: Path) -> "Iterator[Elsewhere]":
        elsewhere = cls(environment, folder)
        elsewhere._executor.start(300)
        try:
            yield elsewhere
        finally:
            elsewhere._executor.stop(grace_seconds=2)
