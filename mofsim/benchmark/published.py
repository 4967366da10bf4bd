"""The reference values of the published MOFSimBench, from a checkout that a user has.

They are no part of mofsim: the repository carries no licence for them.
"""

import csv
import json
import math
from collections.abc import Iterator
from pathlib import Path

from mofsim.benchmark.equation_of_state import EV_PER_HARTREE, GPA_PER_EV_A3, Curve, fit
from mofsim.benchmark.references import BadReference, checked
from mofsim.schemas.scores import Reference
from mofsim.vocabulary import Quantity

#: below the folder that is given: a checkout's, or those of a part of it
_PLACES = (
    *(".", "reference", "mofsimbench/reference"),
    *("dft_data", "analysis/dft_data", "mof_benchmark/analysis/dft_data"),
    *("heat_capacity", "analysis/heat_capacity", "mof_benchmark/analysis/heat_capacity"),
)
#: A file is known by its columns, for its name differs between copies.
_ENERGIES = frozenset({"structure", "volumes_A3", "energies_au", "B0_GPa"})
_HEAT_CAPACITIES = frozenset({"cif_name", "cv_300K_JperKperg"})

_UNITS = {"Hartree": EV_PER_HARTREE, "eV": 1.0}
#: What a refit may have other than the file's own bulk modulus, so that only one unit explains it: eV and Hartree are
#: a factor of 27 apart.
_SAME = 2.0
#: more than this is told
_ODD = 0.02
_SOURCE = "DFT of MOFSimBench, {}"


def read_published(folder: Path) -> list[Reference]:
    """Volumes and bulk moduli, and heat capacities at 300 K; raises BadReference where there are none."""
    found: list[Reference] = []
    for path, columns in _files(folder):
        found += _moduli(path) if columns >= _ENERGIES else _heat_capacities(path)
    if not found:
        raise BadReference(
            f"{folder} has no file with the columns {', '.join(sorted(_ENERGIES))} or "
            f"{', '.join(sorted(_HEAT_CAPACITIES))}; looked in it and in {', '.join(_PLACES[1:])}"
        )
    return found


def _files(folder: Path) -> Iterator[tuple[Path, frozenset[str]]]:
    """The first of each kind: copies of the same file may lie in several places."""
    missing = [_ENERGIES, _HEAT_CAPACITIES]
    for place in _PLACES:
        for path in sorted((folder / place).glob("*.csv")):
            with path.open(newline="", encoding="utf-8-sig") as file:
                columns = frozenset(next(csv.reader(file), []))
            for kind in [kind for kind in missing if columns >= kind]:
                missing.remove(kind)
                yield path, columns


def _lines(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        lines = csv.DictReader(file)
        for line in lines:
            yield f"{path.name}, line {lines.line_num}", line


def _moduli(path: Path) -> list[Reference]:
    found: list[Reference] = []
    for where, line in _lines(path):
        name, source = line["structure"], _SOURCE.format(path.name)
        modulus = checked(Quantity.BULK_MODULUS, line["B0_GPa"], where)
        volumes, energies = _numbers(line["volumes_A3"], where), _numbers(line["energies_au"], where)
        curve = fit(volumes, energies)
        curve = curve if curve and curve.is_inside else None
        unit = _unit(curve, modulus) if curve else None
        found.append(
            Reference(
                structure=name,
                quantity=Quantity.BULK_MODULUS,
                value=modulus,
                source=source,
                note=_note(curve, modulus, unit),
                volumes_A3=volumes if unit else None,
                energies_eV=[energy * _UNITS[unit] for energy in energies] if unit else None,
            )
        )
        # Without a known unit the energies are those of something else, and so may be their minimum.
        if curve and unit:
            note = "minimum of a Birch-Murnaghan refit of its energies"
            volume = Reference(
                structure=name, quantity=Quantity.VOLUME, value=curve.volume_A3, source=source, note=note
            )
            found.append(volume)
    return found


def _unit(curve: Curve, modulus_GPa: float) -> str | None:
    """The file says Hartree (`energies_au`) and has rows in eV: the unit is the one that gives its own bulk modulus."""
    off = {unit: abs(math.log(_refit(curve, unit) / modulus_GPa)) for unit in _UNITS}
    best = min(_UNITS, key=off.__getitem__)
    return best if off[best] < math.log(_SAME) else None


def _refit(curve: Curve, unit: str) -> float:
    return curve.bulk_modulus * _UNITS[unit] * GPA_PER_EV_A3


def _note(curve: Curve | None, modulus_GPa: float, unit: str | None) -> str | None:
    """What is odd about a row; None for nothing."""
    if curve is None:
        return "no curve with a minimum among its volumes goes through its energies, so it has no volume"
    if unit is None:
        return "its energies give its bulk modulus neither in Hartree nor in eV, so it has no volume"
    odd = []
    if unit == "eV":
        odd.append("its energies are in eV, though the file says Hartree: only so do they give its bulk modulus")
    if abs(_refit(curve, unit) / modulus_GPa - 1) > _ODD:
        odd.append(f"a refit of its energies gives {_refit(curve, unit):.2f} GPa")
    return "; ".join(odd) or None


def _numbers(text: str, where: str) -> list[float]:
    try:
        numbers = json.loads(text)
        return [float(number) for number in numbers]
    except (ValueError, TypeError):
        raise BadReference(f"{where}: {text[:40]!r} is no list of numbers") from None


def _heat_capacities(path: Path) -> list[Reference]:
    """`JperKperg` is J/(K g): with its total heat capacity and mass each row can be held against itself."""
    found = []
    for where, line in _lines(path):
        value = checked(Quantity.HEAT_CAPACITY, line["cv_300K_JperKperg"], where)
        note = None
        if line.get("tot_cv_JperK") and line.get("tot_mass_amu"):
            again = float(line["tot_cv_JperK"]) / float(line["tot_mass_amu"])
            if abs(again / value - 1) > _ODD:
                note = f"its total heat capacity and mass give {again:.4f} J/(g K)"
        reference = Reference(
            structure=line["cif_name"],
            quantity=Quantity.HEAT_CAPACITY,
            value=value,
            source=_SOURCE.format(path.name),
            note=note,
        )
        found.append(reference)
    return found
