"""Energy, forces and stress of a structure as it is."""

from typing import Any

from ase.units import GPa

from .frames import FrameFormat
from .run import Run, largest_force


class SinglePoint:
    """One force call. It is made by the hundred, so nothing here costs more than a few milliseconds."""

    total_steps = 1

    def __init__(self, run: Run) -> None:
        self._run = run

    def work(self) -> None:
        self._run.step(1)

    def stage(self) -> None:
        """One force call has no parts."""

    def conclude(self, complete: bool) -> None:
        """forces.extxyz: one frame with energy, forces and stress.

        It does not wait for the disk: the answer is quicker computed again than many disks write.
        """
        if not complete:
            return
        atoms = self._run.atoms
        frame = FrameFormat(list(atoms.symbols), decimals=10).format(
            atoms,
            self._run.rows[-1]["energy_eV"],
            atoms.get_forces(),
            atoms.calc.results.get("stress"),
            step=0,
        )
        self._run.outputs.write_whole("forces.extxyz", frame, durable=False)

    def result(self) -> dict[str, Any]:
        if not self._run.rows:
            return {}
        atoms = self._run.atoms
        energy = self._run.rows[-1]["energy_eV"]
        stress = atoms.calc.results.get("stress")
        return {
            "energy_eV": energy,
            "energy_per_atom_eV": energy / len(atoms),
            "fmax_eV_per_A": largest_force(atoms.get_forces()),
            "stress_GPa": None if stress is None else (stress / GPa).tolist(),
            "n_atoms": len(atoms),
            "volume_A3": float(atoms.cell.volume),
        }
