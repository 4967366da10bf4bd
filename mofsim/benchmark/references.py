"""Reference values: those of the built-in structures, and those that come from files, one over the other."""

import csv
import math
from collections.abc import Iterable
from pathlib import Path

from mofsim.benchmark.names import key, submitted
from mofsim.schemas.scores import Reference
from mofsim.vocabulary import Quantity


class BadReference(Exception):
    """A file of reference values can not be read; the message says where and why."""


_PAPER = "DFT of MOFSimBench (Kraß, Huang, Moosavi, npj Comput. Mater. 12:4, 2026)"
_REFIT = "from a Birch-Murnaghan fit to the DFT energies"

#: structure, atoms of the primitive cell, its volume in Å³, bulk modulus in GPa
_BUILTIN = (
    ("MOF-5", 106, 4441.5, 16.06),
    ("HKUST-1", 156, 4675.1, 23.58),
    ("ZIF-8", 138, 2499.5, 6.41),
    ("UiO-66", 114, 2279.1, 37.50),
    ("Mg-MOF-74", 54, 1367.0, 22.06),
)

BUILTIN: tuple[Reference, ...] = tuple(
    Reference(structure=name, quantity=quantity, value=value, n_atoms=n_atoms, source=_PAPER, note=note)
    for name, n_atoms, volume, modulus in _BUILTIN
    for quantity, value, note in ((Quantity.VOLUME, volume, _REFIT), (Quantity.BULK_MODULUS, modulus, None))
)

#: Above these a value is in another unit: no framework is as hard as diamond, or has more heat capacity than gaseous H.
_LARGEST = {Quantity.BULK_MODULUS: 1000.0, Quantity.HEAT_CAPACITY: 25.0}
_ELSEWHERE = {Quantity.BULK_MODULUS: "GPa", Quantity.HEAT_CAPACITY: "J/(g K)"}
_COLUMNS = ("structure", *Quantity, "guest", "n_atoms", "source", "note")


class References:
    """Values by structure, quantity and guest. Later ones replace earlier ones of the same name."""

    def __init__(self, *layers: Iterable[Reference]) -> None:
        self._exact: dict[tuple[str, Quantity, str | None], Reference] = {}
        #: by what names have in common; None where that is not enough to tell two apart
        self._alike: dict[tuple[str, Quantity, str | None], Reference | None] = {}
        for layer in layers:
            self._lay(list(layer))

    def _lay(self, layer: list[Reference]) -> None:
        alike: dict[tuple[str, Quantity, str | None], Reference | None] = {}
        for each in layer:
            about = (key(each.structure), each.quantity, each.guest)
            alike[about] = None if about in alike else each
        # What is replaced must not be found by its exact name either.
        self._exact = {
            about: each for about, each in self._exact.items() if (key(each.structure), *about[1:]) not in alike
        }
        self._alike |= alike
        self._exact |= {(each.structure.casefold(), each.quantity, each.guest): each for each in layer}

    def find(self, structure: str, quantity: Quantity, guest: str | None = None) -> Reference | None:
        """By the name, whatever its case, or by what is left of it without hyphens and the kind of cell."""
        exact = self._exact.get((structure.casefold(), quantity, guest))
        return exact or self._alike.get((key(structure), quantity, guest))

    def for_task(self, structure: str, quantity: Quantity, guest: str | None = None) -> Reference | None:
        """Of a structure as a task names it, be it one that another task relaxed; only energies have a guest."""
        return self.find(submitted(structure), quantity, guest if quantity is Quantity.INTERACTION_ENERGY else None)

    def all(self) -> list[Reference]:
        return list(self._exact.values())


def read_csv(path: Path) -> list[Reference]:
    """A user's own values, a row for each structure (docs/benchmark.md). Raises BadReference naming the line."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        lines = csv.DictReader(file)
        names = [name.strip() for name in lines.fieldnames or ()]
        unknown = [name for name in names if name not in _COLUMNS]
        if "structure" not in names or unknown or not set(names) & set(Quantity):
            wrong = f"has no meaning for {', '.join(map(repr, unknown))}" if unknown else "lacks a column"
            raise BadReference(
                f"{path.name} {wrong}; columns are structure, one or more of {', '.join(Quantity)}, and "
                "if you like guest, n_atoms, source and note"
            )
        lines.fieldnames = names
        found = [each for line in lines for each in _of_line(line, path.name, lines.line_num)]
    seen: dict[tuple[str, Quantity, str | None], Reference] = {}
    for each in found:
        about = (each.structure.casefold(), each.quantity, each.guest)
        if about in seen:
            raise BadReference(f"{path.name} has two values of {each.quantity} for {each.structure}")
        seen[about] = each
    return found


def _of_line(line: dict[str, str], file: str, number: int) -> list[Reference]:
    cells = {name: (text or "").strip() for name, text in line.items() if name}
    if not any(cells.values()):
        return []
    where = f"{file}, line {number}"
    if not cells["structure"]:
        raise BadReference(f"{where}: no structure is named")
    n_atoms = cells.get("n_atoms", "")
    if n_atoms and not (n_atoms.isdecimal() and int(n_atoms)):
        raise BadReference(f"{where}: n_atoms is {n_atoms!r}, and must be a number of atoms")
    return [
        Reference(
            structure=cells["structure"],
            quantity=quantity,
            value=checked(quantity, cells[quantity], where),
            guest=(cells.get("guest") or None) if quantity is Quantity.INTERACTION_ENERGY else None,
            n_atoms=int(n_atoms) if n_atoms and quantity is Quantity.VOLUME else None,
            source=cells.get("source") or file,
            note=cells.get("note") or None,
        )
        for quantity in Quantity
        if cells.get(quantity)
    ]


def checked(quantity: Quantity, text: str, where: str) -> float:
    """The number; raises BadReference for one that can not be what it is said to be."""
    try:
        value = float(text)
    except ValueError:
        raise BadReference(f"{where}: {quantity} is {text!r}, which is no number") from None
    if not math.isfinite(value) or (value <= 0 and quantity is not Quantity.INTERACTION_ENERGY):
        raise BadReference(f"{where}: {quantity} is {text}, and must be a positive number")
    if value > _LARGEST.get(quantity, math.inf):
        raise BadReference(f"{where}: {quantity} is {text}; is that in {_ELSEWHERE[quantity]}?")
    return value
