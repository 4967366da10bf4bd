"""Reads a structure that somebody uploaded: CIF, extXYZ or POSCAR, found by content and name.

Every refusal says what is wrong and what to do; nothing doubtful is taken in silence.
"""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io.extxyz import read_xyz
from ase.io.vasp import read_vasp

from .cif import read_cif
from .guests import VACUUM_A, alone
from .refusal import Refusal

FORMATS = ("cif", "xyz", "extxyz", "vasp")
_EMPTY = "The file is empty. Upload a CIF, extXYZ or POSCAR file."
#: a property of an extXYZ with as many columns as would fill the memory before one is read
_WIDE = re.compile(r"\bProperties=\S*:\d{4,}", re.IGNORECASE)


@dataclass(frozen=True)
class Upload:
    """What was read, before it is checked."""

    atoms: Atoms
    format: str
    #: what the person may want to know, though it is no reason to refuse
    notes: list[str] = field(default_factory=list)


def read_upload(path: Path, format: str, max_atoms: int, molecule: bool = False) -> Upload:
    """`format` is one of FORMATS or "auto"; a `molecule` needs no cell in an XYZ file. Raises Refusal."""
    text = _text(path.read_bytes())
    kind = _recognise(text, path.name) if format == "auto" else format
    if kind in ("xyz", "extxyz"):
        return _read_xyz(text, max_atoms, molecule)
    if kind == "vasp":
        return _read_poscar(text)
    atoms, notes = read_cif(text, max_atoms)
    return Upload(atoms, "cif", notes)


def _text(content: bytes) -> str:
    if not content.strip():
        raise Refusal("empty", _EMPTY)
    control = sum(byte < 9 or 13 < byte < 32 for byte in content[:4096])
    if b"\0" in content or control > 8:
        raise Refusal(
            "binary", "The file is not text. Unpack it if it is compressed, or save it as CIF, extXYZ or POSCAR."
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    # What was no white space as bytes may be as text, or be the mark of UTF-8 alone.
    if not text.strip():
        raise Refusal("empty", _EMPTY)
    return text


def _recognise(text: str, name: str) -> str:
    """Content decides; the name does where content says nothing."""
    lines = text.lstrip().splitlines()
    if re.search(r"^\s*(data_|loop_|_cell_length_a)", text, re.MULTILINE | re.IGNORECASE):
        return "cif"
    if re.fullmatch(r"\s*\d+\s*", lines[0]):
        return "extxyz"
    if len(lines) > 7 and all(_starts_with_numbers(line, 3) for line in lines[2:5]):
        return "vasp"
    suffix, stem = Path(name).suffix.lower().lstrip("."), Path(name).stem.upper()
    if suffix in FORMATS:
        return suffix
    if suffix == "poscar" or stem in ("POSCAR", "CONTCAR"):
        return "vasp"
    raise Refusal("unknown_format", "The file looks like none of CIF, extXYZ and POSCAR. Convert it to one of these.")


def _starts_with_numbers(line: str, count: int) -> bool:
    words = line.split()[:count]
    return len(words) == count and all(re.fullmatch(r"[-+.\deEdD]+", word) for word in words)


def _read_xyz(text: str, max_atoms: int, molecule: bool) -> Upload:
    lines = text.splitlines()
    try:
        count = int(lines[0])
    except ValueError:
        raise Refusal(
            "unreadable", f"An XYZ file starts with the number of atoms; this one with {lines[0][:40]!r}."
        ) from None
    refuse_count(count, max_atoms)
    rest = [line for line in lines[count + 2 :] if line.strip()]
    if rest and re.fullmatch(r"\s*\d+\s*", rest[0]):
        raise Refusal("several_frames", "The file has several frames. Save the one you mean to a file of its own.")
    if rest:
        raise Refusal("unreadable", f"There are more lines than the {count} atoms that the first line announces.")
    if len(lines) > 1 and _WIDE.search(lines[1]):
        raise Refusal("unreadable", "A property of the extXYZ has thousands of columns. Correct Properties=….")
    atoms = _parse("extXYZ", lambda: next(read_xyz(io.StringIO(text), 0)))
    if molecule and not atoms.cell.any() and np.isfinite(atoms.positions).all():
        return Upload(alone(atoms), "extxyz", [f"The molecule is in a box, {VACUUM_A:g} Å from its images."])
    if not atoms.cell.any():
        raise Refusal(
            "no_cell",
            'The XYZ file has no cell. Put Lattice="ax ay az bx by bz cx cy cz" into its second line (extXYZ), '
            "or upload a CIF or POSCAR. A guest molecule needs none, if you say that it is one (molecule).",
        )
    return Upload(atoms, "extxyz")


def _read_poscar(text: str) -> Upload:
    lines = text.splitlines()
    if len(lines) > 5 and re.fullmatch(r"[\s\d]+", lines[5]):
        raise Refusal(
            "unreadable",
            "The POSCAR has no line with element symbols (VASP 4). Add one before the numbers of atoms.",
        )
    return Upload(_parse("POSCAR", lambda: read_vasp(io.StringIO(text))), "vasp")


def _parse(name: str, read: Callable[[], Atoms]) -> Atoms:
    """The parsers raise anything; their words are passed on."""
    try:
        return read()
    except KeyError as error:
        raise Refusal("unknown_element", f"{error} is not the symbol of an element. Correct it.") from error
    except MemoryError:
        raise
    except Exception as error:
        raise Refusal(
            "unreadable",
            f"The file cannot be read as {name}: {error or type(error).__name__}. "
            "Look at the line, or convert the file with another program.",
        ) from error


def refuse_count(count: int, max_atoms: int) -> None:
    """Raises Refusal for no atoms and for too many."""
    if count < 1:
        raise Refusal("no_atoms", "The file has no atoms.")
    if count > max_atoms:
        raise Refusal(
            "too_many_atoms",
            f"The structure has {count} atoms, and {max_atoms} are allowed here. Use the primitive cell, or ask "
            "for a higher limit.",
        )
