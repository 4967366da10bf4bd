"""Means, medians and their bootstrap intervals, so that a short script can compute the same again."""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

#: as many resamples, this seed and this interval, unless somebody asks for others
RESAMPLES = 1000
SEED = 42
CONFIDENCE_PERCENT = 95.0

Statistic = Callable[[Sequence[float]], float]


@dataclass(frozen=True)
class Sampling:
    """Percentile bootstrap over structures (Efron 1979, doi:10.1214/aos/1176344552)."""

    resamples: int = RESAMPLES
    seed: int = SEED
    confidence_percent: float = CONFIDENCE_PERCENT

    def interval(self, numbers: Sequence[float], statistic: Statistic) -> tuple[float, float] | None:
        """Of `statistic`; None for fewer than two numbers, which tell nothing of a spread.

        The seed is used anew for each interval, and the order of the numbers is part of the result.
        """
        if len(numbers) < 2:
            return None
        chance = random.Random(self.seed)
        drawn = sorted(statistic(chance.choices(numbers, k=len(numbers))) for _ in range(self.resamples))
        tail = (1 - self.confidence_percent / 100) / 2
        return percentile(drawn, tail), percentile(drawn, 1 - tail)


def mean(numbers: Sequence[float]) -> float:
    """Raises ZeroDivisionError for no numbers."""
    return math.fsum(numbers) / len(numbers)


def median(numbers: Sequence[float]) -> float:
    """Raises IndexError for no numbers."""
    return percentile(sorted(numbers), 0.5)


def percentile(ordered: Sequence[float], part: float) -> float:
    """The value below which `part` (0 to 1) of sorted numbers are, linear between two of them."""
    place = part * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def ranks(numbers: Sequence[float]) -> list[float]:
    """1 for the smallest; equal ones share the mean of their places."""
    order = sorted(numbers)
    return [order.index(number) + (order.count(number) + 1) / 2 for number in numbers]


STATISTICS: dict[str, Statistic] = {"mean": mean, "median": median}
