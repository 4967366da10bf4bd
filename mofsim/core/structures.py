"""Structures: checked in a process of their own before they are accepted; no file can hang or crash the server."""

import json
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from mofsim.core import events, structure_sets
from mofsim.core.errors import Conflict, Invalid, NotFound, Unavailable
from mofsim.core.hashing import sha256
from mofsim.core.storage import Storage
from mofsim.db.tables import BenchmarkCell, Structure, StructureSetMember, Task, utcnow
from mofsim.schemas.resources import Structure as StructureWire
from mofsim.schemas.submission import BuiltinStructure, UploadedStructure
from mofsim.vocabulary import EventType, StructureFormat, TaskType

NORMALISED = "structure.extxyz"


@dataclass(frozen=True)
class Limits:
    """What an upload may cost."""

    max_bytes: int
    max_atoms: int
    parse_timeout_seconds: float


@dataclass(frozen=True)
class Checked:
    """A structure that passed, still in the incoming folder."""

    folder: Path
    original: Path
    original_name: str
    facts: dict[str, Any]


@contextmanager
def incoming(storage: Storage) -> Iterator[Path]:
    """A new empty folder for one upload; whatever was not moved out of it is gone afterwards."""
    folder = storage.incoming / secrets.token_hex(8)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def safe_name(client_name: str) -> str:
    """A file name of ours for a file name of a client: no folders, no odd characters, not empty."""
    name = re.sub(r"[^\w.+-]+", "_", client_name.replace("\\", "/").rsplit("/", 1)[-1]).lstrip(".")
    return name[-100:] or "structure"


def check(
    original: Path, original_name: str, limits: Limits, format: StructureFormat | None = None, molecule: bool = False
) -> Checked:
    """Read the file in a process of its own and write the normalised extXYZ beside it.

    A `molecule` without a cell gets a box of vacuum; anything else without one is refused.

    Blocks up to the time limit. Raises Invalid (field `file`) with what is wrong and what to do.
    """
    if original.stat().st_size > limits.max_bytes:
        raise Invalid(
            f"the file has {original.stat().st_size / 1e6:.0f} MB; at most {limits.max_bytes / 1e6:.0f} MB are taken "
            "(storage.max_upload_MB)",
            field="file",
            type="FileTooLarge",
        )
    arguments = ["file", str(original), "--format", format or "auto"]
    arguments += ["--output", str(original.parent / NORMALISED), "--max-atoms", str(limits.max_atoms)]
    arguments += ["--molecule"] if molecule else []
    facts = _inspect(arguments, limits.parse_timeout_seconds)
    if not facts["ok"]:
        raise Invalid(facts["detail"], field="file", type=facts["error"])
    return Checked(original.parent, original, original_name, facts)


def same_file(session: Session, storage: Storage, original: Path) -> Structure | None:
    """The structure that was uploaded as this very file, found without reading it again."""
    query = select(Structure).where(Structure.file_size == original.stat().st_size, ~Structure.is_builtin)
    candidates = list(session.scalars(query.order_by(Structure.id)))
    wanted = sha256(original) if candidates else ""
    for structure in candidates:
        path = storage.structures / structure.file_path
        if path.is_file() and sha256(path) == wanted:
            return structure
    return None


def same_structure(session: Session, checked: Checked) -> Structure | None:
    """The structure with the same normalised file, whatever it came from."""
    checksum = sha256(checked.folder / NORMALISED)
    query = select(Structure).where(Structure.checksum == checksum).order_by(Structure.is_builtin, Structure.id)
    return session.scalars(query).first()


def store(session: Session, storage: Storage, checked: Checked, name: str) -> Structure:
    """Accept a checked structure; its folder moves out of `incoming`."""
    folder = checked.folder
    facts = checked.facts
    structure = Structure(
        name=name,
        original_name=checked.original_name,
        file_path=f"{folder.name}/{checked.original.name}",
        normalised_path=f"{folder.name}/{NORMALISED}",
        file_size=(folder / checked.original.name).stat().st_size,
        format=facts["format"],
        checksum=sha256(folder / NORMALISED),
        n_atoms=facts["n_atoms"],
        formula=facts["formula"],
        elements=facts["elements"],
        volume_A3=facts["volume_A3"],
        is_builtin=False,
        description="",
        created_at=utcnow(),
    )
    publish(session, storage, structure, folder)
    return structure


def publish(session: Session, storage: Storage, structure: Structure, folder: Path) -> None:
    """Make the row known and move its files out of `incoming`."""
    session.add(structure)
    session.flush()
    wire = StructureWire.model_validate(structure).model_dump(mode="json")
    events.append(session, EventType.STRUCTURE_CREATED, {"structure": wire})
    # Last, so that a refused row leaves its files to whoever cleans up `incoming`.
    session.flush()
    folder.rename(storage.structures / folder.name)


def as_cif(storage: Storage, structure: Structure, timeout_seconds: float) -> bytes:
    """The normalised structure as a CIF in P 1; blocks, up to the time limit."""
    with incoming(storage) as folder:
        path = folder / "structure.cif"
        _inspect(["cif", str(storage.structures / structure.normalised_path), "--output", str(path)], timeout_seconds)
        return path.read_bytes()


def build_builtins(storage: Storage, timeout_seconds: float = 120) -> list[dict[str, Any]]:
    """Write the built-in structures' files (takes a second or two); what `store_builtins` wants."""
    folder = storage.structures / "builtin"
    folder.mkdir(parents=True, exist_ok=True)
    return list(_inspect(["builtin", "--output", str(folder)], timeout_seconds))


def has_builtins(session: Session, storage: Storage) -> bool:
    rows = list(session.scalars(select(Structure).where(Structure.is_builtin)))
    return bool(rows) and all((storage.structures / row.normalised_path).is_file() for row in rows)


def store_builtins(session: Session, storage: Storage, built: list[dict[str, Any]]) -> None:
    for facts in built:
        name = facts["name"]
        row = session.scalar(select(Structure).where(Structure.is_builtin, Structure.name == name)) or Structure()
        row.name, row.original_name, row.is_builtin = name, f"{name}.cif", True
        row.file_path, row.normalised_path = f"builtin/{name}.cif", f"builtin/{name}.extxyz"
        row.file_size = (storage.structures / row.file_path).stat().st_size
        row.checksum = sha256(storage.structures / row.normalised_path)
        row.format = StructureFormat.CIF
        row.n_atoms, row.formula, row.elements = facts["n_atoms"], facts["formula"], facts["elements"]
        row.volume_A3 = facts["volume_A3"]
        row.description = f"{facts['description']} ({facts['reference']})"
        session.add(row)


def resolve(session: Session, reference: BuiltinStructure | UploadedStructure) -> Structure:
    """The structure that a task names; raises Invalid when there is none."""
    if isinstance(reference, UploadedStructure):
        found = session.get(Structure, reference.id)
        if found is None:
            raise Invalid(
                f"there is no structure {reference.id}; upload it first (POST /api/v1/structures)",
                field="structure.id",
                type="UnknownStructure",
            )
        return found
    builtins = {s.name.lower(): s for s in session.scalars(select(Structure).where(Structure.is_builtin))}
    if reference.name.lower() not in builtins:
        known = ", ".join(s.name for s in builtins.values())
        raise Invalid(
            f"there is no built-in structure {reference.name!r}; there are {known}",
            field="structure.name",
            type="UnknownStructure",
        )
    return builtins[reference.name.lower()]


def get(session: Session, structure_id: int) -> Structure:
    structure = session.get(Structure, structure_id)
    if structure is None:
        raise NotFound(f"there is no structure {structure_id}; `mofsim structures list` shows those there are")
    return structure


def listing(session: Session, builtin: bool | None = None, set: str | None = None) -> list[Structure]:
    """Raises NotFound for a `set` that is not there."""
    query = select(Structure).order_by(Structure.is_builtin.desc(), Structure.id)
    if builtin is not None:
        query = query.where(Structure.is_builtin == builtin)
    if set is not None:
        structure_sets.members(session, set)
        members = select(StructureSetMember.structure_id).where(StructureSetMember.name == set)
        query = query.where(Structure.id.in_(members))
    return list(session.scalars(query))


def remove(session: Session, structure_id: int) -> str:
    """Forget a structure; gives the folder below storage.structures that is the caller's to remove afterwards.

    Raises NotFound, or Conflict while a task or a set refers to it: a set that shrinks in silence would make the next
    batch of it a smaller one.
    """
    structure = get(session, structure_id)
    if structure.is_builtin:
        raise Conflict(f"{structure.name} is built in and can not be removed")
    if _is_in_use(session, structure_id):
        raise Conflict(f"tasks refer to structure {structure_id}; delete them first")
    benchmark = session.scalar(
        select(BenchmarkCell.benchmark_id).where(BenchmarkCell.structure_id == structure_id).limit(1)
    )
    if benchmark is not None:
        raise Conflict(
            f"structure {structure_id} is in benchmark {benchmark}; forget the benchmark first "
            f"(`mofsim benchmarks rm {benchmark}`)"
        )
    if sets := structure_sets.holding(session, structure_id):
        raise Conflict(
            f"structure {structure_id} is in the set {', '.join(sets)}; forget the set first "
            f"(`mofsim structures unset {sets[0]}`), or save it without the structure"
        )
    session.delete(structure)
    events.append(session, EventType.STRUCTURE_DELETED, {"structure_id": structure_id})
    return structure.file_path.split("/")[0]


def _is_in_use(session: Session, structure_id: int) -> bool:
    """As the structure of a task, or as the guest in one."""
    guest = Task.parameters["guest_structure"].as_integer() == structure_id
    as_guest = exists().where(Task.task_type == TaskType.INTERACTION_ENERGY, guest)
    return bool(session.scalar(select(exists().where(Task.structure_id == structure_id) | as_guest)))


def _inspect(arguments: list[str], timeout_seconds: float) -> Any:
    command = [sys.executable, "-m", "mofsim.simulations.inspect", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, timeout=timeout_seconds, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        raise Invalid(
            f"reading the file took longer than {timeout_seconds:.0f} s (storage.parse_timeout_seconds); "
            "give a smaller or simpler file",
            field="file",
            type="ParseTimeout",
        ) from None
    lines = done.stdout.decode(errors="replace").strip().splitlines()
    if done.returncode == 0 and lines:
        return json.loads(lines[-1])
    if b"No module named" in done.stderr:
        missing = done.stderr.decode(errors="replace").strip().splitlines()[-1]
        raise Unavailable(f"structures can not be checked here ({missing}); install mofsim again with pip")
    # Killed by its memory limit, or by a crash inside a parser: the file's fault either way.
    raise Invalid(
        "the file could not be read: its reader gave up; check that it is a CIF, extXYZ or POSCAR file",
        field="file",
        type="Unreadable",
    )
