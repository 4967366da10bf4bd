"""Whether what was accepted can be simulated: the normalised copy, read as an executor reads it."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mofsim.simulations.frames import read_structure


def faults(told: Mapping[str, Any], normalised: str) -> list[str]:
    """What is wrong with an accepted structure, of which the server told this record."""
    atoms = read_structure(normalised)
    checks = {
        "has no atoms": len(atoms) >= 1,
        "has another number of atoms than was told": len(atoms) == told["n_atoms"],
        "has a position that is not finite": bool(np.isfinite(atoms.positions).all()),
        "has a cell that is not finite": bool(np.isfinite(atoms.cell.array).all()),
        "has no volume": atoms.cell.volume > 0,
        "has another volume than was told": bool(np.isclose(atoms.cell.volume, told["volume_A3"])),
        "has elements that are none": bool((atoms.numbers >= 1).all()),
        "has other elements than was told": sorted(set(atoms.symbols)) == told["elements"],
        "is not periodic": bool(atoms.pbc.all()),
    }
    return [fault for fault, is_well in checks.items() if not is_well]
