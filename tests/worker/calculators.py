"""Calculators for tests, found by executors through PYTHONPATH."""

import os
import time
from pathlib import Path

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


class Endless(LennardJones):
    """Is never loaded."""

    def __init__(self, **options) -> None:
        time.sleep(3600)


class Hungry(LennardJones):
    """Fits on no GPU but the second of the fake box; torch says it in these words."""

    def calculate(self, *args, **kwargs) -> None:
        if not os.environ["CUDA_VISIBLE_DEVICES"].startswith("GPU-00000001"):
            raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB")
        super().calculate(*args, **kwargs)


class Greedy(LennardJones):
    """Takes a gigabyte of the machine's memory, and uses it."""

    def calculate(self, *args, **kwargs) -> None:
        time.sleep(0.5)
        self.taken = bytearray(b"x") * 1_000_000_000
        super().calculate(*args, **kwargs)


class Refused(LennardJones):
    """The machine has no memory left for it."""

    def calculate(self, *args, **kwargs) -> None:
        raise MemoryError


class Faulty(LennardJones):
    """As torch says that a CUDA context is lost, until the file `mended` is in its folder."""

    def calculate(self, *args, **kwargs) -> None:
        if not Path("mended").exists():
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        super().calculate(*args, **kwargs)
