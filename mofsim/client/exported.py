"""The folder of an exported task: written whole or not at all, and read only when nothing in it was changed."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

#: of task.json and result.json; a reader that does not know it refuses
FORMAT = 1
TASK, RESULT, STRUCTURE, SUMS = "task.json", "result.json", "structure.extxyz", "SHA256SUMS"
FILES = "files"


class Broken(Exception):
    """The folder is not what was exported; its text says in which way."""


@dataclass(frozen=True)
class Exported:
    """What a folder says of its task."""

    folder: Path
    #: task_type, model, preset, parameters, timeout_seconds …: what a submit takes
    request: Mapping[str, Any]
    structure: Mapping[str, Any]
    provenance: Mapping[str, Any]
    status: str
    result: Mapping[str, Any]

    @property
    def structure_file(self) -> Path:
        return self.folder / STRUCTURE


@contextmanager
def written(target: Path) -> Iterator[Path]:
    """A folder to fill, which becomes `target` with its checksums at the end; after an exception nothing is left of it.

    Raises FileExistsError for a target that has something in it.
    """
    if target.is_file() or (target.is_dir() and any(target.iterdir())):
        raise FileExistsError(f"{target} is there already; give another DIR, or remove it")
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    partial.mkdir(parents=True)
    try:
        yield partial
        lines = [f"{_sha256(path)}  {path.relative_to(partial).as_posix()}\n" for path in _files(partial)]
        (partial / SUMS).write_text("".join(lines), encoding="utf-8")
        if target.is_dir():
            target.rmdir()
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read(folder: Path) -> Exported:
    """Raises Broken for a folder that is incomplete, was changed, or contradicts itself."""
    sums = _sums(folder)
    for name, wanted in sums.items():
        path = folder / name
        if not path.is_file():
            raise Broken(f"{name} is missing")
        if _sha256(path) != wanted:
            raise Broken(f"{name} was changed since it was exported")
    if missing := [name for name in (TASK, RESULT, STRUCTURE) if name not in sums]:
        raise Broken(f"{SUMS} does not list {', '.join(missing)}")
    task, result = _json(folder / TASK), _json(folder / RESULT)
    try:
        found = Exported(
            folder, task["request"], task["structure"], task["provenance"], result["status"], result["result"]
        )
        outputs, computed_from = result["output_files"], found.structure["checksum"]
    except (KeyError, TypeError) as error:
        raise Broken(f"{TASK} or {RESULT} lacks {error}") from error
    if missing := [name for name in outputs if f"{FILES}/{name}" not in sums]:
        raise Broken(f"{FILES}/{missing[0]} is missing")
    _check(found, sums[STRUCTURE], computed_from)
    return found


def _check(found: Exported, structure_sha256: str, checksum: str) -> None:
    """Sums that were made anew after a change still have to agree with what the executor told."""
    if not structure_sha256 == checksum == found.provenance.get("structure_sha256", checksum):
        raise Broken(f"{STRUCTURE} is not the structure that was computed")
    for name in ("task_type", "parameters", "model", "preset"):
        if found.request.get(name) != found.provenance.get(name, found.request.get(name)):
            raise Broken(f"{TASK} has another {name} in its request than in its provenance")


def _sums(folder: Path) -> dict[str, str]:
    path = folder / SUMS
    if not path.is_file():
        raise Broken(f"it has no {SUMS}; `mofsim export TASK` writes one")
    found: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        digest, gap, name = line.partition("  ")
        pure = PurePosixPath(name)
        if not gap or len(digest) != 64 or not name or pure.is_absolute() or ".." in pure.parts:
            raise Broken(f"line {number} of {SUMS} is no checksum and file")
        found[name] = digest
    return found


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Broken(f"{path.name} is no JSON: {error}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise Broken(f"{path.name} is not of the format {FORMAT}, which this mofsim reads; it may be of a newer one")
    return content


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
