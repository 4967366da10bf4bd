"""Whether a potential can be trusted with a simulation: its forces and stress are those of its energy.

Finite differences of the energy tell. Potentials in float32 round it to some 1e-6 eV per atom, so all atoms move at
once: what one atom's move changes would drown in that.
"""

from collections.abc import Callable
from functools import partial
from typing import TypedDict

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator
from ase.units import GPa

#: what atoms and cell are moved by at first: forces and stress of a symmetric structure vanish by themselves
_RATTLE_A = 0.05
_STRAIN = 0.01
#: steps of the finite differences, of each coordinate and of the strain
_STEP_A = 0.005
_STRAIN_STEP = 2e-3
#: random directions in which all atoms move
_N_DIRECTIONS = 3
#: no lattice vector of any structure, so that it moves atoms across the borders of the cell
_SHIFT_A = (1.234, 2.345, 3.456)


class Check(TypedDict):
    """A measured value that should not be above its limit, or not below it."""

    #: None: it can not be measured, or is no number
    measured: float | None
    limit: float
    #: whether the limit is the least that is good, and not the most
    at_least: bool
    unit: str
    passed: bool


#: Far above what rounding makes of a good potential, far below what a wrong sign or unit does.
LIMITS: dict[str, tuple[float, str]] = {
    # per coordinate, as a root mean square. CHGNet, whose energy jumps a little where atoms enter a cutoff, has 0.02,
    # SevenNet and MACE less than 0.001; the forces themselves are some 1 eV/Å.
    "forces": (0.05, "eV/Å"),
    "stress": (0.05, "GPa"),
    "translation": (1e-4, "eV/atom"),
    "net_force": (1e-3, "eV/Å per atom"),
    # per coordinate, of the element that feels least. A potential that is the same wherever its atoms are would pass
    # all others. What moves the atoms here gives those of a real one some 1 eV/Å.
    "response": (0.05, "eV/Å"),
}
#: those whose limit is the least that is good
_AT_LEAST = frozenset({"response"})


def validate(atoms: Atoms, potential: Calculator) -> dict[str, Check]:
    """The checks by name; `potential` has to know the elements of `atoms`, which is left as it is.

    `finite` counts what is no number in energy and forces. The others are measured only where it finds none: how far
    forces and stress are from finite differences of the energy, what a shift of all atoms changes in the energy, the
    sum of all forces, and whether atoms of each element feel that they were moved. All of it is done to a copy that is
    strained and rattled a little.
    """
    moved = _moved(atoms)
    energy, forces = _energy(moved, potential), np.asarray(moved.get_forces(), float)
    n_bad = int(np.sum(~np.isfinite(forces))) + int(not np.isfinite(energy))
    found: dict[str, Check] = {
        "finite": {
            "measured": float(n_bad),
            "limit": 0.0,
            "at_least": False,
            "unit": "numbers that are none",
            "passed": n_bad == 0,
        }
    }
    measures: dict[str, Callable[[], float | None]] = {
        "forces": lambda: _forces_error(moved, forces),
        "stress": lambda: _stress_error(moved),
        "translation": lambda: _translation_error(moved, energy),
        "net_force": lambda: float(np.linalg.norm(forces.sum(axis=0))) / len(moved),
        "response": lambda: _response(moved, forces),
    }
    for name, measure in measures.items():
        found[name] = _check(name, measure() if n_bad == 0 else None)
    return found


def _check(name: str, measured: float | None) -> Check:
    limit, unit = LIMITS[name]
    at_least = name in _AT_LEAST
    if measured is not None and not np.isfinite(measured):
        measured = None
    passed = measured is not None and (measured >= limit if at_least else measured <= limit)
    return {"measured": measured, "limit": limit, "at_least": at_least, "unit": unit, "passed": bool(passed)}


def _moved(atoms: Atoms) -> Atoms:
    """Out of all symmetry; always in the same way."""
    random = np.random.default_rng(0)
    moved: Atoms = atoms.copy()
    strain = random.uniform(-_STRAIN, _STRAIN, (3, 3))
    moved.set_cell(moved.cell.array @ (np.eye(3) + (strain + strain.T) / 2), scale_atoms=True)
    moved.positions += random.normal(0.0, _RATTLE_A, moved.positions.shape)
    return moved


def _forces_error(atoms: Atoms, forces: np.ndarray) -> float:
    """Of directions whose steps are `_STEP_A` per coordinate; what is found is per coordinate too."""
    random = np.random.default_rng(1)
    errors = []
    for _ in range(_N_DIRECTIONS):
        direction = random.normal(size=forces.shape)
        direction *= np.sqrt(direction.size) / np.linalg.norm(direction)
        slope = _slope(partial(_energy_moved, atoms, direction), _STEP_A)
        errors.append(abs(slope + np.sum(forces * direction)) / np.sqrt(direction.size))
    return float(max(errors))


def _stress_error(atoms: Atoms) -> float | None:
    """In GPa; None where the potential gives no stress."""
    if "stress" not in atoms.calc.implemented_properties:
        return None
    stress = atoms.get_stress(voigt=False)
    errors = []
    for i, j in ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)):
        strain = np.zeros((3, 3))
        strain[i, j] += 0.5
        strain[j, i] += 0.5
        slope = _slope(partial(_energy_strained, atoms, strain), _STRAIN_STEP)
        errors.append(abs(slope / atoms.cell.volume - stress[i, j]))
    return float(max(errors) / GPa)


def _translation_error(atoms: Atoms, energy: float) -> float:
    return abs(_energy_moved(atoms, np.asarray(_SHIFT_A), 1.0) - energy) / len(atoms)


def _response(atoms: Atoms, forces: np.ndarray) -> float:
    """The forces tell it of the energy too: where they are not those of it, another check fails."""
    return float(min(np.sqrt(np.mean(forces[atoms.numbers == number] ** 2)) for number in set(atoms.numbers)))


def _slope(energy: Callable[[float], float], step: float) -> float:
    """The derivative at 0, from four points: with two, the anharmonic part of a bond would count as an error."""
    return (8 * (energy(step) - energy(-step)) - (energy(2 * step) - energy(-2 * step))) / (12 * step)


def _energy_moved(atoms: Atoms, direction: np.ndarray, step: float) -> float:
    moved = atoms.copy()
    moved.positions += step * direction
    return _energy(moved, atoms.calc)


def _energy_strained(atoms: Atoms, strain: np.ndarray, step: float) -> float:
    strained = atoms.copy()
    strained.set_cell(atoms.cell.array @ (np.eye(3) + step * strain), scale_atoms=True)
    return _energy(strained, atoms.calc)


def _energy(atoms: Atoms, potential: Calculator) -> float:
    atoms.calc = potential
    return float(atoms.get_potential_energy())
