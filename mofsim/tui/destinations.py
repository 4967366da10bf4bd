"""Where on this machine something is to be written: what was typed, and what would come of it.

Knows neither Textual nor HTTP.
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
    return Path(text.strip()).expanduser()


def judge_folder(text: str) -> Verdict:
    """A folder that files are put into; it is made where it is missing."""
    if not text.strip():
        return Verdict("type a folder on this machine")
    path = path_of(text)
    if path.exists() and not path.is_dir():
        return Verdict("is a file; type a folder")
    return _writable(path) or Verdict(note="" if path.is_dir() else "is made")


def judge_file(text: str) -> Verdict:
    """A file to write; one that is there is replaced."""
    if not text.strip():
        return Verdict("type the path of a file on this machine")
    path = path_of(text)
    if path.is_dir() or text.strip().endswith("/"):
        return Verdict("is a folder; type the name of a file behind it")
    return _writable(path.parent) or Verdict(note="replaces the file that is there" if path.exists() else "")


def _writable(folder: Path) -> Verdict | None:
    """None where it, or the first folder above it that exists, can be written to."""
    there = next((above for above in (folder, *folder.parents) if above.exists()), Path("/"))
    if not there.is_dir():
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
