"""The executor, from its parent's side: start it, talk to it, kill it."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

from mofsim.worker.slots import Slot

Message = dict[str, Any]

#: What the reader puts into the mailbox when the child's end of the pipe is closed.
EXITED: Message = {"type": "exited"}

# The kernel kills an executor when the *thread* that started it ends, so that thread has to live as long as we do.
_launcher = ThreadPoolExecutor(1, thread_name_prefix="launcher")


#: what a `loaded` message tells of a model
_FACTS = ("elements", "weights_sha256", "versions")

SIMULATIONS = Path(__file__).parent.parent / "simulations"


class ExecutorFailed(Exception):
    """The executor did not start; its text holds what it printed last."""


class Executor:
    """One child process in a session of its own, with warm models; `messages` is its mailbox."""

    def __init__(self, slot: Slot, max_models: int, python: str = "") -> None:
        self.slot = slot
        self.max_models = max_models
        self.python = interpreter(python)
        self.loaded_models: list[str] = []
        #: what was told of models that were loaded, until somebody takes it
        self.facts: dict[str, dict[str, Any]] = {}
        self.messages: queue.Queue[Message] = queue.Queue()
        self.last_lines: deque[str] = deque(maxlen=20)
        self._process: subprocess.Popen[bytes] | None = None
        self._killed_because = ""

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Of the newest child."""
        assert self._process is not None
        return self._process.pid

    @property
    def was_killed(self) -> bool:
        """Whether the newest child, which has told nothing more, ended by a SIGKILL, from whomever."""
        # Its pipes are closed a moment before it can be asked how it ended.
        return self._process is not None and self._process.wait() == -signal.SIGKILL

    def memory_MB(self, what: Literal["VmRSS", "VmHWM"]) -> float:
        """What the living child has now of the machine's memory, or had at most; 0 where that is not known."""
        if not self.alive:
            return 0.0
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
                if line.startswith(f"{what}:"):
                    return int(line.split()[1]) * 1024 / 1e6
        return 0.0

    def start(self, timeout_seconds: float, tick: Callable[[], object] = lambda: None) -> None:
        """Start the child and wait until it is ready, calling `tick` each second; raises ExecutorFailed."""
        self.messages = queue.Queue()
        self.loaded_models = []
        self.last_lines.clear()
        self._killed_because = ""
        self._process = _launcher.submit(self._spawn).result()
        for stream, reader in ((self._process.stdout, self._read), (self._process.stderr, self._read_stderr)):
            threading.Thread(target=reader, args=(stream, self.messages), daemon=True).start()
        self._wait_until_ready(time.monotonic() + timeout_seconds, tick)

    def _wait_until_ready(self, deadline: float, tick: Callable[[], object]) -> None:
        while True:
            try:
                message = self.messages.get(timeout=min(1.0, max(0.0, deadline - time.monotonic())))
            except queue.Empty:
                if time.monotonic() < deadline:
                    tick()
                    continue
                self.kill()
                raise ExecutorFailed("the executor was not ready in time (worker.start_timeout_seconds)") from None
            if message["type"] == "ready":
                return
            if message is EXITED:
                raise ExecutorFailed(self.last_words())

    def _spawn(self) -> subprocess.Popen[bytes]:
        # By its path, since another interpreter has no mofsim installed; the folder stands on the ground alone.
        command = [self.python, str(SIMULATIONS)]
        command += ["--max-models", str(self.max_models), "--threads", str(self.slot.threads)]
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env=_environment(self.slot, os.environ),
        )

    def send(self, message: Mapping[str, Any]) -> None:
        """A dead child is noticed by its `exited` message, not here."""
        assert self._process is not None and self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass

    def kill(self, because: str = "") -> None:
        """SIGKILL to the whole process group, so that nothing the model's package started stays behind.

        `because` is what `last_words` gives as the reason.
        """
        if self._process is None:
            return
        self._killed_because = because or self._killed_because
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self, grace_seconds: float) -> None:
        if self._process is None:
            return
        self.send({"type": "shutdown"})
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(grace_seconds)
        self.kill()

    def last_words(self) -> str:
        """How the child ended and what it said last, for a person."""
        if self._killed_because:
            return f"the executor was killed: {self._killed_because}"
        code = self._process.wait() if self._process else None
        ended = f"killed by {signal.Signals(-code).name}" if code and code < 0 else f"exit status {code}"
        said = "; ".join(list(self.last_lines)[-3:])
        return f"the executor ended ({ended}){': ' + said if said else ''}"

    def _read(self, stream: Any, mailbox: queue.Queue[Message]) -> None:
        for line in stream:
            try:
                message = json.loads(line)
            except ValueError:
                message = {"type": "stderr", "line": line.decode(errors="replace").rstrip()}
            self._note(message)
            mailbox.put(message)
        mailbox.put(EXITED)

    def _read_stderr(self, stream: Any, mailbox: queue.Queue[Message]) -> None:
        for raw in stream:
            if line := raw.decode(errors="replace").rstrip():
                self.last_lines.append(line)
                mailbox.put({"type": "stderr", "line": line})

    def _note(self, message: Message) -> None:
        """Keep track of which models are warm, least recently loaded first."""
        match message["type"]:
            case "loaded":
                self._forget({message["model"], *message["evicted"]})
                self.loaded_models.append(message["model"])
                if message["seconds"]:
                    self.facts[message["model"]] = {name: message.get(name) for name in _FACTS} | {
                        "load_seconds": message["seconds"]
                    }
            case "load_failed":
                self._forget({message["model"], *message["evicted"]})
            case "unloaded":
                self._forget({message["model"]})

    def _forget(self, names: set[str]) -> None:
        self.loaded_models = [name for name in self.loaded_models if name not in names]


def interpreter(python: str) -> str:
    """The interpreter that a model entry's `python` names; ours when it names none."""
    return python or sys.executable


def _environment(slot: Slot, base: Mapping[str, str]) -> dict[str, str]:
    """The child sees its own GPU only, and as many threads as its share of the cores."""
    threads = str(slot.threads)
    return dict(base) | {
        "CUDA_VISIBLE_DEVICES": slot.gpu_id or "",
        "OMP_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
    }
