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


def provenance(model: LoadedModel, structure_sha256: str, task_type: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Plain values only. The structure's hash is that of the normalised file."""
    d3 = bool(model.entry.get("d3"))
    return {
        "task_type": task_type,
        "parameters": parameters,
        "model": model.name,
        "framework": model.entry["framework"],
        "checkpoint": model.weights_name,
        "model_sha256": model.weights_sha256,
        "model_options": model.entry.get("options", {}),
        "d3": D3_SETTINGS if d3 else None,
        "structure_sha256": structure_sha256,
        "dtype": model.entry.get("dtype", "float32"),
        "device": _device_name(model.device),
        "threads": _threads(),
        "hostname": socket.gethostname(),
        "versions": versions_of(model),
    }


def versions_of(model: LoadedModel) -> dict[str, str]:
    """Of Python and of all packages that a number of this model depends on."""
    d3 = ("dftd3",) if model.entry.get("d3") else ()
    return {"python": platform.python_version(), **versions(("ase", "numpy", *model.packages, *d3))}


@functools.cache
def _device_name(device: str) -> str:
    torch = sys.modules.get("torch")
    if torch is not None and device.startswith("cuda"):
        return str(torch.cuda.get_device_name(device))
    return device


def _threads() -> int | None:
    torch = sys.modules.get("torch")
    if torch is not None:
        return int(torch.get_num_threads())
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return int(limit) if limit.isdigit() else os.cpu_count()
