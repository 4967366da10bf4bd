"""Numbers of a result as its readers write them: with the digits that mean something in their unit.

Knows neither Textual nor HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from mofsim.tui import quantities

#: Digits by unit; a total energy of a thousand eV is compared in its meV.
_DIGITS: Final[Mapping[str, str]] = {
    "eV": ".4f",
    "eV/Å": ".3g",
    "Å³": ".2f",
    "Å": ".4f",
    "GPa": ".4g",
    "K": ".1f",
    "%": ".2f",
    "J/g/K": ".4f",
    "J/mol/K": ".2f",
    "kJ/mol": ".2f",
    "g/mol": ".2f",
    "THz": ".3f",
    "MB": ".0f",
}
#: Characters of a hash that are shown.
_HASH = 16
#: What no digits behind the point would show of.
_TINY = 1e-3


def figure(value: Any, unit: str = "") -> str:
    """`-1234.5120 eV`; what is no number as `quantities` has it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return quantities.text(value)
    return f"{digits(value, unit)} {unit}".strip()


def digits(value: float, unit: str = "") -> str:
    """Without the unit."""
    if isinstance(value, int):
        return str(value)
    form = _DIGITS.get(unit, ".6g")
    return f"{value:.3g}" if value and abs(value) < _TINY and form.endswith("f") else f"{value:{form}}"


def named(name: str, value: Any) -> str:
    """A value with the unit that its name ends in."""
    return figure(value, quantities.split_unit(name)[1])


def change(value: float, unit: str = "") -> str:
    """With its sign: `+0.0123 eV`, `-3`."""
    text = figure(value, unit)
    return text if text.startswith("-") else f"+{text}"


def percent(value: float, first: float) -> str:
    """How far a value is from the first one, in percent of that; empty where that is as good as 0 beside it."""
    return f"{100 * (value - first) / abs(first):+.2f} %" if abs(value - first) < 100 * abs(first) else ""


def exact(value: Any) -> str:
    """All digits, and no words: what somebody puts into a table. Empty for what is no number."""
    return repr(value) if is_number(value) else ""


def short_hash(digest: str, dots: str) -> str:
    """What tells it from others."""
    return digest if len(digest) <= _HASH else f"{digest[:_HASH]}{dots}"


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
