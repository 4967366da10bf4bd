"""A calculator for benchmarks, found by executors through PYTHONPATH."""

import time

from ase.calculators.lj import LennardJones


class Sleeper(LennardJones):
    """Never comes back."""

    def calculate(self, *args, **kwargs) -> None:
        time.sleep(3600)
