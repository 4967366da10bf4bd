"""What `mofsim doctor` looks at. Nothing heavy is imported: a package is there when Python would find it."""

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from mofsim.core import environments
from mofsim.core.weights import checkpoint_path
from mofsim.settings import ModelSettings, Settings

#: Less free disk than this is a lack, in bytes; trajectories of large structures take hundreds of MB.
_LEAST_DISK = 1_000_000_000

#: What each framework imports.
_PACKAGES = {
    "sevenn": ("torch", "sevenn"),
    "ase": ("ase",),
    "chgnet": ("torch", "chgnet"),
    "mace": ("torch", "mace"),
    "orb": ("torch", "orb_models"),
    "mattersim": ("torch", "mattersim"),
    "fairchem": ("torch", "fairchem"),
}


class Verdict(StrEnum):
    OK = "ok"
    #: worth to know; mofsim runs without it
    NOTE = "note"
    #: mofsim does not run without it
    MISSING = "missing"
    #: of an installation: it works, and will not in some case that comes
    WARN = "warn"
    #: of an installation: tasks, results or keys are at risk, or nothing runs
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    verdict: Verdict
    #: what was found
    found: str
    #: what to do about a lack
    advice: str = ""


def machine() -> Iterator[Check]:
    yield Check("Python", Verdict.OK, f"{sys.version.split()[0]} ({sys.executable})")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    yield Check("CPU", Verdict.OK, f"{cores} cores")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    yield Check("memory", Verdict.OK, f"{memory:.1f} GB")
    yield from gpus()


def gpus() -> Iterator[Check]:
    from mofsim.worker.gpus import list_gpus, why_no_gpus

    found = list_gpus()
    for gpu in found:
        memory = f", {gpu.memory_total_MB / 1000:.0f} GB" if gpu.memory_total_MB else ""
        if gpu.fault:
            yield Check(f"GPU {gpu.index}", Verdict.NOTE, gpu.name or gpu.id, gpu.fault)
        else:
            yield Check(f"GPU {gpu.index}", Verdict.OK, f"{gpu.name or gpu.id}{memory}")
    if not found:
        yield Check("GPU", Verdict.NOTE, f"none: {why_no_gpus()}", "tasks run on the CPU")


def storage(settings: Settings) -> Iterator[Check]:
    root = settings.storage.root
    there = _nearest_existing(root)
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        advice = f"make {there} a folder that this account can write, or set storage.root (MOFSIM_STORAGE__ROOT)"
        yield Check("data folder", Verdict.MISSING, f"{root} can not be written", advice)
    else:
        yield Check("data folder", Verdict.OK, f"{root}{'' if root.exists() else ' (made at the first start)'}")
    free = shutil.disk_usage(there).free
    if free < _LEAST_DISK:
        yield Check("disk", Verdict.MISSING, f"{free / 1e9:.1f} GB free", "remove old tasks (`mofsim rm`), or move")
    else:
        yield Check("disk", Verdict.OK, f"{free / 1e9:.0f} GB free")


def _nearest_existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


def models(settings: Settings) -> Iterator[Check]:
    """The default model is needed, others are not."""
    for name, model in settings.models.items():
        environment = None if model.python else environments.name_for(settings.storage.root, name, model.framework)
        lack = None if environment else _lack_of(model)
        is_default = name == settings.scheduler.default_model
        label = f"model {name}"
        if lack is None:
            where = f", environment {environment}" if environment else ""
            yield Check(label, Verdict.OK, f"{model.framework}{where}{', the default' if is_default else ''}")
        else:
            yield Check(label, Verdict.MISSING if is_default else Verdict.NOTE, *lack)


def _lack_of(model: ModelSettings) -> tuple[str, str] | None:
    """What is not there and what to do about it; None for a model that can be loaded as far as one can see."""
    if model.python:
        # What its own interpreter has installed only that one knows.
        lacks = shutil.which(model.python) is None
        return (f"its interpreter {model.python} is not there", "correct its `python` setting") if lacks else None
    needed = (*_PACKAGES.get(model.framework, ()), *(("dftd3",) if model.d3 else ()))
    absent = [package for package in needed if find_spec(package) is None]
    if absent:
        is_ours = model.framework in ("sevenn", "ase")
        advice = "pip install 'mofsim[worker]'" if is_ours else f"mofsim models env create {model.framework}"
        return f"not installed: {', '.join(absent)}", advice
    if model.framework == "ase":
        return None
    path = checkpoint_path(model.checkpoint)
    if path is None or not path.is_file():
        return f"no file {path or model.checkpoint}", "correct its `checkpoint` setting, or fetch the file"
    return None


def model_environments(settings: Settings) -> Iterator[Check]:
    root = settings.storage.root
    for name in environments.names(root):
        folder = environments.folder_of(root, name)
        python = environments.interpreter(folder)
        if shutil.which(python) is None:
            advice = f"mofsim models env rm {name}, and create it anew"
            yield Check(f"environment {name}", Verdict.NOTE, f"its interpreter {python} is not there", advice)
        else:
            torch = environments.versions(folder).get("torch")
            yield Check(f"environment {name}", Verdict.OK, f"{folder}{f', torch {torch}' if torch else ''}")


def packages() -> Iterator[Check]:
    """Those of the worker, which tell what a result was computed with."""
    for name in ("torch", "sevenn", "dftd3", "phonopy", "spglib"):
        try:
            yield Check(name, Verdict.OK, version(name))
        except PackageNotFoundError:
            yield Check(name, Verdict.NOTE, "not installed", "pip install 'mofsim[worker]' where tasks run")
