"""The calculator of every simulation: a model's potential, with dispersion added where it is asked for."""

# The base class is untyped, and mypy cannot exclude calls of super().
# mypy: allow-untyped-calls

from collections.abc import Sequence
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, PropertyNotImplementedError, all_changes
from ase.stress import full_3x3_to_voigt_6_stress

from .guards import Guard

_ALL = ("energy", "forces", "stress")


class Potential(Calculator):
    """Sum of ASE calculators; one evaluation of each part gives energy, forces and stress together.

    ASE's SumCalculator asks the parts for one property after the other, and the parts that compute only what
    they are asked for (D3 among them) then work twice.

    Energy in eV, forces (atoms, 3) in eV/Å, stress in eV/Å³ as xx, yy, zz, yz, xz, xy.
    """

    def __init__(self, parts: Sequence[Calculator]) -> None:
        super().__init__()
        self.parts = list(parts)
        self.has_stress = all("stress" in part.implemented_properties for part in self.parts)
        self.implemented_properties = ["energy", "free_energy", "forces"]
        if self.has_stress:
            self.implemented_properties.append("stress")
        self.guard: Guard | None = None

    def reset(self) -> None:
        """Forget everything that was computed, the parts' memory included."""
        super().reset()
        for part in self.parts:
            part.reset()

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] | None = None,
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        """Raises SimulationExploded where a guard is set and not content."""
        super().calculate(atoms, properties or ["energy"], system_changes)
        if self.guard and self.atoms is not None:
            self.guard.before(self.atoms)
        wanted = [name for name in _ALL if name != "stress" or self.has_stress]
        for part in self.parts:
            part.calculate(self.atoms, wanted, list(system_changes))
        energy = float(sum(_energy(part.results) for part in self.parts))
        forces = np.sum([np.asarray(part.results["forces"], float) for part in self.parts], axis=0)
        stress = self._stress() if self.has_stress else None
        if self.guard:
            self.guard.after(energy, forces, stress)
        self.results = {"energy": energy, "free_energy": energy, "forces": forces}
        if stress is not None:
            self.results["stress"] = stress

    def _stress(self) -> np.ndarray:
        total = np.zeros(6)
        for part in self.parts:
            if "stress" not in part.results:
                raise PropertyNotImplementedError(f"{type(part).__name__} gave no stress")
            stress = np.asarray(part.results["stress"], float)
            total += full_3x3_to_voigt_6_stress(stress) if stress.shape == (3, 3) else stress
        return total


def _energy(results: dict[str, Any]) -> float:
    """Most potentials give one energy; where there are two, the forces belong to the free one."""
    return float(results.get("free_energy", results["energy"]))
