"""The file with the weights of a model, as this interpreter finds it. Nothing of the model's package is imported."""

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from mofsim.core import environments
from mofsim.core.hashing import sha256
from mofsim.db.tables import Model


def checkpoint_path(checkpoint: str) -> Path | None:
    """The file of a checkpoint; None when it is said to be in a package that is not installed."""
    package, slash, inside = checkpoint.removeprefix("package:").partition("/")
    if not checkpoint.startswith("package:"):
        return Path(checkpoint)
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations or not slash:
        return None
    return Path(next(iter(spec.submodule_search_locations))) / inside


def checkpoint_of(model: Model, root: Path) -> str:
    """The checkpoint as an executor finds it; that of an uploaded model lies in the data folder `root`."""
    return str(root.resolve() / model.file_path) if model.is_custom else model.file_path


def weights_sha256(model: Model, root: Path) -> str | None:
    """The hash of a model's weights as they are now; None where they can not be seen from here.

    In another interpreter, its own or an environment in the data folder `root`, a package may hold another file.
    """
    elsewhere = environments.python_for(root, model.name, model.framework, model.config.get("python", ""))
    if elsewhere and model.file_path.startswith("package:"):
        path = _path_elsewhere(elsewhere, model.file_path)
    else:
        path = checkpoint_path(checkpoint_of(model, root))
    try:
        return _hash(path, path.stat().st_size, path.stat().st_mtime_ns) if path else None
    except OSError:
        return None


def _path_elsewhere(python: str, checkpoint: str) -> Path | None:
    """The file inside a package of another interpreter, where its packages lie as files."""
    package, _, inside = checkpoint.removeprefix("package:").partition("/")
    folders = (folder / package for folder in environments.folders_of_packages(python))
    # The first folder has the package, whether the file is in it or not.
    found = next((folder for folder in folders if folder.is_dir()), None)
    return found / inside if found and inside else None


@lru_cache(maxsize=64)
def _hash(path: Path, size: int, mtime_ns: int) -> str:
    return sha256(path)
