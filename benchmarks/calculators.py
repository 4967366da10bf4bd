"""Calculators for benchmarks, found by executors through PYTHONPATH."""

import time

import numpy as np
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.lj import LennardJones


class Sleeper(LennardJones):
    """Never comes back."""

    def calculate(self, *args, **kwargs) -> None:
        time.sleep(3600)


class Nothing(Calculator):
    """Knows the answer without computing."""

    implemented_properties = ("energy", "forces", "stress")

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        self.results = {"energy": 0.0, "forces": np.zeros((len(atoms), 3)), "stress": np.zeros(6)}
