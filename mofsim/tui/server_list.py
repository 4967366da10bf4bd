"""Servers that the console knows, and how each of them is. Knows no widgets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from mofsim.vocabulary import ACTIVE, WAITING

if TYPE_CHECKING:
    from mofsim.schemas.resources import Health

#: Servers that are remembered, those used last.
KEPT: Final = 12
#: What stands for the simulated world.
DEMO: Final = "demo"


@dataclass(frozen=True)
class Known:
    """`health` as it answered; without it `problem` says why, or it was not asked yet."""

    url: str
    health: Health | None = None
    problem: str = ""

    @property
    def words(self) -> str:
        if self.health is None:
            return self.problem or "asking"
        by = self.health.queue.by_status
        running, waiting = (sum(by.get(status, 0) for status in group) for group in (ACTIVE, WAITING))
        workers = f"{self.health.workers_online} worker{'s' * (self.health.workers_online != 1)}"
        alerts = f", {self.health.alerts_active} alerts" if self.health.alerts_active else ""
        return f"{workers}, {running} running, {waiting} waiting{alerts}"


def complete(typed: str) -> str:
    """What was typed as an address with its scheme; "" for what can be none."""
    text = typed.strip().rstrip("/")
    if text.endswith(":"):
        return ""
    url = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018
    except ValueError:
        return ""
    good = parts.scheme in ("http", "https") and parts.hostname and not set(text) & set(" \t\"'<>")
    return url if good else ""


def with_first(url: str, servers: Iterable[str]) -> Sequence[str]:
    """The one that is used now before all others."""
    return list(dict.fromkeys([url, *servers]))[:KEPT]
