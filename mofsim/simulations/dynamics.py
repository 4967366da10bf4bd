"""Molecular dynamics with ASE: the integrators, and what they remember from one step to the next."""

# The classes of ase are untyped, and mypy cannot exclude calls of super().
# mypy: allow-untyped-calls

import warnings
from typing import Any, Protocol

import numpy as np
from ase import Atoms, units
from ase.md.langevin import Langevin
from ase.md.nose_hoover_chain import IsotropicMTKNPT
from ase.md.velocitydistribution import Stationary


class Integrator(Protocol):
    """Moves atoms by one time step."""

    def step(self) -> None: ...

    def state(self) -> dict[str, Any]:
        """What it remembers besides the atoms with their momenta, and the RNG."""

    def restore(self, state: dict[str, Any]) -> None: ...


class Nvt:
    """Langevin dynamics at constant volume. All it remembers is in the momenta and in `rng`."""

    def __init__(
        self,
        atoms: Atoms,
        *,
        timestep_fs: float,
        temperature_K: float,
        friction_per_fs: float,
        rng: np.random.Generator,
    ) -> None:
        with warnings.catch_warnings():
            # The published protocol fixes the centre of mass in this way, which newer versions of ASE advise against.
            warnings.filterwarnings("ignore", message=".*fixcm", category=FutureWarning)
            self._dynamics = Langevin(
                atoms,
                timestep_fs * units.fs,
                temperature_K=temperature_K,
                friction=friction_per_fs / units.fs,
                fixcm=True,
                rng=rng,
            )

    def step(self) -> None:
        self._dynamics.step()

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Nothing to do."""


class Npt:
    """Isotropic Martyna-Tobias-Klein dynamics at constant pressure (doi:10.1063/1.467468)."""

    def __init__(
        self,
        atoms: Atoms,
        *,
        timestep_fs: float,
        temperature_K: float,
        pressure_bar: float,
        thermostat_fs: float,
        barostat_fs: float,
    ) -> None:
        self._dynamics: Any = IsotropicMTKNPT(
            atoms,
            timestep_fs * units.fs,
            temperature_K=temperature_K,
            pressure_au=pressure_bar * units.bar,
            tdamp=thermostat_fs * units.fs,
            pdamp=barostat_fs * units.fs,
        )

    def step(self) -> None:
        self._dynamics.step()

    def state(self) -> dict[str, Any]:
        dynamics = self._dynamics
        own = {name: getattr(dynamics, name) for name in ("_q", "_p", "_eps", "_p_eps", "_volume0", "_cell0")}
        thermostat = {name: getattr(dynamics._thermostat, name) for name in ("_eta", "_p_eta")}
        barostat = {name: getattr(dynamics._barostat, name) for name in ("_xi", "_p_xi")}
        return {"own": own, "thermostat": thermostat, "barostat": barostat}

    def restore(self, state: dict[str, Any]) -> None:
        """Raises AttributeError where this version of ASE remembers other things than the one that wrote `state`."""
        parts = {
            "own": self._dynamics,
            "thermostat": self._dynamics._thermostat,
            "barostat": self._dynamics._barostat,
        }
        for part, values in state.items():
            for name, value in values.items():
                getattr(parts[part], name)
                setattr(parts[part], name, value)


def thermalize(atoms: Atoms, temperature_K: float, rng: np.random.Generator) -> None:
    """Momenta from the Maxwell-Boltzmann distribution, without a drift of the whole.

    The angular momentum stays: that of a periodic system means nothing.
    """
    masses = atoms.get_masses()[:, np.newaxis]
    atoms.set_momenta(rng.standard_normal((len(atoms), 3)) * np.sqrt(masses * units.kB * temperature_K))
    Stationary(atoms)


def temperature_K(atoms: Atoms) -> float:
    """From the momenta of all atoms, with three degrees of freedom each."""
    return float(atoms.get_temperature())


def pressure_GPa(atoms: Atoms) -> float:
    """The virial and, where the atoms have momenta, the kinetic part."""
    stress = atoms.get_stress(voigt=False, include_ideal_gas=True)
    return float(-np.trace(stress) / 3 / units.GPa)
