"""One builder for each framework: from a model entry to the ASE calculator of the package that it names.

A builder imports its package only when it is called: no interpreter has all of them. `options` of an entry go to the
package as they are, but for those that a builder says it takes itself.
"""

import importlib
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ase.calculators.calculator import Calculator
from ase.data import chemical_symbols

from .errors import ModelLoadFailed
from .protocol import ModelEntry
from .weights import weights_file, where_to_get


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

#: what its loader calls the dtypes
_ORB_PRECISION = {"float32": "float32-highest", "float64": "float64"}


def _build_sevennet(entry: ModelEntry) -> Built:
    weights = weights_file(entry)
    _require_dtype(entry, "float32")
    device = _device(entry)
    with warnings.catch_warnings():
        # It says at each load that accelerators for CUDA are off; `options` can turn them on.
        warnings.filterwarnings("ignore", message="No tensor product accelerator")
        sevennet = _package(entry, "sevenn.calculator")
        calculator = sevennet.SevenNetCalculator(
            model=str(weights), file_type="checkpoint", device=device, **entry.get("options", {})
        )
    return Built(calculator, _symbols(calculator.type_map), ("sevenn", "torch", "e3nn"), weights)


def _build_chgnet(entry: ModelEntry) -> Built:
    """`mlp_out_bias` in `options` is for files of version 0.2.0, whose readout has a bias that they do not tell."""
    weights = weights_file(entry)
    _require_dtype(entry, "float32")
    device = _device(entry)
    dynamics = _package(entry, "chgnet.model.dynamics")
    options = dict(entry.get("options", {}))
    model = dynamics.CHGNet.from_file(str(weights), mlp_out_bias=options.pop("mlp_out_bias", False))
    calculator = dynamics.CHGNetCalculator(model, use_device=device, **options)
    # Which elements it was trained on the file does not tell; for others it has no place at all.
    known = range(1, model.composition_model.max_num_elements + 1)
    return Built(calculator, _symbols(known), ("chgnet", "torch", "pymatgen"), weights)


def _build_mace(entry: ModelEntry) -> Built:
    """`head` in `options` chooses the head of a model that has several."""
    weights = weights_file(entry)
    dtype = _require_dtype(entry, "float32", "float64")
    device = _device(entry)
    mace = _package(entry, "mace.calculators")
    # As a list: a single path would be taken for a pattern of file names.
    calculator = mace.MACECalculator(
        model_paths=[str(weights)], device=device, default_dtype=dtype, **entry.get("options", {})
    )
    return Built(calculator, _symbols(calculator.z_table.zs), ("mace-torch", "torch", "e3nn"), weights)


def _build_orb(entry: ModelEntry) -> Built:
    """A file of ORB holds numbers only, so `architecture` in `options` names the network that they belong to.

    `precision` and `compile` in `options` go to its loader: without them nothing is compiled, and a GPU does not
    round to TF32.
    """
    weights = weights_file(entry)
    dtype = _require_dtype(entry, "float32", "float64")
    device = _device(entry)
    architectures: dict[str, Any] = _package(entry, "orb_models.forcefield.pretrained").ORB_PRETRAINED_MODELS
    options = {"precision": _ORB_PRECISION[dtype], "compile": False} | entry.get("options", {})
    architecture = options.pop("architecture", None)
    if architecture not in architectures:
        raise ModelLoadFailed(
            f"Set options = {{ architecture = … }} in [models.{entry['name']}] to the network that its weights belong "
            f"to; {architecture!r} is none. Known: {', '.join(architectures)}."
        )
    loading = {name: options.pop(name) for name in ("precision", "compile")}
    if not str(loading["precision"]).startswith(dtype):
        raise ModelLoadFailed(
            f"Model {entry['name']!r} has dtype {dtype!r} and options = {{ precision = {loading['precision']!r} }}, "
            "which contradict each other. Leave `precision` away."
        )
    with _default_dtype(entry, dtype):
        network = architectures[architecture](weights_path=str(weights), device=device, **loading)
    calculator = _package(entry, "orb_models.forcefield.calculator").ORBCalculator(network, device=device, **options)
    calculate = calculator.calculate

    def calculate_in_dtype(*args: Any, **kwargs: Any) -> None:
        with _default_dtype(entry, dtype):
            calculate(*args, **kwargs)

    # It makes its graphs in the default of the process, which is that of all models here.
    calculator.calculate = calculate_in_dtype
    return Built(calculator, None, ("orb-models", "torch"), weights)


def _build_mattersim(entry: ModelEntry) -> Built:
    weights = weights_file(entry)
    _require_dtype(entry, "float32")
    device = _device(entry)
    mattersim = _package(entry, "mattersim.forcefield")
    # An absolute path: only the bare names of its own files would be downloaded.
    network = mattersim.Potential.from_checkpoint(str(weights), device=device, load_training_state=False)
    # `args_dict` is filled by the calculator; its default would be shared by all of them.
    calculator = mattersim.MatterSimCalculator(network, args_dict={}, device=device, **entry.get("options", {}))
    return Built(calculator, None, ("mattersim", "torch", "e3nn"), weights)


def _build_fairchem(entry: ModelEntry) -> Built:
    """`task_name` in `options` chooses the task of a model that has several: "odac" for MOFs, "omat" for crystals.

    All others are InferenceSettings. They begin with those of the package's mode "batch", because a model stays
    loaded for many structures, and the other modes round more or are for one composition.
    """
    weights = weights_file(entry)
    dtype = _require_dtype(entry, "float32", "float64")
    device = _device(entry)
    units = _package(entry, "fairchem.core.units.mlip_unit")
    options = dict(entry.get("options", {}))
    task_name = options.pop("task_name", None)
    inference = units.InferenceSettings(**({"base_precision_dtype": dtype} | options))
    predictor = units.load_predict_unit(str(weights), inference_settings=inference, device=device)
    calculator = _package(entry, "fairchem.core.calculate.ase_calculator").FAIRChemCalculator(predictor, task_name)
    return Built(calculator, None, ("fairchem-core", "torch", "e3nn"), weights)


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


def _package(entry: ModelEntry, module: str) -> Any:
    """Import it; raises ModelLoadFailed where this interpreter does not have it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ModelLoadFailed(
            f"Model {entry['name']!r} is loaded by {module}, which {sys.executable} cannot import ({error}). "
            f"{where_to_get(entry)}"
        ) from error


def _require_dtype(entry: ModelEntry, *known: str) -> str:
    dtype = entry.get("dtype", "float32")
    if dtype not in known:
        raise ModelLoadFailed(
            f"The framework {entry['framework']} computes in {' and '.join(known)} only; set `dtype` of "
            f"{entry['name']!r} to it."
        )
    return dtype


@contextmanager
def _default_dtype(entry: ModelEntry, dtype: str) -> Iterator[None]:
    """The default of torch, for a package that knows no other way; what it was before is so again."""
    torch = _package(entry, "torch")
    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, dtype))
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def _device(entry: ModelEntry) -> str:
    """Raises ModelLoadFailed when it is not there: packages fall back to the CPU without a word."""
    device = entry.get("device", "cpu")
    if device.startswith("cuda"):
        torch = _package(entry, "torch")
        if not torch.cuda.is_available():
            raise ModelLoadFailed(
                f"The model is to run on {device!r}, and torch {torch.__version__} in {sys.executable} sees "
                "no CUDA device. Look at `nvidia-smi`, and whether torch was built for CUDA."
            )
    return device


def _symbols(numbers: Iterable[int]) -> list[str]:
    return [chemical_symbols[number] for number in sorted(numbers)]


BUILDERS: dict[str, Builder] = {
    "ase": _build_ase,
    "chgnet": _build_chgnet,
    "fairchem": _build_fairchem,
    "mace": _build_mace,
    "mattersim": _build_mattersim,
    "orb": _build_orb,
    "sevenn": _build_sevennet,
}
