"""How long a relaxation still takes, read off its largest force: a straight line through log2(fmax).

Where the force does not clearly fall there is no forecast: an honest dash beats a wrong number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, log2, sqrt
from statistics import median

#: Fewer points say nothing.
MIN_POINTS = 10
#: The line is laid through the newest part of the run: the start of a relaxation falls much faster.
RECENT = 0.6
#: The slope must exceed its standard error this many times.
CLEAR = 3.0


@dataclass(frozen=True)
class Forecast:
    """When `fmax` reaches the goal if it goes on falling as it does."""

    #: steps in which fmax halves
    halving_steps: float
    goal_step: int
    #: None when the time of a step is not known
    seconds: float | None
    seconds_low: float | None
    seconds_high: float | None


@dataclass(frozen=True)
class _Line:
    slope: float
    slope_error: float
    end: float


def forecast(
    steps: Sequence[float | None],
    fmax: Sequence[float | None],
    times: Sequence[float | None],
    goal: float,
) -> Forecast | None:
    """`steps`, `fmax` (eV/Å) and `times` (s) belong together, oldest first; None where a value is missing.

    None when there are too few points or when fmax does not clearly fall. Whether the run's limit of steps comes
    first is for the caller to say.
    """
    if goal <= 0:
        return None
    points = [(s, log2(f)) for s, f in zip(steps, fmax, strict=True) if s is not None and f is not None and f > 0]
    if len(points) < MIN_POINTS:
        return None
    first = min(len(points) - MIN_POINTS, int(len(points) * (1 - RECENT)))
    line = _fit(points[first:])
    if line is None or line.slope >= 0 or -line.slope < CLEAR * line.slope_error:
        return None
    last_step = points[-1][0]
    missing = line.end - log2(goal)
    goal_step = ceil(last_step + max(0.0, missing / -line.slope))
    return _with_times(line, goal_step, goal_step - last_step, missing, seconds_per_step(steps, times))


def _with_times(line: _Line, goal_step: int, remaining: float, missing: float, per_step: float | None) -> Forecast:
    halving = -1 / line.slope
    if per_step is None:
        return Forecast(halving, goal_step, None, None, None)
    fast, slow = -line.slope + line.slope_error, -line.slope - line.slope_error
    low, high = (max(0.0, missing) / rate * per_step for rate in (fast, slow))
    return Forecast(halving, goal_step, remaining * per_step, low, high)


def _fit(points: Sequence[tuple[float, float]]) -> _Line | None:
    """Least squares: slope, its standard error, and the line's value at the last point."""
    n = len(points)
    mean_x = sum(x for x, _ in points) / n
    mean_y = sum(y for _, y in points) / n
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    if spread == 0:
        return None
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    residual = sum((y - mean_y - slope * (x - mean_x)) ** 2 for x, y in points)
    error = sqrt(residual / (n - 2) / spread)
    return _Line(slope, error, mean_y + slope * (points[-1][0] - mean_x))


def seconds_per_step(steps: Sequence[float | None], times: Sequence[float | None], recent: int = 20) -> float | None:
    """The median over the last `recent` steps that were recorded."""
    known = [(s, t) for s, t in zip(steps, times, strict=True) if s is not None and t is not None][-recent - 1 :]
    rates = [(t2 - t1) / (s2 - s1) for (s1, t1), (s2, t2) in pairwise(known) if s2 > s1]
    return median(rates) if rates else None
