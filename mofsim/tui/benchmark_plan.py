"""What a benchmark would compute and cost, in lines for a person. Knows neither Textual nor HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mofsim.tui import format

if TYPE_CHECKING:
    from mofsim.schemas.benchmarks import BenchmarkPlan

#: Kinds of devices as their hours are called.
HOURS = {"cuda": "GPU-hours", "cpu": "CPU-hours"}


def plan_lines(plan: BenchmarkPlan) -> list[str]:
    """What is computed, then what it takes; the second line is missing where nothing is."""
    cost = list(_cost(plan))
    return [", ".join(_work(plan)), *([", ".join(cost)] if plan.n_new and cost else [])]


def _work(plan: BenchmarkPlan) -> Iterator[str]:
    number = format.grouped
    yield f"{number(plan.n_new)} tasks to compute of {number(plan.n_cells)} cells"
    yield f"{number(plan.n_structures)} structures"
    if plan.n_there:
        yield f"{number(plan.n_there)} are in benchmark {plan.benchmark_id} already"
    if plan.n_reused:
        yield f"{number(plan.n_reused)} have a finished result"
    if plan.not_covered:
        yield f"{number(len(plan.not_covered))} are not covered by their model"


def _cost(plan: BenchmarkPlan) -> Iterator[str]:
    for device, span in plan.device_seconds.items():
        low, median, high = (_hours(seconds) for seconds in (span.low, span.median, span.high))
        yield f"about {median} {HOURS.get(device, f'hours on {device}')} ({low} to {high})"
    if plan.n_unknown_time:
        of = "all" if plan.n_unknown_time == plan.n_new else format.grouped(plan.n_unknown_time)
        yield f"time of {of} tasks not known yet"
    if plan.largest_memory_MB is not None:
        yield f"memory up to {format.size(plan.largest_memory_MB * 1e6)}"
    else:
        yield "memory not known yet"
    yield f"about {format.size(plan.disk_MB * 1e6)} on disk" if plan.disk_MB is not None else "disk not known yet"
    large = sorted({name for cost in plan.costs for name in cost.too_large})
    if large:
        yield f"too large for every worker: {', '.join(large[:3])}{' …' if len(large) > 3 else ''}"


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.3g}"
