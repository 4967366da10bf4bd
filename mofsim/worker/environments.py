"""Makes environments of models and proves them: a real executor under their interpreter computes with the model."""

import contextlib
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mofsim.core import environments
from mofsim.core.environments import COMMON, RECIPES
from mofsim.settings import ModelSettings
from mofsim.worker import slots
from mofsim.worker.executor import EXITED, Executor, ExecutorFailed, Message
from mofsim.worker.slots import Slot

#: loading imports torch, which is slow on network disks
CHECK_SECONDS = 600.0


class EnvironmentFailed(Exception):
    """Its text is for a person; nothing is left of an environment that could not be made."""


@dataclass(frozen=True)
class Checked:
    """What a model computed in an environment."""

    model: str
    load_seconds: float
    energy_eV: float
    fmax_eV_per_A: float
    versions: dict[str, str]


def create(root: Path, name: str, framework: str, models: Mapping[str, ModelSettings], *, share: bool) -> list[Checked]:
    """Make the environment and compute with each of `models`; pip says on stderr what it does.

    `share`: what fits of the packages of this interpreter is used and not installed again.
    Raises EnvironmentFailed.
    """
    if framework not in RECIPES:
        raise EnvironmentFailed(f"for framework {framework!r} there is no recipe; known are {', '.join(RECIPES)}")
    folder = environments.folder_of(root, name)
    if folder.exists():
        raise EnvironmentFailed(f"there is an environment {name}; `mofsim models env rm {name}` removes it")
    with _building(folder) as unfinished:
        _install(unfinished, framework, share)
        checked = [check(unfinished, model, settings) for model, settings in models.items()]
        # All or nothing: an environment is there when it has its name.
        unfinished.rename(folder)
    return checked


def remove(root: Path, name: str) -> None:
    """Raises EnvironmentFailed when there is none."""
    folder = environments.folder_of(root, name)
    if name not in environments.names(root):
        raise EnvironmentFailed(f"there is no environment {name!r}; `mofsim models env list` shows those there are")
    # Its name goes first, so that no half of one is ever used.
    doomed = folder.with_name(f".{name}.removed-{os.getpid()}")
    folder.rename(doomed)
    shutil.rmtree(doomed)


def check(folder: Path, name: str, model: ModelSettings) -> Checked:
    """Load the model in an executor of the environment, on the CPU, and compute; raises EnvironmentFailed."""
    python = str(environments.interpreter(folder))
    executor = Executor(Slot("check", None, slots.cores()), 1, python)
    try:
        executor.start(CHECK_SECONDS)
        executor.send({"type": "load", "model": _entry(name, model)})
        loaded = _wait(executor, "loaded", "load_failed")
        if loaded["type"] == "load_failed":
            raise EnvironmentFailed(loaded["error_message"])
        return _compute(executor, name, model, loaded)
    except ExecutorFailed as error:
        raise EnvironmentFailed(f"{python} runs no executor: {error}") from error
    finally:
        executor.stop(grace_seconds=2)


def _compute(executor: Executor, name: str, model: ModelSettings, loaded: Message) -> Checked:
    with tempfile.TemporaryDirectory(prefix="mofsim-check-") as folder:
        structure = Path(folder) / "crystal.extxyz"
        structure.write_text(_crystal(model.elements or loaded["elements"]))
        executor.send(
            {
                "type": "run",
                "task_id": 1,
                "attempt": 1,
                "task_type": "single-point",
                "directory": folder,
                "structure": str(structure),
                "model": _entry(name, model),
                "parameters": {},
            }
        )
        end = _wait(executor, "completed", "stopped", "failed")
    if end["type"] != "completed":
        raise EnvironmentFailed(f"{name} computes nothing: {end.get('error_message')}")
    result = end["result"]
    versions = end["provenance"]["versions"]
    return Checked(name, loaded["seconds"], result["energy_eV"], result["fmax_eV_per_A"], versions)


def _entry(name: str, model: ModelSettings) -> dict[str, Any]:
    fields = model.model_dump(include={"framework", "checkpoint", "d3", "dtype", "options"})
    return {"name": name, "device": "cpu", **fields}


def _crystal(elements: list[str] | None) -> str:
    """Rock salt of MgO, or of elements that the potential knows, with one atom out of its place."""
    known = elements or ["Mg", "O"]
    first, second = ("Mg", "O") if {"Mg", "O"} <= set(known) else (known[0], known[-1])
    half = 2.1
    sites = [(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)]
    rows = [
        f"{second if sum(site) % 2 else first} {site[0] * half + (0.1 if site == (0, 0, 0) else 0)} "
        f"{site[1] * half} {site[2] * half}"
        for site in sites
    ]
    lattice = f"{2 * half} 0 0 0 {2 * half} 0 0 0 {2 * half}"
    return f'{len(rows)}\nLattice="{lattice}" Properties=species:S:1:pos:R:3 pbc="T T T"\n' + "\n".join(rows) + "\n"


def _wait(executor: Executor, *types: str) -> Message:
    deadline = time.monotonic() + CHECK_SECONDS
    while True:
        try:
            message = executor.messages.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise EnvironmentFailed(f"the executor gave no answer for {CHECK_SECONDS:g} s") from None
        if message is EXITED:
            raise EnvironmentFailed(executor.last_words())
        if message["type"] in types:
            return message


@contextmanager
def _building(folder: Path) -> Iterator[Path]:
    """A folder that nobody takes for an environment; it is gone afterwards unless it was renamed."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    for left in folder.parent.glob(f".{folder.name}.*-*"):
        # Of a process that was killed.
        if not Path(f"/proc/{left.name.rpartition('-')[2]}").exists():
            shutil.rmtree(left, ignore_errors=True)
    unfinished = folder.with_name(f".{folder.name}.building-{os.getpid()}")
    try:
        yield unfinished
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _install(folder: Path, framework: str, share: bool) -> None:
    python = str(environments.interpreter(folder))
    # Without links to the interpreter's folder it would have to be made anew where that one moves.
    bare = ("--without-pip",) if share and _pip_is_shared() else ()
    _call(f"no environment could be made in {folder.parent}", sys.executable, "-m", "venv", *bare, str(folder))
    if share:
        _share_packages(folder)
    recipe = RECIPES[framework]
    install = (python, "-m", "pip", "install")
    failed = "pip could not install it; it says why above"
    _call(failed, *install, *recipe.requirements, *COMMON)
    if recipe.alone:
        _call(failed, *install, "--no-deps", *recipe.alone)


def _call(failed: str, *command: str) -> None:
    """Its output is for people, so it goes to stderr."""
    with contextlib.suppress(ValueError):
        sys.stderr.flush()
    if subprocess.run(command, stdout=2, check=False).returncode != 0:
        raise EnvironmentFailed(failed)


def _share_packages(folder: Path) -> None:
    """Packages of this interpreter come after those of the environment, which pip leaves as they are."""
    [site_packages] = folder.glob("lib/python3*/site-packages")
    (site_packages / environments.SHARED).write_text("\n".join(_shared()) + "\n")


def _shared() -> list[str]:
    return [path for path in sys.path if Path(path).name == "site-packages"]


def _pip_is_shared() -> bool:
    """A pip of its own would cost an environment seconds."""
    return any((Path(path) / "pip").is_dir() for path in _shared())
