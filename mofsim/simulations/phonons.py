"""Phonons from finite displacements with phonopy, and the heat capacity from them (doi:10.7566/JPSJ.92.012001)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from ase import Atoms

#: Below this a mode counts as imaginary. The three acoustic ones at the zone's centre are never quite 0.
IMAGINARY_BELOW_THZ = -0.1


@dataclass(frozen=True)
class HeatCapacity:
    """At constant volume, of phonopy's primitive cell.

    Without the imaginary modes (phonopy leaves them out) and without the three acoustic ones at Γ.
    """

    temperatures_K: np.ndarray
    per_mol: np.ndarray
    at_300_K_J_per_molK: float
    #: g/mol of the primitive cell
    mass: float
    #: at the centre of the Brillouin zone
    imaginary_modes: int
    #: of all modes on the mesh
    imaginary_percent: float
    lowest_frequency_THz: float

    @property
    def left_out(self) -> str:
        """What the heat capacity does without, for a person; "" when that is nothing."""
        if not self.imaginary_modes and not self.imaginary_percent:
            return ""
        centre = f"{self.imaginary_modes} mode{'s' * (self.imaginary_modes != 1)} at Γ"
        return f"{centre} and {self.imaginary_percent:.2g} % of all modes are imaginary and left out"

    @property
    def per_gram(self) -> np.ndarray:
        """J/(g K)."""
        return self.per_mol / self.mass


class Displacements:
    """The displaced structures of `relaxed`, whose cell is also the supercell. The same structure gives the same."""

    def __init__(self, relaxed: Atoms, distance_A: float, symprec_A: float) -> None:
        from phonopy import Phonopy
        from phonopy.structure.atoms import PhonopyAtoms

        cell = PhonopyAtoms(
            symbols=list(relaxed.symbols),
            cell=relaxed.cell.array,
            scaled_positions=relaxed.get_scaled_positions(wrap=False),
        )
        self._phonon: Any = Phonopy(cell, supercell_matrix=np.eye(3, dtype=int), symprec=symprec_A)
        self._phonon.generate_displacements(distance=distance_A)
        #: each of shape (atoms, 3), in Å
        self.positions: list[np.ndarray] = [cell.positions for cell in self._phonon.supercells_with_displacements or ()]

    def heat_capacity(self, forces: Sequence[np.ndarray], mesh_length: float, step_K: float) -> HeatCapacity:
        """`forces` are those of each displaced structure, in eV/Å."""
        phonon = self._phonon
        phonon.forces = np.array(forces)
        phonon.produce_force_constants(show_drift=False)
        phonon.run_mesh(mesh_length)
        # Their frequencies are 0 but for noise, whose sign would decide from run to run whether they count.
        properties_at = partial(phonon.run_thermal_properties, exclude_gamma_acoustic=True)
        properties_at(temperatures=[300.0])
        at_300 = float(phonon.get_thermal_properties_dict()["heat_capacity"][0])
        properties_at(t_min=0, t_max=1000, t_step=step_K)
        properties = phonon.get_thermal_properties_dict()
        mesh = phonon.get_mesh_dict()
        frequencies, weights = mesh["frequencies"], mesh["weights"]
        share = (frequencies < IMAGINARY_BELOW_THZ).mean(axis=1) @ weights / weights.sum()
        phonon.run_qpoints([[0.0, 0.0, 0.0]])
        at_centre = phonon.get_qpoints_dict()["frequencies"][0]
        return HeatCapacity(
            temperatures_K=properties["temperatures"],
            per_mol=properties["heat_capacity"],
            at_300_K_J_per_molK=at_300,
            mass=float(phonon.primitive.masses.sum()),
            imaginary_modes=int((at_centre < IMAGINARY_BELOW_THZ).sum()),
            imaginary_percent=100 * float(share),
            lowest_frequency_THz=float(min(frequencies.min(), at_centre.min())),
        )
