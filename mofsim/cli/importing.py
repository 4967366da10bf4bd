"""Upload the files of a folder, and say of each what came of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mofsim.cli.app import App
from mofsim.cli.errors import describe
from mofsim.client import ApiError
from mofsim.schemas.resources import Structure


def upload_all(
    app: App, folder: Path, files: list[Path], say: Callable[[str], None]
) -> tuple[dict[Path, Structure], list[dict[str, Any]]]:
    """The structures that the files are now, each said to a person, and what was refused."""
    known = {structure.id for structure in app.client.structures()}
    added: dict[Path, Structure] = {}
    errors: list[dict[str, Any]] = []
    for file in files:
        shown = file.relative_to(folder)
        try:
            structure = added[file] = app.client.add_structure(file, reuse=True)
        except (ApiError, OSError) as error:
            reason = describe(error) if isinstance(error, ApiError) else error.strerror or str(error)
            app.out.note(f"refused {shown}: {reason}")
            kind = error.type if isinstance(error, ApiError) else type(error).__name__
            errors.append({"file": str(shown), "error": {"type": kind, "detail": reason, "field": "file"}})
            continue
        there = f" (there already, as {structure.name})" if structure.id in known else ""
        say(f"structure {structure.id}: {shown}, {structure.formula}, {structure.n_atoms} atoms{there}")
        known.add(structure.id)
    return added, errors
