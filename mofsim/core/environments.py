"""Python environments of models, in the data folder: packages of potentials contradict each other.

An environment is named after the framework, or after one model, which then has it for itself.
"""

import re
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

#: What an executor imports besides the potential, in versions that were tested together.
COMMON = (
    "torch==2.13.0",
    "ase==3.29.0",
    "dftd3==1.7.0",
    "matplotlib==3.11.2",
    "numpy==2.4.6",
    "phonopy==4.10.0",
    "spglib==2.8.0",
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What pip installs for a framework, besides `COMMON`."""

    requirements: tuple[str, ...]
    #: mofsim's own tests have computed with it
    is_tested: bool
    #: packages that come without what they ask for, of which `requirements` has what a calculation imports
    alone: tuple[str, ...] = ()


RECIPES: dict[str, Recipe] = {
    "sevenn": Recipe(("sevenn==0.13.0",), is_tested=True),
    "chgnet": Recipe(("chgnet==0.4.2",), is_tested=True),
    "mace": Recipe(("mace-torch==0.3.16",), is_tested=True),
    "orb": Recipe(("orb-models==0.5.5",), is_tested=True),
    # It asks for torchvision, which does not even import beside a torch of another build than its own, and for
    # databases of materials: 600 MB that no calculation needs.
    "mattersim": Recipe(
        (
            "Deprecated==1.3.1",
            "e3nn==0.6.0",
            "loguru==0.7.3",
            "opt-einsum-fx==0.1.4",
            "requests==2.34.2",
            "scikit-learn==1.9.1",
            "torch-ema==0.3",
            "torch-geometric==2.8.1",
            "torch-runstats==0.2.0",
            "torchmetrics==1.9.0",
        ),
        is_tested=True,
        alone=("mattersim==1.2.3", "pymatgen-core==2026.10.16"),
    ),
    # It asks for 700 MB of compilers for kernels that are chosen by name only, and for what trains it and keeps data.
    "fairchem": Recipe(
        (
            "backoff==2.2.1",
            "e3nn==0.6.0",
            "huggingface-hub==2.4.0",
            "hydra-core==1.3.8",
            "monty==2026.10.21",
            "psutil==7.2.2",
            "pyre-extensions==0.0.32",
            "requests==2.34.2",
            "scipy==1.17.1",
            # torchtnt asks it for pkg_resources, which newer ones do not have.
            "setuptools==80.10.2",
            "submitit==1.5.4",
            "tabulate==0.10.0",
            "tqdm==4.70.1",
            "wandb==0.31.0",
        ),
        is_tested=True,
        alone=("fairchem-core==2.24.0", "torchtnt==0.2.4"),
    ),
}

#: the file of an environment that names the folders whose packages it shares
SHARED = "mofsim_shared.pth"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def folder_of(root: Path, name: str) -> Path:
    """Where the environment is or would be; raises ValueError for what can be no name."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} can not name an environment: letters, digits, dots, - and _ only")
    return root / "envs" / name


def interpreter(folder: Path) -> Path:
    return folder / "bin" / "python"


def names(root: Path) -> list[str]:
    """Of the environments that are there; one that is being made is not."""
    folders = (root / "envs").iterdir() if (root / "envs").is_dir() else ()
    return sorted(path.name for path in folders if _NAME.fullmatch(path.name) and path.is_dir())


def name_for(root: Path, model: str, framework: str) -> str | None:
    """The environment that a model without `python` uses: that of its name, else of its framework."""
    there = names(root)
    return next((name for name in (model, framework) if name in there), None)


def python_for(root: Path, model: str, framework: str, python: str) -> str:
    """The interpreter of a model: what the settings say, else its environment's; "" is ours."""
    if python:
        return python
    name = name_for(root, model, framework)
    return str(interpreter(folder_of(root, name))) if name else ""


def folders_of_packages(python: str) -> list[Path]:
    """Where the interpreter of an environment, or any other that lies as one does, has its packages; first come first.

    The interpreter is not asked: that would take its time, and it need not work. [] where only a search finds it.
    """
    if not Path(python).is_absolute():
        return []
    own = sorted(Path(python).parent.parent.glob("lib/python3*/site-packages"))
    shared = [Path(line) for folder in own for line in _lines(folder / SHARED)]
    return own + shared


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines() if file.is_file() else []


def versions(folder: Path) -> dict[str, str]:
    """Of all that is installed in it; the interpreter need not work for that."""
    site_packages = [str(path) for path in folder.glob("lib/python3*/site-packages")]
    return {found.name.lower(): found.version for found in distributions(path=site_packages) if found.name}
