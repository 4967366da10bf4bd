"""Something that takes its time, in a thread of its own, while the caller goes on saying that it lives."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

#: how often the caller has its turn, in seconds
TICK_SECONDS = 0.5


class Aside(Generic[T]):
    """`work` runs in its thread, and gets an event that asks it to give up. What it raises, `result` raises."""

    def __init__(self, work: Callable[[threading.Event], T]) -> None:
        self.stop = threading.Event()
        self._over = threading.Event()
        self._result: T | None = None
        self._error: BaseException | None = None
        threading.Thread(target=self._run, args=(work,), daemon=True, name="transfer").start()

    def _run(self, work: Callable[[threading.Event], T]) -> None:
        try:
            self._result = work(self.stop)
        except BaseException as error:
            self._error = error
        finally:
            self._over.set()

    def wait(self, seconds: float) -> bool:
        """Whether it is over."""
        return self._over.wait(seconds)

    def result(self) -> T:
        """Of what is over."""
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]


def attend(work: Callable[[threading.Event], T], tick: Callable[[], bool], seconds: float = TICK_SECONDS) -> T | None:
    """What `work` gives, or None when a `tick` said False, after which nobody waits for it any more.

    What `work` or `tick` raise comes out of here.
    """
    aside = Aside(work)
    try:
        while not aside.wait(seconds):
            if not tick():
                return None
        return aside.result()
    finally:
        # A request that hangs ends by its own time limit.
        aside.stop.set()
