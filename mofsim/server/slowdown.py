"""Wrong keys are answered ever more slowly, by the address that they come from. The right key never waits."""

import asyncio
import ipaddress
from collections import Counter, OrderedDict
from dataclasses import dataclass
from time import monotonic

#: Waits before the answers to an address, in seconds: the first, doubled with each, up to the longest.
FIRST, LONGEST = 0.1, 5.0
#: An address that sent nothing wrong for so long begins anew, in seconds.
FORGOTTEN_AFTER = 300.0
#: Answers to one address that wait at a time; more are refused at once, or many connections would be no slower.
AT_ONCE = 8
#: Addresses that are remembered; the one that is heard of least is forgotten first.
_MOST = 10_000


@dataclass(slots=True)
class _Failures:
    n: int
    last: float


class Slowdown:
    def __init__(self) -> None:
        self._failures: OrderedDict[str, _Failures] = OrderedDict()
        self._waiting: Counter[str] = Counter()

    def failed(self, address: str) -> int:
        """A wrong key came; how many did in a row."""
        address, now = network(address), monotonic()
        found = self._failures.pop(address, None)
        n = found.n + 1 if found and now - found.last < FORGOTTEN_AFTER else 1
        self._failures[address] = _Failures(n, now)
        if len(self._failures) > _MOST:
            self._failures.popitem(last=False)
        return n

    async def wait(self, address: str, n: int) -> bool:
        """Before the answer to the `n`th wrong key; False when too many wait already."""
        address = network(address)
        if self._waiting[address] >= AT_ONCE:
            return False
        self._waiting[address] += 1
        try:
            # The exponent is bounded: floats are.
            await asyncio.sleep(min(FIRST * 2.0 ** min(n - 1, 30), LONGEST))
        finally:
            self._waiting[address] -= 1
            if not self._waiting[address]:
                del self._waiting[address]
        return True


def network(address: str) -> str:
    """What one person has: an IPv4 address, or the 2⁶⁴ addresses of an IPv6 network."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
