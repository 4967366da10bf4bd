"""Calculators for tests, found by executors through PYTHONPATH."""

import os
import time
from pathlib import Path
from typing import ClassVar

import numpy as np
from ase.calculators.calculator import Calculator
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
    """Takes a gigabyte of the machine's memory, and uses it, in the control group that a file of its folder names."""

    def calculate(self, *args, **kwargs) -> None:
        Path(Path("control_group").read_text(), "cgroup.procs").write_text(str(os.getpid()))
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


class Failing(LennardJones):
    """Every task fails, until the file `mended` is in its folder."""

    def calculate(self, *args, **kwargs) -> None:
        if not Path("mended").exists():
            raise ValueError("this model is no good")
        super().calculate(*args, **kwargs)


class Wild(Calculator):
    """Goes wrong as potentials do, from one call to the next: each plague comes, and passes.

    Forces are small, so that the atoms stay about where they are; the cell follows the stress.
    """

    implemented_properties: ClassVar = ["energy", "forces", "stress"]
    calls = 0

    def calculate(self, *args, **kwargs) -> None:
        super().calculate(*args, **kwargs)
        self.calls += 1
        n = self.calls
        energy, force = -1.0 * n / 1000, 0.5 * 0.99**n
        if n == 5:
            energy += 5.0 * len(self.atoms)
        if 15 <= n < 30:
            force *= 1.3 ** (n - 15)
        if 45 <= n < 75:
            force = 0.6
        forces = np.zeros((len(self.atoms), 3))
        forces[0, 0], forces[1, 0] = force, -force
        stress = np.zeros(6)
        stress[:3] = 0.02 if n < 25 else -0.02 if n < 65 else 0.0
        self.results = {"energy": energy, "forces": forces, "stress": stress}
