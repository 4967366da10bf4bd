"""Extended XYZ, written so that nothing is lost and little time is spent.

ASE's own writer rounds positions to 8 decimals and takes milliseconds a frame.
Format: https://github.com/libAtoms/extxyz
"""

import io
from collections.abc import Sequence

import numpy as np
from ase import Atoms
from ase.io.extxyz import read_xyz
from ase.stress import voigt_6_to_full_3x3_stress

_STRUCTURE_PROPERTIES = "species:S:1:pos:R:3"


def format_structure(atoms: Atoms) -> str:
    """Symbols, positions (Å) and cell (Å) with every bit of their floats; periodic; nothing else.

    Reading it back gives the same numbers, so the same energy to the last digit.
    """
    lines = [str(len(atoms)), _comment(atoms, _STRUCTURE_PROPERTIES)]
    for symbol, position in zip(atoms.symbols, atoms.positions.tolist(), strict=True):
        lines.append(f"{symbol} {_exact(position)}")
    return "\n".join(lines) + "\n"


def read_structure(text: str) -> Atoms:
    """The structure that `format_structure` wrote, without calculator, constraints or velocities."""
    atoms = next(read_xyz(io.StringIO(text), 0))
    return Atoms(atoms.numbers, positions=atoms.positions, cell=atoms.cell, pbc=True)


class FrameFormat:
    """Formats frames of one set of atoms: positions (Å), forces (eV/Å), energy (eV), stress (eV/Å³).

    `decimals` is for positions and forces; energy and cell are exact.
    """

    def __init__(self, symbols: Sequence[str], decimals: int = 8) -> None:
        number = f" %{decimals + 8}.{decimals}f"
        self._rows = "".join(f"{symbol:<2}{number * 6}\n" for symbol in symbols)
        self._count = len(symbols)

    def format(self, atoms: Atoms, energy_eV: float, forces: np.ndarray, stress: np.ndarray | None, step: int) -> str:
        """`forces` has the shape (atoms, 3); `stress` is xx, yy, zz, yz, xz, xy."""
        extra = f" energy={energy_eV!r} step={step}"
        if stress is not None:
            full = voigt_6_to_full_3x3_stress(stress).ravel().tolist()
            extra += f' stress="{_exact(full)}"'
        comment = _comment(atoms, f"{_STRUCTURE_PROPERTIES}:forces:R:3")
        values = np.hstack([atoms.positions, forces]).ravel().tolist()
        return f"{self._count}\n{comment}{extra}\n{self._rows % tuple(values)}"


def _comment(atoms: Atoms, properties: str) -> str:
    return f'Lattice="{_exact(atoms.cell.array.ravel().tolist())}" Properties={properties} pbc="T T T"'


def _exact(values: Sequence[float]) -> str:
    """The shortest decimals that read back as the same floats."""
    return " ".join(map(repr, values))
