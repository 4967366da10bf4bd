"""A worker that is there for a while only, such as one in a batch job: when it ends, and when it stops early."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from mofsim.db.clock import utcnow

#: exit status of a device worker whose shift is over
OVER = 5


@dataclass(frozen=True)
class Shift:
    """Until when, and how long without a task; None: for good."""

    ends_at: datetime | None = None
    idle_exit_seconds: float | None = None

    def begins_tasks(self, leave_seconds: float) -> bool:
        """Whether there is time for one more; leaving in good order takes up to `leave_seconds`.

        Begun much later, it would hardly get further than to a loaded model. What runs at the end goes on elsewhere
        from its checkpoint.
        """
        return self.ends_at is None or utcnow() < self.ends_at - timedelta(seconds=2 * leave_seconds)

    def why_over(self, idle_seconds: float, leave_seconds: float) -> str:
        """Why to leave now, "" while there is no reason."""
        if self.ends_at is not None and utcnow() >= self.ends_at - timedelta(seconds=leave_seconds):
            return "its time is over"
        if self.idle_exit_seconds is not None and idle_seconds >= self.idle_exit_seconds:
            return f"it had nothing to do for {self.idle_exit_seconds:g} s"
        return ""
