"""From a model entry to an ASE calculator: one builder for each framework.

A package can add a framework with an entry point of the group `mofsim.calculators`, whose name is the
framework and whose object is a `Builder`.
"""

import importlib
import importlib.metadata
import importlib.util
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ase.calculators.calculator import Calculator
from ase.data import chemical_symbols
from ase.units import Bohr

from .errors import ModelLoadFailed
from .protocol import ModelEntry

#: D3 as MOFSimBench had it from torch-dftd: pairs to 40 Bohr (dftd3's default is 60), no three-body term.
#: With these, both packages agree to 6e-8 eV/atom on MOF-5, Zn-MOF-74 and UiO-66.
D3_SETTINGS: dict[str, Any] = {
    "method": "PBE",
    "damping": "d3bj",
    "pair_cutoff_bohr": 40.0,
    "coordination_cutoff_bohr": 40.0,
    "three_body": False,
}


@dataclass(frozen=True)
class Built:
    """What a builder hands back."""

    calculator: Calculator
    #: symbols that the potential knows; None when it does not say
    elements: list[str] | None
    #: names of the distributions whose versions belong into the provenance
    packages: tuple[str, ...]
    #: the file with the weights, where there is one
    weights: Path | None = None


Builder = Callable[[ModelEntry], Built]


def builder_of(framework: str) -> Builder:
    """The builder for `framework`; raises ModelLoadFailed when there is none."""
    if framework in _BUILDERS:
        return _BUILDERS[framework]
    for point in importlib.metadata.entry_points(group="mofsim.calculators", name=framework):
        builder: Builder = point.load()
        return builder
    known = ", ".join(sorted(_BUILDERS))
    raise ModelLoadFailed(
        f"No builder for framework {framework!r} in {sys.executable}. Known: {known}, and entry points of "
        "the group 'mofsim.calculators'."
    )


def weights_file(entry: ModelEntry) -> Path:
    """The file behind `checkpoint`; a `package:` path is found without importing the package.

    Raises ModelLoadFailed when it is not there: nothing is ever downloaded.
    """
    checkpoint = entry["checkpoint"]
    path = Path(checkpoint)
    if checkpoint.startswith("package:"):
        package, _, inside = checkpoint.removeprefix("package:").partition("/")
        path = _package_folder(package, entry["name"]) / inside
    elif not path.is_absolute():
        raise ModelLoadFailed(
            f"The checkpoint of model {entry['name']!r} is {checkpoint!r}. Give an absolute path or "
            "'package:NAME/path/inside/the/package'."
        )
    if not path.is_file():
        raise ModelLoadFailed(
            f"The weights of model {entry['name']!r} are not at {path}. Put the file there, or correct "
            f"`checkpoint` in [models.{entry['name']}]. mofsim never downloads weights."
        )
    return path


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


def _package_folder(package: str, model: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModelLoadFailed(
            f"The weights of model {model!r} come inside the package {package!r}, which {sys.executable} "
            f"does not have. Install it there, or set `python` in [models.{model}] to an interpreter that "
            "has it."
        )
    return Path(next(iter(spec.submodule_search_locations)))


def _build_sevennet(entry: ModelEntry) -> Built:
    weights = weights_file(entry)
    if entry.get("dtype", "float32") != "float32":
        raise ModelLoadFailed(f"SevenNet computes in float32 only; set `dtype` of {entry['name']!r} to it.")
    device = entry.get("device", "cpu")
    _require_device(device)
    with warnings.catch_warnings():
        # It says at each load that accelerators for CUDA are off; `options` can turn them on.
        warnings.filterwarnings("ignore", message="No tensor product accelerator")
        sevennet = importlib.import_module("sevenn.calculator")
        calculator = sevennet.SevenNetCalculator(
            model=str(weights), file_type="checkpoint", device=device, **entry.get("options", {})
        )
    elements = [chemical_symbols[number] for number in sorted(calculator.type_map)]
    return Built(calculator, elements, ("sevenn", "torch", "e3nn"), weights)


def _build_ase(entry: ModelEntry) -> Built:
    """Any calculator that can be imported, with `options` as its keyword arguments."""
    module_name, _, class_name = entry["checkpoint"].partition(":")
    try:
        cls = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError) as error:
        raise ModelLoadFailed(
            f"The checkpoint of model {entry['name']!r} should be 'module:Class', like "
            f"'ase.calculators.emt:EMT'; {entry['checkpoint']!r} cannot be imported ({error})."
        ) from error
    return Built(cls(**entry.get("options", {})), None, ())


def _require_device(device: str) -> None:
    if device.startswith("cuda"):
        torch = importlib.import_module("torch")
        if not torch.cuda.is_available():
            raise ModelLoadFailed(
                f"The model is to run on {device!r}, and torch {torch.__version__} in {sys.executable} sees "
                "no CUDA device. Look at `nvidia-smi`, and whether torch was built for CUDA."
            )


_BUILDERS: dict[str, Builder] = {"sevenn": _build_sevennet, "ase": _build_ase}
