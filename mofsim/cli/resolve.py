"""Which structure somebody means by a name, a file or an id."""

import difflib
from pathlib import Path
from typing import NoReturn

import click

from mofsim.cli.app import App
from mofsim.schemas.resources import Structure


def structure_for(app: App, given: str, *, reuse: bool = False) -> str | int:
    """A built-in structure's name or an upload's id, as the client takes them; a file is uploaded first.

    With `reuse`, a file that is there already is not stored again. A name wins over a file that is called like it;
    `./NAME` is always a file. Raises click.BadParameter.
    """
    if given.isdecimal():
        return int(given)
    path = Path(given).expanduser()
    looks_like_path = "/" in given
    known = [] if looks_like_path else app.client.structures()
    named = [structure for structure in known if structure.name.lower() == given.lower()]
    if any(structure.is_builtin for structure in named):
        return given
    if path.is_file():
        uploaded = app.client.add_structure(path, reuse=reuse)
        app.out.note(f"uploaded {path} as structure {uploaded.id} ({uploaded.formula}, {uploaded.n_atoms} atoms)")
        return uploaded.id
    if looks_like_path:
        _refuse(f"there is no file {given}")
    return _only(given, named, known)


def _only(given: str, named: list[Structure], known: list[Structure]) -> int:
    if len(named) == 1:
        return named[0].id
    if named:
        ids = ", ".join(str(structure.id) for structure in named)
        _refuse(f"several structures are called {given!r}; give the id of one: {ids}")
    _refuse(f"{given!r} is neither a structure nor a file; {_guess(given, known)}")


def _guess(given: str, known: list[Structure]) -> str:
    names = {structure.name.lower(): structure.name for structure in known}
    near = difflib.get_close_matches(given.lower(), names, n=3)
    if near:
        return f"did you mean {' or '.join(names[name] for name in near)}?"
    return "`mofsim structures list` shows what there is"


def _refuse(reason: str) -> NoReturn:
    raise click.BadParameter(reason, param_hint="--structure")
