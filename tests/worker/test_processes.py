"""Signals that come at any moment."""

import subprocess
import sys

#: As when the signal comes in the middle of `event.wait()`, where the main thread has the event's lock.
IN_THE_MIDDLE = """
import signal, threading
from mofsim.worker import processes

event = threading.Event()
signal.signal(signal.SIGUSR1, lambda *_: processes.set_from_handler(event))
with event._cond:
    signal.raise_signal(signal.SIGUSR1)
print("heard" if event.wait(20) else "not heard")
"""


def test_a_signal_in_the_middle_of_a_wait_is_heard() -> None:
    done = subprocess.run([sys.executable, "-c", IN_THE_MIDDLE], capture_output=True, text=True, timeout=60)
    assert done.stdout == "heard\n", done.stderr
