"""Run by the interpreters of environments, which have neither mofsim nor pytest: what their packages say by themselves.

python foreign.py STRUCTURE [["make_mace", FILE], ["energy", MODEL], ["validate", MODEL], …]

The line is JSON, and so is what is printed: what came of each. One process does all: importing packages takes long.
"""

import json
import sys
import types
from pathlib import Path
from typing import Any


def make_mace(_structure: str, path: str) -> None:
    """A MACE model with random weights, which nobody needs to download."""
    # It sets how e3nn loads its constants, so it comes before it.
    import mace.calculators  # noqa: F401
    import numpy as np
    import torch
    from e3nn import o3
    from mace import modules

    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    numbers = [1, 6, 8, 12, 30]
    model = modules.ScaleShiftMACE(
        r_max=4.5,
        num_bessel=6,
        num_polynomial_cutoff=5,
        max_ell=2,
        interaction_cls=modules.interaction_classes["RealAgnosticResidualInteractionBlock"],
        interaction_cls_first=modules.interaction_classes["RealAgnosticInteractionBlock"],
        num_interactions=2,
        num_elements=len(numbers),
        hidden_irreps=o3.Irreps("8x0e + 8x1o"),
        MLP_irreps=o3.Irreps("8x0e"),
        gate=torch.nn.functional.silu,
        atomic_energies=np.zeros(len(numbers)),
        avg_num_neighbors=12.0,
        atomic_numbers=numbers,
        correlation=2,
        # So that its forces are about those of a real one.
        atomic_inter_scale=50.0,
        atomic_inter_shift=-3.0,
    )
    torch.save(model, path)
    torch.set_default_dtype(torch.float32)


def energy(structure: str, model: dict[str, Any]) -> dict[str, float]:
    """By the calculators as their packages' manuals make them."""
    import ase.io

    if model["framework"] == "mace":
        from mace.calculators import MACECalculator

        calculator = MACECalculator([model["checkpoint"]], device="cpu", default_dtype=model["dtype"])
    else:
        from chgnet.model.dynamics import CHGNetCalculator
        from chgnet.model.model import CHGNet

        calculator = CHGNetCalculator(CHGNet.load(model_name="0.3.0", use_device="cpu"), use_device="cpu")
    atoms = ase.io.read(structure)
    atoms.calc = calculator
    total = float(atoms.get_potential_energy())
    if model["d3"]:
        from ase.units import Bohr
        from dftd3.ase import DFTD3

        atoms.calc = DFTD3(method="PBE", damping="d3bj", realspace_cutoff={"disp2": 40 * Bohr, "cn": 40 * Bohr})
        total += float(atoms.get_potential_energy())
    return {"energy_eV": total}


def validate(structure: str, model: dict[str, Any]) -> dict[str, Any]:
    import ase.io

    mofsim = types.ModuleType("mofsim")
    mofsim.__path__ = [str(Path(__file__).parents[2] / "mofsim")]
    sys.modules["mofsim"] = mofsim
    from mofsim.simulations.models import load_model
    from mofsim.simulations.validation import validate as checks

    return dict(checks(ase.io.read(structure), load_model(model, threads=1).potential))  # type: ignore[arg-type]


if __name__ == "__main__":
    known: dict[str, Any] = {"make_mace": make_mace, "energy": energy, "validate": validate}
    print(json.dumps([known[what](sys.argv[1], about) for what, about in json.loads(sys.argv[2])]))
