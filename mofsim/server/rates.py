"""How many requests a key, or an address without one, has in a minute."""

import math
import time

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from mofsim.core.keys import Holder
from mofsim.server.slowdown import network
from mofsim.settings import Settings

#: Addresses that are counted at a time. Who has more of them is not held up by counting.
_MOST = 10_000


class Rates:
    """Kept in memory: a restarted server counts anew."""

    def __init__(self, settings: Settings) -> None:
        security = settings.security
        # Where nobody has a key, an address is all that tells people apart.
        keyless = security.requests_without_key_per_minute if security.require_keys else security.requests_per_minute
        self._requests = _per_minute(security.requests_per_minute)
        self._requests_without_key = _per_minute(keyless)
        self._submits = _per_minute(security.submits_per_minute)
        self._addresses, self._keys = MemoryStorage(), MemoryStorage()

    def wait_seconds(self, holder: Holder | None, address: str, *, makes_work: bool) -> int:
        """Count a request; 0 when it is within the limits, else after how many seconds to try again."""
        storage, who = (self._keys, str(holder.key_id)) if holder else (self._addresses, network(address))
        # It forgets who was counted only when it forgets all.
        if len(storage.events) > _MOST:
            storage.reset()
        limits = {"requests": self._requests if holder else self._requests_without_key}
        if makes_work:
            limits["submits"] = self._submits
        return max(_wait(storage, limit, who, what) for what, limit in limits.items())


def _wait(storage: MemoryStorage, limit: RateLimitItem | None, who: str, what: str) -> int:
    if limit is None:
        return 0
    limiter = MovingWindowRateLimiter(storage)
    if limiter.hit(limit, what, who):
        return 0
    return max(1, math.ceil(limiter.get_window_stats(limit, what, who).reset_time - time.time()))


def _per_minute(n: int) -> RateLimitItem | None:
    return RateLimitItemPerMinute(n) if n else None
