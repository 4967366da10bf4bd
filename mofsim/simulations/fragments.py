"""Energies of a host and of a guest by themselves, with the potential of the run that they belong to."""

# The classes of ase are untyped.
# mypy: allow-untyped-calls

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ase import Atoms

from .guards import Guard
from .guests import alone
from .optimizers import optimizer
from .potential import Potential

#: a small molecule needs some ten steps
_GAS_STEPS = 500


@dataclass(frozen=True)
class Gas:
    """A guest relaxed alone in vacuum."""

    guest: Atoms
    energy_eV: float
    converged: bool


def energy_of(atoms: Atoms, potential: Potential) -> float:
    """A single point in eV. Raises SimulationExploded."""
    with _lent(potential, atoms):
        return float(atoms.get_potential_energy())


def gas(guest: Atoms, potential: Potential, fmax_eV_per_A: float) -> Gas:
    """`guest` relaxed in its box of vacuum. Raises SimulationExploded."""
    boxed = alone(guest)
    with _lent(potential, boxed):
        converged = bool(optimizer("LBFGS", boxed).run(fmax=fmax_eV_per_A, steps=_GAS_STEPS))
        energy = float(boxed.get_potential_energy())
    return Gas(Atoms(boxed.numbers, positions=boxed.positions), energy, converged)


@contextmanager
def _lent(potential: Potential, atoms: Atoms) -> Iterator[None]:
    """`potential` works for `atoms`, whose cell has another volume than the run's, and remembers nothing of it."""
    guard = potential.guard
    potential.reset()
    potential.guard = Guard(float(atoms.cell.volume))
    atoms.calc = potential
    try:
        yield
    finally:
        atoms.calc = None
        potential.guard = guard
        potential.reset()
