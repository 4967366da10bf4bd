"""Reads a CIF, and refuses what ASE's reader would take without a word: disorder, odd symbols, several blocks."""

import io
import re
import warnings
from typing import Any

from ase import Atoms
from ase.data import atomic_numbers
from ase.io.cif import CIFBlock, parse_cif

from .refusal import Refusal

_COORDINATES = (
    ("_atom_site_fract_x", "_atom_site_fract_y", "_atom_site_fract_z"),
    ("_atom_site_cartn_x", "_atom_site_cartn_y", "_atom_site_cartn_z"),
)
_SYMMETRY = (
    "_space_group_symop_operation_xyz",
    "_space_group_symop.operation_xyz",
    "_symmetry_equiv_pos_as_xyz",
    "_space_group.it_number",
    "_space_group_it_number",
    "_symmetry_int_tables_number",
    "_space_group_name_h-m_alt",
    "_symmetry_space_group_name_h-m",
)
#: occupancies are rounded in files; what is nearer to 1 than this is whole
_FULL = 0.999
_MAX_NOTES = 5
#: no space group has more operations on its conventional cell than 192; twice as many leave room for odd settings
_MAX_OPERATIONS = 384


def read_cif(text: str, max_atoms: int) -> tuple[Atoms, list[str]]:
    """The whole cell, and notes on what had to be assumed. Raises Refusal."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        block = _only_block(text)
        sites = _site_count(block)
        if sites > max_atoms:
            raise Refusal("too_many_atoms", f"The CIF has {sites} sites, and {max_atoms} atoms are allowed here.")
        _refuse_disorder(block)
        _refuse_many_operations(block)
        atoms = _build(block, _symbols(block))
    notes = _notes(block, [str(warning.message) for warning in caught])
    return atoms, notes


def _notes(block: CIFBlock, messages: list[str]) -> list[str]:
    """ASE asks for a setting even where the file lists its symmetry operations, which leave no question."""
    if any(tag in block for tag in _SYMMETRY[:3]):
        messages = [message for message in messages if not message.startswith("crystal system")]
    notes = [f"CIF: {message}" for message in messages[:_MAX_NOTES]]
    if not any(tag in block for tag in _SYMMETRY):
        notes.append("The CIF names no symmetry; its atoms were taken for the whole cell (P 1).")
    return notes


def _only_block(text: str) -> CIFBlock:
    try:
        blocks = list(parse_cif(io.BytesIO(_without_primes(text).encode("latin-1", "replace"))))
    except MemoryError:
        raise
    except Exception as error:
        raise Refusal(
            "unreadable", f"The file cannot be read as CIF: {error or type(error).__name__}. Correct that place."
        ) from error
    found = [block for block in blocks if any(tags[0] in block for tags in _COORDINATES)]
    if not found:
        raise Refusal("no_atoms", "The CIF has no coordinates of atoms (_atom_site_fract_x and so on).")
    if len(found) > 1:
        names = ", ".join(block.name for block in found[:5])
        raise Refusal(
            "several_frames", f"The CIF has {len(found)} structures ({names}). Save the one you mean by itself."
        )
    return found[0]


def _without_primes(text: str) -> str:
    """Labels like C1' are good CIF, and ASE takes their prime for a quotation that never ends."""
    lines = text.splitlines()
    quoted = re.compile(r"(^|\s)['\"]")
    return "\n".join(line if quoted.search(line) else re.sub(r"(?<=\w)['\"]+(?=\s|$)", "", line) for line in lines)


def _column(block: CIFBlock, tag: str) -> list[Any] | None:
    """Values of a loop; a CIF may also write the only row without a loop."""
    value = block.get(tag)
    return value if value is None or isinstance(value, list) else [value]


def _site_count(block: CIFBlock) -> int:
    """Refuses sites without coordinates, and a cell that is not there."""
    for tags in _COORDINATES:
        columns = [_column(block, tag) for tag in tags]
        if all(columns):
            for row, values in enumerate(zip(*columns, strict=True)):
                if not all(isinstance(value, int | float) for value in values):
                    raise Refusal(
                        "not_finite", f"Site {row + 1} of the CIF has no coordinates: {values}. Remove or place it."
                    )
            _refuse_missing_cell(block)
            return len(columns[0] or ())
    raise Refusal("no_atoms", "The CIF has no complete coordinates (x, y and z) of atoms.")


def _refuse_missing_cell(block: CIFBlock) -> None:
    parameters = block.get_cellpar()
    if parameters is None or not all(isinstance(value, int | float) for value in parameters):
        raise Refusal("no_cell", "The CIF has no complete cell (_cell_length_a to _cell_angle_gamma). Add it.")


def _refuse_disorder(block: CIFBlock) -> None:
    labels = _column(block, "_atom_site_label") or _column(block, "_atom_site_type_symbol") or []
    occupancies = _column(block, "_atom_site_occupancy") or []
    for label, occupancy in zip(labels, occupancies, strict=False):
        if isinstance(occupancy, int | float) and occupancy < _FULL:
            raise Refusal(
                "partial_occupancy",
                f"Site {label} has occupancy {occupancy:g}: the structure is disordered. Choose one ordered "
                "arrangement (or remove the solvent), and upload that.",
            )
    groups = {
        str(group)
        for tag in ("_atom_site_disorder_group", "_atom_site_disorder_assembly")
        for group in _column(block, tag) or []
    } - {".", "?", "0"}
    if len(groups) > 1 or any(group.startswith("-") for group in groups):
        raise Refusal(
            "disorder",
            f"The CIF has disorder groups ({', '.join(sorted(groups))}). Keep the atoms of one of them, and "
            "upload that.",
        )


def _refuse_many_operations(block: CIFBlock) -> None:
    count = max(len(_column(block, tag) or []) for tag in _SYMMETRY[:3])
    if count > _MAX_OPERATIONS:
        raise Refusal(
            "unreadable", f"The CIF has {count} symmetry operations; no space group has so many. Export it in P 1."
        )


def _symbols(block: CIFBlock) -> list[str]:
    types = _column(block, "_atom_site_type_symbol")
    if types:
        return [_element(str(text), is_label=False) for text in types]
    labels = _column(block, "_atom_site_label")
    if not labels:
        raise Refusal("unknown_element", "The CIF does not say which elements its atoms are. Add their symbols.")
    return [_element(str(label), is_label=True) for label in labels]


def _element(text: str, is_label: bool) -> str:
    """The element of a type symbol like "Zn2+", or of a label like "Zn1A". D is read as H."""
    letters = re.match(r"[A-Za-z]*", text.strip())
    word = letters.group() if letters else ""
    one, two = word[:1].upper(), word[:2].capitalize()
    if not is_label:
        known = word.capitalize() in _ELEMENTS
        return _known(word.capitalize() if known else two if two in _ELEMENTS else "", text)
    if len(word) > 1 and word[1].islower():
        return _known(two, text)
    if len(word) > 1 and one in _ELEMENTS and two in _ELEMENTS:
        raise Refusal(
            "unknown_element",
            f"Label {text!r} can be {one} or {two}. Add the column _atom_site_type_symbol to the CIF.",
        )
    return _known(one if one in _ELEMENTS else two, text)


def _known(symbol: str, text: str) -> str:
    if symbol not in _ELEMENTS:
        raise Refusal("unknown_element", f"{text!r} is no element. Correct it, or remove the dummy atom.")
    return "H" if symbol == "D" else symbol


def _build(block: CIFBlock, symbols: list[str]) -> Atoms:
    tags: dict[str, Any] = {**block, "_atom_site_type_symbol": symbols}
    block = CIFBlock(block.name, tags)
    try:
        if _has_no_symmetry(block):
            # Without a search for equivalent sites, which takes long for many atoms.
            atoms = block.get_unsymmetrized_structure()
        else:
            atoms = block.get_atoms(fractional_occupancies=False)
    except MemoryError:
        raise
    except Exception as error:
        raise Refusal(
            "unreadable",
            f"The CIF's symmetry and atoms cannot be put together: {error or type(error).__name__}. Export the "
            "structure in P 1.",
        ) from error
    atoms.pbc = True
    return atoms


def _has_no_symmetry(block: CIFBlock) -> bool:
    operations = next((_column(block, tag) for tag in _SYMMETRY[:3] if tag in block), None)
    if operations:
        return [re.sub(r"[\s'\"+]", "", str(operation)).lower() for operation in operations] == ["x,y,z"]
    number = next((block[tag] for tag in _SYMMETRY[3:6] if tag in block), None)
    name = next((block[tag] for tag in _SYMMETRY[6:] if tag in block), None)
    if number is not None:
        return str(number) == "1"
    return name is None or str(name).replace(" ", "").upper() == "P1"


_ELEMENTS = frozenset(atomic_numbers) - {"X"} | {"D"}
