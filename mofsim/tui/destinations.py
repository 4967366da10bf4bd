"""Where on this machine something is to be written: what was typed, and what would come of it.

Knows neither Textual nor HTTP. A path that the system refuses to look at, since it is too long or not ours, is like one
that is not there (os.path, where pathlib raises): writing it will tell.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

#: Names in a folder that are looked at for one that begins as typed.
_MOST_NAMES = 2000


@dataclass(frozen=True)
class Verdict:
    """`problem` says why nothing can be written there, `note` what will be."""

    problem: str = ""
    note: str = ""


def path_of(text: str) -> Path:
    return Path(os.path.expanduser(text.strip()))


def judge_folder(text: str) -> Verdict:
    """A folder that files are put into; it is made where it is missing."""
    if not text.strip():
        return Verdict("type a folder on this machine")
    path = path_of(text)
    if os.path.exists(path) and not os.path.isdir(path):
        return Verdict("is a file; type a folder")
    return _writable(path) or Verdict(note="" if os.path.isdir(path) else "is made")


def judge_file(text: str) -> Verdict:
    """A file to write; one that is there is replaced."""
    if not text.strip():
        return Verdict("type the path of a file on this machine")
    path = path_of(text)
    if os.path.isdir(path) or text.strip().endswith("/"):
        return Verdict("is a folder; type the name of a file behind it")
    return _writable(path.parent) or Verdict(note="replaces the file that is there" if os.path.exists(path) else "")


def _writable(folder: Path) -> Verdict | None:
    """None where it, or the first folder above it that exists, can be written to."""
    there = next((above for above in (folder, *folder.parents) if os.path.exists(above)), Path("/"))
    if not os.path.isdir(there):
        return Verdict(f"{there} is a file, not a folder")
    return None if os.access(there, os.W_OK | os.X_OK) else Verdict(f"{there} can not be written to")


def completion(text: str) -> str | None:
    """What was typed with the rest of the only name, or of the first, that begins so."""
    head, slash, begin = text.rpartition("/")
    folder = path_of(head + slash) if slash else Path()
    try:
        names = sorted(entry.name + "/" * entry.is_dir() for entry in list(os.scandir(folder))[:_MOST_NAMES])
    except OSError:
        return None
    if not begin:
        return None
    fitting = [name for name in names if name.startswith(begin)]
    return f"{head}{slash}{fitting[0]}" if fitting else None


def is_taken(folder: Path) -> bool:
    """Whether there is something in the way of a new folder."""
    try:
        return os.path.lexists(folder) and not (os.path.isdir(folder) and not os.listdir(folder))
    except OSError:
        return True


def task_folder(folder: Path, task_id: int) -> Path:
    """Where a task is exported to, by the name that `mofsim export` gives it too."""
    return folder / f"mofsim-task-{task_id}"
