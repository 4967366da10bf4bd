"""The checks that tell a sound potential from one whose forces or stress are not those of its energy."""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import Calculator
from ase.calculators.emt import EMT
from ase.data import atomic_numbers

from mofsim.simulations.validation import validate


class Spoilt(EMT):
    """EMT with one thing wrong."""

    def __init__(self, spoil: Callable[[dict[str, Any], Atoms], None]) -> None:
        super().__init__()
        self._spoil = spoil

    def calculate(self, *args: Any, **kwargs: Any) -> None:
        super().calculate(*args, **kwargs)
        # Results that are kept must not be spoilt twice.
        self.results = {name: np.array(value) for name, value in self.results.items()}
        self._spoil(self.results, self.atoms)


def failed(spoil: Callable[[dict[str, Any], Atoms], None]) -> set[str]:
    found = validate(copper(), Spoilt(spoil))
    return {name for name, check in found.items() if not check["passed"]}


def copper() -> Atoms:
    return bulk("Cu", cubic=True) * (2, 2, 2)


def scale(name: str, factor: float) -> Callable[[dict[str, Any], Atoms], None]:
    def spoil(results: dict[str, Any], _: Atoms) -> None:
        results[name] = results[name] * factor

    return spoil


def push(results: dict[str, Any], _: Atoms) -> None:
    results["forces"] = results["forces"] + 0.01


def tie_to_the_origin(results: dict[str, Any], atoms: Atoms) -> None:
    results["energy"] = results["energy"] + 0.01 * float(np.sum(atoms.positions[:, 0]))


def lose_a_force(results: dict[str, Any], _: Atoms) -> None:
    results["forces"][3, 1] = np.nan


def test_a_sound_potential_passes_every_check_and_leaves_the_structure_alone() -> None:
    atoms = copper()
    before = atoms.copy()
    found = validate(atoms, EMT())
    assert set(found) == {"finite", "forces", "stress", "translation", "net_force", "response"}
    assert all(check["passed"] for check in found.values())
    assert all((check["measured"] >= check["limit"]) == check["at_least"] for check in found.values() if check["limit"])
    assert atoms == before and atoms.calc is None
    assert found["forces"]["measured"] < 1e-5 and found["stress"]["measured"] < 1e-4


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (scale("forces", -1.0), {"forces"}),
        (scale("forces", 1.2), {"forces"}),
        (scale("stress", -1.0), {"stress"}),
        (scale("stress", 1 / 160.21766), {"stress"}),
        (push, {"net_force"}),
        (tie_to_the_origin, {"stress", "translation"}),
        (lose_a_force, {"finite", "forces", "stress", "translation", "net_force", "response"}),
    ],
)
def test_what_is_wrong_with_a_potential_is_found(
    spoil: Callable[[dict[str, Any], Atoms], None], expected: set[str]
) -> None:
    assert failed(spoil) == expected


@pytest.mark.parametrize("energy", [0.0, -3.7])
def test_a_potential_that_is_the_same_wherever_its_atoms_are_fails(energy: float) -> None:
    class Constant(Calculator):
        implemented_properties: ClassVar = ["energy", "forces", "stress"]

        def calculate(self, *args: Any, **kwargs: Any) -> None:
            super().calculate(*args, **kwargs)
            n_atoms = len(self.atoms)
            self.results = {"energy": energy * n_atoms, "forces": np.zeros((n_atoms, 3)), "stress": np.zeros(6)}

    found = validate(copper(), Constant())
    assert {name for name, check in found.items() if not check["passed"]} == {"response"}
    assert found["response"]["measured"] == 0.0 and found["response"]["at_least"]


def test_a_potential_that_feels_one_element_only_fails() -> None:
    alloy = copper()
    alloy.symbols[0] = "Au"

    class NoGold(EMT):
        def calculate(self, atoms: Atoms, *args: Any, **kwargs: Any) -> None:
            is_felt = atoms.numbers != atomic_numbers["Au"]
            kept = atoms[is_felt]
            kept.calc = EMT()
            energy, stress = kept.get_potential_energy(), kept.get_stress()
            forces = np.zeros((len(atoms), 3))
            forces[is_felt] = kept.get_forces()
            self.atoms = atoms.copy()
            self.results = {"energy": energy, "forces": forces, "stress": stress}

    found = validate(alloy, NoGold())
    assert {name for name, check in found.items() if not check["passed"]} == {"response"}


def test_a_potential_without_stress_does_not_pass_for_one_that_has_it() -> None:
    class NoStress(EMT):
        implemented_properties = ["energy", "forces"]  # noqa: RUF012

    found = validate(copper(), NoStress())
    assert found["stress"]["measured"] is None and not found["stress"]["passed"]
    assert found["forces"]["passed"]
