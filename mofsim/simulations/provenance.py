"""Where a number comes from: all that is needed to get it again, but the preset, which the parent knows."""

import functools
import os
import platform
import socket
import sys
from typing import Any

from .calculators import D3_SETTINGS
from .models import LoadedModel
from .versions import versions

#: what a task type computes with besides ase and numpy
_PACKAGES = {"heat-capacity": ("phonopy", "spglib")}


def provenance(model: LoadedModel, structure_sha256: str, task_type: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Plain values only. The structure's hash is that of the normalised file."""
    d3 = bool(model.entry.get("d3"))
    return {
        "task_type": task_type,
        "parameters": parameters,
        "seed": parameters.get("seed"),
        "model": model.name,
        "framework": model.entry["framework"],
        "checkpoint": model.weights_name,
        "model_sha256": model.weights_sha256,
        "model_options": model.entry.get("options", {}),
        "d3": D3_SETTINGS if d3 else None,
        "structure_sha256": structure_sha256,
        "dtype": model.entry.get("dtype", "float32"),
        "device": _device_name(model.device),
        "cuda": _cuda_version(model.device),
        "threads": _threads(),
        "platform": platform.platform(),
        "hostname": socket.gethostname(),
        "versions": versions_of(model, task_type),
    }


def versions_of(model: LoadedModel, task_type: str = "") -> dict[str, str]:
    """Of Python and of all packages that a number of this model depends on."""
    d3 = ("dftd3",) if model.entry.get("d3") else ()
    packages = ("ase", "numpy", "scipy", *model.packages, *d3, *_PACKAGES.get(task_type, ()))
    return {"python": platform.python_version(), **versions(packages)}


@functools.cache
def _device_name(device: str) -> str:
    torch = sys.modules.get("torch")
    if torch is not None and device.startswith("cuda"):
        return str(torch.cuda.get_device_name(device))
    return device


def _cuda_version(device: str) -> str | None:
    """The CUDA that torch was built with, where it computes with it."""
    torch = sys.modules.get("torch")
    return str(torch.version.cuda) if torch is not None and device.startswith("cuda") else None


def _threads() -> int | None:
    torch = sys.modules.get("torch")
    if torch is not None:
        return int(torch.get_num_threads())
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return int(limit) if limit.isdigit() else os.cpu_count()
