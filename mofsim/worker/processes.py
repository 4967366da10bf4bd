"""Child processes that never outlive their parent."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable

PR_SET_PDEATHSIG = 1


def die_with_parent(parent_pid: int) -> None:
    """Ask the kernel to kill this process when the thread that started it ends (Linux only).

    `parent_pid` is the parent as it was when it started us: if it is gone already, the signal would never come.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(1)


def kill(children: Iterable[subprocess.Popen[bytes]]) -> None:
    """SIGKILL to all, without waiting: safe in a signal handler, which may have interrupted a wait for one of them."""
    for child in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGKILL)


def set_from_handler(event: threading.Event) -> None:
    """Set what the main thread waits for: it may hold the event's lock, and a handler runs in it.

    The handler itself would then wait for that lock for ever.
    """
    threading.Thread(target=event.set, daemon=True).start()


def stop(children: Iterable[subprocess.Popen[bytes]], grace_seconds: float) -> None:
    """SIGTERM to all, and SIGKILL to those that are still there after the grace time."""
    running = [child for child in children if child.poll() is None]
    for child in running:
        child.terminate()
    deadline = time.monotonic() + grace_seconds
    for child in running:
        try:
            child.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
