"""What a benchmark is of, as a command names it: a set of structures or a folder, and files with reference values."""

import difflib
import re
from pathlib import Path

import click

from mofsim.benchmark.published import read_published
from mofsim.benchmark.references import BadReference, References, read_csv
from mofsim.cli.app import App
from mofsim.cli.importing import upload_all
from mofsim.client.importing import BENCHMARK_SETS, SUFFIX, plan
from mofsim.schemas.benchmarks import ESSENTIAL
from mofsim.schemas.scores import Reference


def set_for(app: App, given: str) -> str:
    """The name of a set; a folder becomes one first. A name wins over a folder; `./NAME` is always a folder.

    Raises click.BadParameter.
    """
    sets = {each.name: each.structure_ids for each in app.client.structure_sets()}
    if given == ESSENTIAL or given in sets:
        return given
    folder = Path(given).expanduser()
    if folder.is_dir():
        return _imported(app, folder, sets)
    known = [ESSENTIAL, *sets]
    near = difflib.get_close_matches(given, known, n=2)
    guess = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}"
    raise click.BadParameter(f"{given!r} is neither a set of structures nor a folder; {guess}", param_hint="--set")


def _imported(app: App, folder: Path, sets: dict[str, list[int]]) -> str:
    """The set that a folder makes, or the first of those that a checkout of the published benchmark makes."""
    wanted = plan(folder, recursive=False, set_name=None)
    if not wanted.files:
        raise click.BadParameter(f"{folder} has no {SUFFIX} file", param_hint="--set")
    members = wanted.sets or {_name_of(folder): wanted.files}
    added, errors = upload_all(app, folder, wanted.files, app.out.note)
    for name, files in members.items():
        ids = sorted({added[file].id for file in files if file in added})
        if set(sets.get(name, ())) - set(ids):
            raise click.BadParameter(
                f"there is a set {name} already, and it has structures that {folder} has not; keep the folder under "
                f"another name (`mofsim structures import {folder} --set NAME`) and give that name",
                param_hint="--set",
            )
        if ids and ids != sets.get(name):
            app.client.save_structure_set(name, ids)
            app.out.note(f"set {name}: {len(ids)} structures")
    if errors:
        app.out.note(f"{len(errors)} of {len(wanted.files)} files were refused and are not in the benchmark")
    made = [name for name, files in members.items() if any(file in added for file in files)]
    if not made:
        raise click.BadParameter(f"no file of {folder} is a structure that can be taken", param_hint="--set")
    chosen = next(name for name in (*BENCHMARK_SETS, *made) if name in made)
    if len(made) > 1:
        others = ", ".join(name for name in made if name != chosen)
        app.out.note(f"the benchmark is of {chosen}; {others} can be given by name (--set {others.split(', ')[0]})")
    return chosen


def _name_of(folder: Path) -> str:
    """As the server takes names of sets."""
    name = re.sub(r"[^\w.+-]+", "_", folder.resolve().name).lstrip(".")[:100] or "folder"
    return f"{name}_" if name == ESSENTIAL else name


Layers = list[list[Reference]]


def read_references(paths: tuple[Path, ...]) -> Layers:
    """Those of files and checkouts, in their order. Raises click.BadParameter."""
    try:
        return [read_published(path) if path.is_dir() else read_csv(path) for path in paths]
    except (BadReference, UnicodeDecodeError) as error:
        raise click.BadParameter(str(error), param_hint="--references") from error


def together(own: Layers, folder: Path | None) -> list[Reference] | None:
    """Later ones over earlier, and all over those that a `folder` of structures brings; None where there are none."""
    published: Layers = []
    if folder is not None:
        try:
            published = [read_published(folder)]
        except BadReference:
            """It is a folder of structures and no more."""
    return References(*published, *own).all() if published or own else None
