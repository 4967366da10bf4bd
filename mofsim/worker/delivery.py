"""On a box that does not share the data folder: what an attempt left counts once the server has it.

While files are on their way the lease is kept, and whoever wants a stop gets it.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import structlog

from mofsim.core.leases import Outcome
from mofsim.settings import Settings
from mofsim.vocabulary import AttemptOutcome, StopReason, TaskStatus
from mofsim.worker.attending import attend
from mofsim.worker.courier import Courier
from mofsim.worker.transfer import GivenUp, Gone, ServerFull, TransferFailed

log = structlog.get_logger("mofsim.worker")


class Undelivered(Exception):
    """The attempt has a result, and the server has not got it: the attempt ends so, and its text says why."""

    def __init__(self, outcome: AttemptOutcome, reason: str) -> None:
        super().__init__(reason)
        self.outcome = outcome


class Interrupted(Exception):
    """A stop was wanted while files were on their way."""

    def __init__(self, reason: StopReason) -> None:
        super().__init__(reason)
        self.reason = reason


class Delivery:
    """Of one attempt. `renew` keeps its lease and says whether a stop is wanted; `warn` writes into the task's log."""

    def __init__(
        self,
        courier: Courier,
        settings: Settings,
        *,
        renew: Callable[[], StopReason | None],
        stopping: Callable[[], bool],
        warn: Callable[[str], None],
    ) -> None:
        self._courier = courier
        self._settings = settings
        self._renew = renew
        self._stopping = stopping
        self._warn = warn

    def begin(self) -> None:
        """Checkpoints are sent from now on."""
        self._courier.begin()

    def end(self) -> None:
        self._courier.end()

    def deliver(self, outcome: Outcome) -> Outcome:
        """The outcome, with those of its files that the server has: of what was completed, all.

        A server that does not answer is waited for, as long as nobody wants an end of that. Raises Undelivered,
        Interrupted and Fenced.
        """
        self._courier.end()
        if outcome.status is not TaskStatus.COMPLETED:
            # Whatever is missing then is only a part of something that did not succeed.
            is_wanted = outcome.status is not TaskStatus.CANCELLED
            return self.deliver_what_comes(outcome, None if is_wanted else self._settings.worker.cancel_grace_seconds)
        try:
            asked = self._attend(lambda stop: self._send_files(outcome, stop), None)
        except ServerFull as error:
            raise Undelivered(AttemptOutcome.RELEASED, str(error)) from error
        except Gone as error:
            # Had somebody else the task, the lease would have told.
            raise Undelivered(AttemptOutcome.LOST, f"{error}; has it the same database?") from error
        except TransferFailed as error:
            failed = replace(outcome, status=TaskStatus.FAILED, error_type=type(error).__name__)
            return self._arrived(replace(failed, error_message=f"its files can not be kept: {error}"))
        if asked is None:
            return self._arrived(outcome)
        if asked is StopReason.CANCELLED:
            return self._arrived(replace(outcome, status=TaskStatus.CANCELLED))
        raise Interrupted(asked)

    def deliver_what_comes(self, outcome: Outcome, patience_seconds: float | None = None) -> Outcome:
        """The outcome, with those of its files that could be sent. Raises Fenced."""
        try:
            self._attend(lambda stop: self._send_files(outcome, stop), patience_seconds)
        except (TransferFailed, OSError) as error:
            self._warn(f"not all files are kept: {error}")
        return self._arrived(outcome)

    def send_checkpoint(self) -> None:
        """What was computed here since the last one was sent is lost elsewhere, unless this comes through.

        Raises Fenced.
        """
        self._courier.end()
        worker = self._settings.worker
        patience = worker.stop_grace_seconds / 4 if self._stopping() else worker.cancel_grace_seconds
        try:
            self._attend(self._courier.send_checkpoint, patience)
        except (TransferFailed, OSError) as error:
            self._warn(f"the newest checkpoint was not sent: {error}")

    def forget_checkpoints(self) -> None:
        """Those at the server take room, and no more than that. The lease is over."""
        end = time.monotonic() + self._settings.worker.stop_grace_seconds / 4
        try:
            attend(self._courier.forget_checkpoints, lambda: time.monotonic() < end)
        except (TransferFailed, GivenUp) as error:
            log.warning("checkpoints were left", task_id=self._courier.lease.task_id, reason=str(error))

    def _send_files(self, outcome: Outcome, stop: threading.Event) -> None:
        self._courier.send_files(list(outcome.output_files), stop)

    def _arrived(self, outcome: Outcome) -> Outcome:
        return replace(outcome, output_files=dict(self._courier.sent))

    def _attend(self, work: Callable[[threading.Event], None], patience_seconds: float | None) -> StopReason | None:
        """Keep the lease while `work` goes on; who wanted the stop for which it was left, None when it was not.

        It is left after `patience_seconds` too, and a while after somebody wanted a stop. Raises what `work` does, and
        Fenced.
        """
        worker, told = self._settings.worker, ""
        deadline = None if patience_seconds is None else time.monotonic() + patience_seconds
        wanted: StopReason | None = None

        def tick() -> bool:
            nonlocal told, deadline, wanted
            trouble = self._courier.transfer.trouble
            if trouble and not told:
                told = trouble
                self._warn(f"files wait to be sent: {trouble}")
            asked = self._renew()
            if self._stopping():
                asked = StopReason.SHUTDOWN
            if asked and deadline is None:
                wanted = asked
                deadline = time.monotonic() + worker.stop_grace_seconds / 4
            return deadline is None or time.monotonic() < deadline

        def whole(stop: threading.Event) -> bool:
            work(stop)
            return True

        seconds = min(worker.progress_interval_seconds, self._settings.scheduler.heartbeat_seconds)
        return None if attend(whole, tick, seconds) else wanted
