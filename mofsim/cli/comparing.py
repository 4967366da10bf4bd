"""Two runs of one task beside each other: what was different, and what came out."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: what makes a potential another one: numbers of two such runs need not agree
MODEL = ("framework", "model_sha256", "model_options", "d3", "dtype")
_REST = ("task_type", "parameters", "preset", "structure_sha256", "device", "cuda", "threads", "platform", "mofsim")


@dataclass(frozen=True)
class Difference:
    name: str
    old: Any
    new: Any


@dataclass(frozen=True)
class Number:
    """A number of a result, old and new; None where one of the runs has none."""

    name: str
    old: float | None
    new: float | None

    @property
    def difference(self) -> float | None:
        return None if self.old is None or self.new is None else self.new - self.old

    @property
    def is_energy(self) -> bool:
        return self.name.endswith(("energy_eV", "energy_per_atom_eV"))

    def off_per_atom(self, n_atoms: int) -> float:
        """How far an energy is off, in eV/atom; infinitely where one of the two is missing."""
        if self.difference is None:
            return float("inf")
        return abs(self.difference) / (1 if self.name.endswith("_per_atom_eV") else n_atoms)


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """What the provenance of two runs has different, the model first."""
    found = [Difference(name, old.get(name), new.get(name)) for name in (*MODEL, *_REST)]
    versions = old.get("versions") or {}, new.get("versions") or {}
    names = dict.fromkeys([*versions[0], *versions[1]])
    found += [Difference(f"version of {name}", versions[0].get(name), versions[1].get(name)) for name in names]
    return [each for each in found if each.old != each.new]


def numbers(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Number]:
    """All numbers of two results, by their places in them."""
    before, after = dict(_flat(old)), dict(_flat(new))
    return [Number(name, before.get(name), after.get(name)) for name in dict.fromkeys([*before, *after])]


def ends(series: Path) -> dict[str, float]:
    """The energies of the first and the last step: not each task type has an energy in its result."""
    first: dict[str, str] = {}
    last: dict[str, str] = {}
    with series.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            first, last = first or row, row
    rows = {"first_step": first, "last_step": last}
    return {f"{name}_energy_eV": float(row["energy_eV"]) for name, row in rows.items() if row}


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, float]]:
    match value:
        case bool():
            yield name, float(value)
        case int() | float():
            yield name, value
        case Mapping():
            for key, item in value.items():
                yield from _flat(item, f"{name}.{key}" if name else str(key))
        case list():
            for index, item in enumerate(value):
                yield from _flat(item, f"{name}.{index}")
