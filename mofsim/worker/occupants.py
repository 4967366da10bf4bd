"""Who computes on a GPU: processes by name and owner, ours by their worker.

NVML counts processes as the host does: where it can not be told what one is (a container, another account's
/proc), only its number and its memory are known.
"""

import pwd
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from mofsim.schemas.machines import GpuProcess
from mofsim.worker.gpu import GpuProcess as Seen

#: A name is shown in a column.
LONGEST_NAME = 60
#: An executor is a child of its worker; with what its shell or interpreter puts in between.
GENERATIONS = 4


def named(seen: Iterable[Seen], workers: Mapping[int, str], proc: Path = Path("/proc")) -> list[GpuProcess]:
    """`workers` are those of this box: process → id. The largest first."""
    found = [_named(process, workers, proc / str(process.pid)) for process in seen]
    return sorted(found, key=lambda process: -(process.memory_MB or 0.0))


def _named(process: Seen, workers: Mapping[int, str], folder: Path) -> GpuProcess:
    ancestors = [process.pid, *_parents(folder, GENERATIONS)]
    return GpuProcess(
        pid=process.pid,
        memory_MB=process.memory_MB,
        name=_name(folder),
        user=_user(folder),
        worker_id=next((workers[pid] for pid in ancestors if pid in workers), None),
    )


def _name(folder: Path) -> str | None:
    """The program, and what follows it in its command line as far as there is room: `python train.py`."""
    try:
        program, *arguments = (folder / "cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
        words = " ".join([Path(program).name, *arguments]) or (folder / "comm").read_text().strip()
    except OSError:
        return None
    printable = "".join(character if character.isprintable() else " " for character in words)
    return printable[:LONGEST_NAME].strip() or None


def _user(folder: Path) -> str | None:
    try:
        uid = folder.stat().st_uid
    except OSError:
        return None
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _parents(folder: Path, n: int) -> Iterator[int]:
    for _ in range(n):
        try:
            # The name of the program, in parentheses before it, may have spaces and parentheses in it.
            parent = int((folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            return
        yield parent
        folder = folder.parent / str(parent)
