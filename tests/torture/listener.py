"""A receiver of webhooks that is never quite reliable, and away or unwell for a while."""

import random
import threading
from dataclasses import dataclass, field

from tests.worker.receiver import Received, Receiver

SECRET = "torture"
#: of the deliveries, those that are refused, and those that are taken without an answer
REFUSED, UNANSWERED = 0.1, 0.05


@dataclass
class Listener:
    """Keeps all it was sent, and apart from that what it took, in that order."""

    seed: int
    unwell: bool = False
    away: bool = False
    accepted: list[Received] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
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
            mood = self._random.random()
            if self.unwell or mood < REFUSED:
                return 500, {}, b"not today"
            self.accepted.append(received)
        if mood > 1 - UNANSWERED:
            raise ConnectionAbortedError
        return 204, {}, b""
