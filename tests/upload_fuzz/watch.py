"""What a server holds: memory, open files, children, and files in its data folder that belong to nothing."""

import os
from dataclasses import dataclass
from pathlib import Path

from mofsim.core.storage import Storage


@dataclass(frozen=True)
class Held:
    memory_MB: float
    open_files: int
    children: int


def held(pid: int) -> Held:
    """By one process now."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    memory_MB = pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    return Held(memory_MB, len(os.listdir(f"/proc/{pid}/fd")), len(_children(pid)))


def _children(pid: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                # The name of a program may have spaces and brackets; what follows its last bracket has none.
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            found += [int(entry.name)] if parent == pid else []
    return found


def left_behind(storage: Storage, temporary: Path, folders: set[str]) -> list[str]:
    """Files of uploads that are nobody's; `folders` are those of the structures that were accepted."""
    found = [f"incoming/{path.name}" for path in storage.incoming.iterdir()]
    found += [f"a temporary file, {path.name}" for path in temporary.iterdir()]
    there = {path.name for path in storage.structures.iterdir()} - {"builtin"}
    found += [f"structures/{name}, which is no structure's" for name in there - folders]
    found += [f"structures/{name} is missing" for name in folders - there]
    for name in there & folders:
        files = sorted(path.name for path in (storage.structures / name).iterdir())
        if len(files) != 2 or "structure.extxyz" not in files:
            found.append(f"structures/{name} has {', '.join(files)}")
    return found
