"""A receiver of webhooks that is away or unwell for a while."""

import threading
from dataclasses import dataclass, field

from tests.worker.receiver import Received, Receiver

SECRET = "torture"


@dataclass
class Listener:
    """Keeps all it was sent, and apart from that what it said yes to, in the order of its answers."""

    unwell: bool = False
    away: bool = False
    accepted: list[Received] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._receiver = Receiver(self._answer)

    def __enter__(self) -> "Listener":
        self._receiver.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        if not self.away:
            self._receiver.__exit__()

    @property
    def url(self) -> str:
        return self._receiver.url

    @property
    def received(self) -> list[Received]:
        return self._receiver.received

    def leave(self) -> None:
        """Nobody listens at its port."""
        self.away = True
        self._receiver.__exit__()

    def come_back(self) -> None:
        self._receiver.__enter__()
        self.away = False

    def _answer(self, received: Received) -> tuple[int, dict[str, str], bytes]:
        with self._lock:
            if self.unwell:
                return 500, {}, b"not today"
            self.accepted.append(received)
            return 204, {}, b""
