"""From a model entry to ASE calculators.

A package can add a framework with an entry point of the group `mofsim.calculators`, whose name is the
framework and whose object is a `Builder`.
"""

import importlib.metadata
import sys
from typing import Any

from ase.calculators.calculator import Calculator
from ase.units import Bohr

from .adapters import BUILDERS, Builder, Built
from .errors import ModelLoadFailed

#: what a package that adds a framework needs from here
__all__ = ["D3_SETTINGS", "Builder", "Built", "builder_of", "d3_calculator"]

#: D3 as MOFSimBench had it from torch-dftd: pairs to 40 Bohr (dftd3's default is 60), no three-body term.
#: With these, both packages agree to 6e-8 eV/atom on MOF-5, Zn-MOF-74 and UiO-66.
D3_SETTINGS: dict[str, Any] = {
    "method": "PBE",
    "damping": "d3bj",
    "pair_cutoff_bohr": 40.0,
    "coordination_cutoff_bohr": 40.0,
    "three_body": False,
}


def builder_of(framework: str) -> Builder:
    """The builder for `framework`; raises ModelLoadFailed when there is none."""
    if framework in BUILDERS:
        return BUILDERS[framework]
    for point in importlib.metadata.entry_points(group="mofsim.calculators", name=framework):
        builder: Builder = point.load()
        return builder
    known = ", ".join(sorted(BUILDERS))
    raise ModelLoadFailed(
        f"No builder for framework {framework!r} in {sys.executable}. Known: {known}, and entry points of "
        "the group 'mofsim.calculators'."
    )


def d3_calculator() -> Calculator:
    """D3(BJ) for PBE: energy in eV, forces in eV/Å, stress in eV/Å³ (Grimme 2011, doi:10.1002/jcc.21759)."""
    try:
        from dftd3.ase import DFTD3
    except ImportError as error:
        raise ModelLoadFailed(
            f"This model wants D3 dispersion, and the package dftd3 cannot be imported in {sys.executable} "
            f"({error}). Install it there with `pip install dftd3`, or set `d3 = false`."
        ) from error
    cutoffs = {
        "disp2": D3_SETTINGS["pair_cutoff_bohr"] * Bohr,
        "cn": D3_SETTINGS["coordination_cutoff_bohr"] * Bohr,
    }
    return DFTD3(method=D3_SETTINGS["method"], damping=D3_SETTINGS["damping"], realspace_cutoff=cutoffs)
