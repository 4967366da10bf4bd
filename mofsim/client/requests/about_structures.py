"""Structures, and named sets of them."""

from collections.abc import Iterable
from pathlib import Path

from mofsim.client.request import API, File, Request, get, segment
from mofsim.client.requests.answers import _list_of, _nothing
from mofsim.schemas.resources import Geometry, Structure, StructureSet
from mofsim.vocabulary import StructureFormat


def structures(builtin: bool | None = None, set: str | None = None) -> Request[list[Structure]]:
    """All structures, or only (un)built-in ones, or those of a named set."""
    query = {"builtin": None if builtin is None else "true" if builtin else "false", "set": set}
    return get("/structures", _list_of(Structure), query)


def structure_sets() -> Request[list[StructureSet]]:
    return get("/structures/sets", _list_of(StructureSet))


def save_structure_set(name: str, structure_ids: Iterable[int]) -> Request[StructureSet]:
    """Make a named set hold exactly these structures."""
    body = {"structure_ids": list(structure_ids)}
    return Request("PUT", f"{API}/structures/sets/{segment(name)}", StructureSet.model_validate, json=body, tries=2)


def delete_structure_set(name: str) -> Request[None]:
    """Forget a named set; its structures stay."""
    return Request("DELETE", f"{API}/structures/sets/{segment(name)}", _nothing)


def structure(id: int) -> Request[Structure]:
    return get(f"/structures/{id}", Structure.model_validate)


def structure_geometry(id: int) -> Request[Geometry]:
    """Where its atoms are, as numbers; `structure_file` has every bit of them."""
    return get(f"/structures/{id}/geometry", Geometry.model_validate)


def add_structure(
    path: Path | str,
    name: str | None = None,
    format: StructureFormat | str | None = None,
    *,
    reuse: bool = False,
    molecule: bool = False,
) -> Request[Structure]:
    """Upload a CIF, XYZ, extXYZ or POSCAR file; with `reuse`, the same structure that is there already comes back.

    With `molecule` an XYZ file may lack a cell: it is a guest, and gets a box of vacuum. Raises OSError when the file
    can not be read.
    """
    path = Path(path)
    flags = {"reuse": "true" if reuse else None, "molecule": "true" if molecule else None}
    fields = {"name": name, "format": format} | flags
    file = File(path.name, path.read_bytes(), {key: value for key, value in fields.items() if value})
    return Request("POST", f"{API}/structures", Structure.model_validate, file=file)


def delete_structure(id: int) -> Request[None]:
    return Request("DELETE", f"{API}/structures/{id}", _nothing)
