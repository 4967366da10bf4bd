"""The queue, what ended and what failed, as the dashboard tells them. Knows neither Textual nor HTTP."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mofsim.tui import format
from mofsim.tui.alert_book import Listing
from mofsim.vocabulary import TaskStatus

if TYPE_CHECKING:
    from mofsim.schemas.overview import Ended, Failures, Lane, Overview
    from mofsim.tui.device_book import DeviceBook

HOURS = 24


@dataclass(frozen=True)
class LaneRow:
    id: int
    lane: Lane

    @property
    def filter(self) -> str:
        """What lists its tasks."""
        return f"status:queued priority:{self.lane.priority.lower()}"


@dataclass(frozen=True)
class FailureRow:
    id: int
    failures: Failures

    @property
    def filter(self) -> str:
        failed = self.failures.reason
        word = "status:timeout" if failed == TaskStatus.TIMEOUT else f"status:failed {failed}"
        return f"{word} model:{self.failures.model}"


def lanes(overview: Overview | None) -> Listing[LaneRow]:
    found = overview.queue if overview is not None else ()
    return Listing(tuple(LaneRow(number, lane) for number, lane in enumerate(found, 1)))


def failures(overview: Overview | None, numbers: DeviceBook) -> Listing[FailureRow]:
    found = overview.failures if overview is not None else ()
    return Listing(tuple(FailureRow(numbers.number(f"{each.reason} of {each.model}"), each) for each in found))


def queue_lines(overview: Overview | None, width: int) -> list[str]:
    """Below the queue: when it is done, and what is not in it."""
    if overview is None:
        return []
    return [line for sentence in _of_queue(overview, width) for line in textwrap.wrap(sentence, max(20, width))]


def _of_queue(overview: Overview, width: int) -> Iterator[str]:
    end = overview.ends_in
    if end is not None:
        done = f"all done in ~{format.rough(end.median)}"
        ranged = f"{done} ({format.rough(end.low)} to {format.rough(end.high)})"
        yield ranged if format.rough(end.low) != format.rough(end.high) and len(ranged) <= width else done
    elif overview.running or any(lane.waiting for lane in overview.queue):
        yield "when all is done is not known yet"
    if overview.pending:
        waits = "waits" if overview.pending == 1 else "wait"
        yield f"{overview.pending} {waits} for a time or a task"


def hourly(overview: Overview | None, now: datetime) -> list[int]:
    """How many tasks ended in each of the last hours, by the clock; the last one is the hour that it is."""
    counts = [0] * HOURS
    if overview is None:
        return counts
    this = now.replace(minute=0, second=0, microsecond=0)
    for ended in overview.ended:
        ago = (this - ended.begin.replace(minute=0, second=0, microsecond=0)) // timedelta(hours=1)
        if 0 <= ago < HOURS:
            counts[HOURS - 1 - ago] += _n(ended)
    return counts


def ended_caption(overview: Overview | None, now: datetime) -> str:
    if overview is None:
        return "ended per hour"
    last = sum(_n(ended) for ended in overview.ended if ended.begin >= now - timedelta(hours=1))
    return f"ended: {last}/h, {sum(map(_n, overview.ended))} in 24 h"


def _n(ended: Ended) -> int:
    return sum(ended.by_status.values())
