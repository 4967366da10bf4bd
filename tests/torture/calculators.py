"""A calculator for tasks of about a second, found by executors through PYTHONPATH."""

import time

from ase.calculators.lj import LennardJones


class Brief(LennardJones):
    """0.02 s a call."""

    def calculate(self, *args, **kwargs) -> None:
        time.sleep(0.02)
        super().calculate(*args, **kwargs)
