"""The child's end of the protocol: private file descriptors, a writer, and a thread that reads.

Libraries print, from Python and from C. So the protocol moves to a private copy of stdout, and whatever else
is printed goes to stderr, which the parent keeps as a log.
"""

import ctypes
import os
import queue
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

from .protocol import Report, StopReason, decode_request, encode

_PR_SET_PDEATHSIG = 1
#: exit status when the parent went away without a `shutdown`
ORPHANED = 3


def die_with_parent() -> None:
    """Ask the kernel for SIGKILL when the thread that started this process ends (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


def take_standard_streams() -> tuple[int, int]:
    """Descriptors of private copies of stdin and stdout; what prints afterwards prints to stderr.

    The copies are not inherited by processes that a library may start.
    """
    requests, reports = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.stdout.flush()
    os.dup2(2, 1)
    return requests, reports


class Writer:
    """Sends reports; whole lines, from any thread."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def send(self, message: Report) -> None:
        line = memoryview(encode(message))
        with self._lock:
            while line:
                line = line[os.write(self._descriptor, line) :]


class Inbox:
    """Requests in their order, and cancels as soon as they are read.

    A thread reads, so that a cancel is seen while the main thread runs a job. When the parent closes the pipe
    without a `shutdown` it is gone, and this process ends at once.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._cancels: dict[int, tuple[StopReason, int | None]] = {}
        self._ended: set[int] = set()
        self._shutting_down = False

    def start(self) -> None:
        threading.Thread(target=self._read, name="requests", daemon=True).start()

    def next(self) -> dict[str, Any]:
        """The next request; waits for one."""
        return self._requests.get()

    def stop_reason(self, task_id: int, attempt: int) -> StopReason | None:
        """Why the run should stop, or None."""
        if self._shutting_down:
            return "shutdown"
        reason, wanted = self._cancels.get(task_id, (None, None))
        return reason if wanted is None or wanted == attempt else None

    def run_ended(self, task_id: int) -> None:
        """Forget the cancels of a run: one that comes too late must not stop the next attempt."""
        with self._lock:
            self._cancels.pop(task_id, None)
            self._ended.add(task_id)

    def _read(self) -> None:
        for line in _lines(self._descriptor):
            if line.strip():
                self._take(line)
        if not self._shutting_down:
            os._exit(ORPHANED)

    def _take(self, line: bytes) -> None:
        try:
            message = decode_request(line)
        except ValueError as error:
            message = {"type": "unreadable", "error": f"{error}: {line[:200]!r}"}
        if message["type"] == "cancel":
            self._take_cancel(message)
            return
        if message["type"] == "run":
            self._expect(message.get("task_id"))
        elif message["type"] == "shutdown":
            self._shutting_down = True
        self._requests.put(message)

    def _expect(self, task_id: Any) -> None:
        if isinstance(task_id, int):
            with self._lock:
                self._ended.discard(task_id)

    def _take_cancel(self, message: dict[str, Any]) -> None:
        with self._lock:
            task_id = message.get("task_id")
            if isinstance(task_id, int) and task_id not in self._ended:
                self._cancels[task_id] = (message.get("reason", "cancelled"), message.get("attempt"))


def _lines(descriptor: int) -> Iterator[bytes]:
    """Lines as they come. A buffered file would stay locked by this read and abort the exit of Python."""
    rest = b""
    while chunk := os.read(descriptor, 65536):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
