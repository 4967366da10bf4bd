"""The file with the weights of a model. Nothing of the model's package is imported, and nothing is downloaded."""

import importlib.util
import sys
from pathlib import Path

from .errors import ModelLoadFailed
from .protocol import ModelEntry


def weights_file(entry: ModelEntry) -> Path:
    """The file behind `checkpoint`; a `package:` path is found without importing the package.

    Raises ModelLoadFailed when it is not there: nothing is ever downloaded.
    """
    checkpoint = entry["checkpoint"]
    path = Path(checkpoint)
    if checkpoint.startswith("package:"):
        package, _, inside = checkpoint.removeprefix("package:").partition("/")
        path = _package_folder(package, entry) / inside
    elif not path.is_absolute():
        raise ModelLoadFailed(
            f"The checkpoint of model {entry['name']!r} is {checkpoint!r}. Give an absolute path or "
            "'package:NAME/path/inside/the/package'."
        )
    if not path.is_file() and "sha256" in entry:
        raise ModelLoadFailed(
            f"The uploaded weights of model {entry['name']!r} are not at {path} any more. Delete the model and upload "
            "it again."
        )
    if not path.is_file():
        raise ModelLoadFailed(
            f"The weights of model {entry['name']!r} are not at {path}. Put the file there, or correct "
            f"`checkpoint` in [models.{entry['name']}]. mofsim never downloads weights."
        )
    return path


def _package_folder(package: str, entry: ModelEntry) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModelLoadFailed(
            f"The weights of model {entry['name']!r} come inside the package {package!r}, which {sys.executable} "
            f"does not have. {where_to_get(entry)}"
        )
    return Path(next(iter(spec.submodule_search_locations)))


def where_to_get(entry: ModelEntry) -> str:
    """What to do about a package that is not there, for a person."""
    return (
        f"Make an environment that has it with `mofsim models env create {entry['framework']}`, or set `python` in "
        f"[models.{entry['name']}] to an interpreter that has it."
    )
