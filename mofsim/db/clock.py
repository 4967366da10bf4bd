"""The time of rows.

Leases, waits and the order of the queue compare times that several machines wrote, whose clocks may be minutes apart.
So where the database is a server its clock counts: each transaction that writes asks for it, and this process adds
how far that is from its own.
"""

import time
from datetime import UTC, datetime, timedelta

_ahead = timedelta()


def utcnow() -> datetime:
    """The time by the database's clock, or by this machine's where the database is a file."""
    return datetime.now(UTC) + _ahead


class Question:
    """How late is it over there? Made before asking; the answer was true somewhere between then and now."""

    def __init__(self) -> None:
        self._asked = time.monotonic()

    def answered(self, theirs: datetime) -> None:
        global _ahead
        waited = timedelta(seconds=time.monotonic() - self._asked)
        _ahead = theirs - (datetime.now(UTC) - min(waited / 2, _HALF_A_TRIP))


#: An answer that took longer waited for other writers, whose time is not that of the way back.
_HALF_A_TRIP = timedelta(milliseconds=50)
