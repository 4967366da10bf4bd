"""Names of values as people read them: the unit that each name ends in stands behind the value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mofsim.tui import grid

#: Tables that are wider are turned, so that they fit the narrowest screen that the console is made for.
TABLE_WIDTH = 76

#: Longest first, for `_A3` ends in no `_A`, but `_eV_per_A` does.
UNITS = {
    "_eV_per_A3": "eV/Å³",
    "_eV_per_A": "eV/Å",
    "_J_per_g_K": "J/g/K",
    "_J_per_gK": "J/g/K",
    "_J_per_molK": "J/mol/K",
    "_kJ_per_mol": "kJ/mol",
    "_g_per_mol": "g/mol",
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
    "_THz": "THz",
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
    """One line for each value, names in one column; a mapping or a table within becomes a block of its own."""
    flat = {name: value for name, value in values.items() if not _is_block(value)}
    width = max((len(split_unit(name)[0]) for name in flat), default=0)
    for name, value in flat.items():
        label, unit = split_unit(name)
        yield f"{indent}{label:<{width}}  {_short(value)}{f' {unit}' if unit and value is not None else ''}"
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield f"{indent}{split_unit(name)[0]}"
            yield from lines(value, f"{indent}  ")
        elif grid.is_table(value):
            yield f"{indent}{split_unit(name)[0]}"
            table = grid.table(value, text, _heading, TABLE_WIDTH - len(indent) - 2)
            yield from (f"{indent}  {line}".rstrip() for line in table)


def _short(value: Any) -> str:
    """Of many numbers only the ends: nobody types what is shown here."""
    return f"{grid.ends(value, text, ' ')} ({len(value)} values)" if grid.is_long(value) else text(value)


def _is_block(value: Any) -> bool:
    return isinstance(value, Mapping) or grid.is_table(value)


def _heading(name: str) -> str:
    label, unit = split_unit(name)
    return f"{label} ({unit})" if unit else label
