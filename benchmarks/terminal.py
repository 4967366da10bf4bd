"""A program on a pseudo-terminal: what it prints, when, and how much of it."""

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

DOWN, PAGE_DOWN = b"\x1b[B", b"\x1b[6~"

#: A modern terminal says yes when it is asked whether it can show frames as a whole.
_ASKS_FOR_SYNC, _HAS_SYNC = b"\x1b[?2026$p", b"\x1b[?2026;2$y"
#: What comes within so many milliseconds of the first byte is one answer.
_AT_ONCE_MS = 40.0
_FRAME = b"\x1b[?2026h"
#: Without its bytecode Python compiles all of a program at each start, as no installed one does.
SLOWING = ("PYTHONDONTWRITEBYTECODE",)


class Answer(NamedTuple):
    """What came after a key."""

    n_bytes: int
    first_ms: float
    last_ms: float
    #: pictures that were shown as a whole as the answer itself; later ones tell what the server said meanwhile
    n_frames: int


class Terminal:
    """Times are milliseconds; those without a start count from the moment the program was spawned."""

    def __init__(self, command: Sequence[str], columns: int = 120, rows: int = 36, **environment: str) -> None:
        self._spawned = time.perf_counter()
        self.printed = b""
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            _become(command, environment)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._fd)

    def wait_for(self, text: str, seconds: float = 30) -> float:
        """Milliseconds from the spawn until `text` was printed. Raises TimeoutError."""
        deadline = time.perf_counter() + seconds
        while text.encode() not in self.printed:
            if not self._read(deadline - time.perf_counter()):
                raise TimeoutError(f"{text!r} never came; last was {self.printed[-300:]!r}")
        return self._ms(self._spawned)

    def press(self, key: bytes, quiet_seconds: float = 0.3) -> Answer:
        """Send a key and read until nothing came for a while. Raises TimeoutError when nothing comes at all."""
        sent, begin = time.perf_counter(), len(self.printed)
        os.write(self._fd, key)
        n_bytes = self._read(10)
        if not n_bytes:
            raise TimeoutError(f"no answer to {key!r}")
        first_ms = last_ms = self._ms(sent)
        while self._ms(sent) < first_ms + _AT_ONCE_MS and (more := self._read(_AT_ONCE_MS / 1000)):
            n_bytes += more
            last_ms = self._ms(sent)
        n_frames = self.printed.count(_FRAME, begin)
        while more := self._read(quiet_seconds):
            n_bytes += more
            last_ms = self._ms(sent)
        return Answer(n_bytes, first_ms, last_ms, n_frames)

    def send(self, key: bytes) -> None:
        """Without waiting for an answer, for there may be none."""
        os.write(self._fd, key)

    def settle(self, quiet_seconds: float = 1.0, seconds: float = 20) -> None:
        """Wait until nothing came for a while. Raises TimeoutError when it never falls silent."""
        deadline = time.perf_counter() + seconds
        while self._read(quiet_seconds):
            if time.perf_counter() > deadline:
                raise TimeoutError(f"it never falls silent; last was {self.printed[-300:]!r}")

    def bytes_during(self, seconds: float) -> int:
        """How much is printed while no key is pressed."""
        deadline, n_bytes = time.perf_counter() + seconds, 0
        while (left := deadline - time.perf_counter()) > 0:
            n_bytes += self._read(left)
        return n_bytes

    def cpu_ms(self) -> float:
        """Of all its threads so far; on a busy machine it says more than the clock."""
        threads = Path(f"/proc/{self.pid}/task").iterdir()
        return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e6

    def memory_MiB(self) -> float:
        with open(f"/proc/{self.pid}/status") as status:
            resident = next(line for line in status if line.startswith("VmRSS"))
        return int(resident.split()[1]) / 1024

    def _read(self, seconds: float) -> int:
        """Bytes of one piece; 0 when none came in time or the program has ended."""
        ready, _, _ = select.select([self._fd], [], [], max(0, seconds))
        if not ready:
            return 0
        try:
            piece = os.read(self._fd, 65536)
        except OSError:
            return 0
        if _ASKS_FOR_SYNC in piece:
            os.write(self._fd, _HAS_SYNC)
        self.printed += piece
        return len(piece)

    def _ms(self, since: float) -> float:
        return (time.perf_counter() - since) * 1000


def _become(command: Sequence[str], environment: Mapping[str, str]) -> None:
    terminal = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
    own = {name: value for name, value in os.environ.items() if name not in SLOWING}
    os.execvpe(command[0], list(command), {**own, **terminal, **environment})
