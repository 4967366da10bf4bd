"""Names of values as people read them: the unit that each name ends in stands behind the value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

#: Longest first, for `_A3` ends in no `_A`, but `_eV_per_A` does.
UNITS = {
    "_eV_per_A3": "eV/Å³",
    "_eV_per_A": "eV/Å",
    "_J_per_g_K": "J/g/K",
    "_J_per_gK": "J/g/K",
    "_kJ_per_mol": "kJ/mol",
    "_eV": "eV",
    "_A3": "Å³",
    "_A": "Å",
    "_K": "K",
    "_GPa": "GPa",
    "_bar": "bar",
    "_fs": "fs",
    "_ps": "ps",
    "_MB": "MB",
    "_W": "W",
    "_percent": "%",
    "_seconds": "s",
    "_deg": "°",
}


def split_unit(name: str) -> tuple[str, str]:
    """`final_energy_eV` → (`final energy`, `eV`)."""
    for suffix, unit in UNITS.items():
        if name.endswith(suffix):
            return name.removesuffix(suffix).replace("_", " "), unit
    return name.replace("_", " "), ""


def text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return " ".join(text(item) for item in value)
    return str(value)


def lines(values: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """One line for each value, names in one column; a mapping within becomes a block of its own."""
    flat = {name: value for name, value in values.items() if not isinstance(value, Mapping)}
    width = max((len(split_unit(name)[0]) for name in flat), default=0)
    for name, value in flat.items():
        label, unit = split_unit(name)
        yield f"{indent}{label:<{width}}  {text(value)}{f' {unit}' if unit and value is not None else ''}"
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield f"{indent}{split_unit(name)[0]}"
            yield from lines(value, f"{indent}  ")
