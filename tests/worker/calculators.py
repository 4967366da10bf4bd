"""Calculators for tests, found by executors through PYTHONPATH."""

import time

from ase.calculators.lj import LennardJones


class Slow(LennardJones):
    """0.05 s a call."""

    def calculate(self, *args, **kwargs) -> None:
        time.sleep(0.05)
        super().calculate(*args, **kwargs)


class Stuck(LennardJones):
    """Never comes back: a cancel between two steps is never seen."""

    def calculate(self, *args, **kwargs) -> None:
        time.sleep(3600)
