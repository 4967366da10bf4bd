"""What the console must know of elements: radii, which are metals, colours, and their places in the periodic table.

Knows neither Textual nor HTTP.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

#: Covalent radii in Å, of H to Cm: Cordero et al., Dalton Trans. 2008, 2832 (doi:10.1039/b801115j); of C that of sp³,
#: of Mn, Fe and Co that of low spin, as ASE has them.
_WORDS = (
    "H .31 He .28 Li 1.28 Be .96 B .84 C .76 N .71 O .66 F .57 Ne .58 Na 1.66 Mg 1.41 Al 1.21 Si 1.11 P 1.07 S 1.05 "
    "Cl 1.02 Ar 1.06 K 2.03 Ca 1.76 Sc 1.7 Ti 1.6 V 1.53 Cr 1.39 Mn 1.39 Fe 1.32 Co 1.26 Ni 1.24 Cu 1.32 Zn 1.22 "
    "Ga 1.22 Ge 1.2 As 1.19 Se 1.2 Br 1.2 Kr 1.16 Rb 2.2 Sr 1.95 Y 1.9 Zr 1.75 Nb 1.64 Mo 1.54 Tc 1.47 Ru 1.46 "
    "Rh 1.42 Pd 1.39 Ag 1.45 Cd 1.44 In 1.42 Sn 1.39 Sb 1.39 Te 1.38 I 1.39 Xe 1.4 Cs 2.44 Ba 2.15 La 2.07 Ce 2.04 "
    "Pr 2.03 Nd 2.01 Pm 1.99 Sm 1.98 Eu 1.98 Gd 1.96 Tb 1.94 Dy 1.92 Ho 1.92 Er 1.89 Tm 1.9 Yb 1.87 Lu 1.87 Hf 1.75 "
    "Ta 1.7 W 1.62 Re 1.51 Os 1.44 Ir 1.41 Pt 1.36 Au 1.36 Hg 1.32 Tl 1.45 Pb 1.46 Bi 1.48 Po 1.4 At 1.5 Rn 1.5 "
    "Fr 2.6 Ra 2.21 Ac 2.15 Th 2.06 Pa 2 U 1.96 Np 1.9 Pu 1.87 Am 1.8 Cm 1.69"
)
_RADII = _WORDS.split()

RADII: Final[Mapping[str, float]] = MappingProxyType(
    dict(zip(_RADII[::2], map(float, _RADII[1::2]), strict=True)),
)
#: Of what has no radius there.
UNKNOWN_RADIUS: Final = 1.6
#: Two atoms are bonded when they are closer than the sum of their radii and this, in Å, as in the Cambridge database
#: and in our own coordination numbers.
BOND_TOLERANCE: Final = 0.4
#: As mofsim.simulations.coordination has them.
_NONMETALS = "H He B C N O F Ne Si P S Cl Ar Ge As Se Br Kr Te I Xe At Rn"
NONMETALS: Final = frozenset(_NONMETALS.split())

#: The periodic table as it hangs on the wall, lanthanides and actinides below; a dot is an empty place.
_TABLE = (
    "H . . . . . . . . . . . . . . . . He",
    "Li Be . . . . . . . . . . B C N O F Ne",
    "Na Mg . . . . . . . . . . Al Si P S Cl Ar",
    "K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr",
    "Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe",
    "Cs Ba La Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn",
    "Fr Ra Ac",
    ". . . Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu",
    ". . . Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr",
)
#: None: no element there.
TABLE: Final[Sequence[Sequence[str | None]]] = tuple(
    tuple(None if word == "." else word for word in row.split()) for row in _TABLE
)
_ORDER: Final = tuple(_RADII[::2])
_NUMBER: Final = {symbol: number for number, symbol in enumerate(_ORDER, 1)}


def is_metal(symbol: str) -> bool:
    return symbol not in NONMETALS


def metals(symbols: Iterable[str]) -> list[str]:
    return [symbol for symbol in in_order(symbols) if is_metal(symbol)]


def in_order(symbols: Iterable[str]) -> list[str]:
    """Each once, by atomic number."""
    return sorted(set(symbols), key=lambda symbol: (_NUMBER.get(symbol, len(_ORDER) + 1), symbol))


def ranges(symbols: Iterable[str]) -> str:
    """`H–F, Na, Al–Cl`: neighbours in the periodic table from three on as a range."""
    numbers = [_NUMBER[symbol] for symbol in in_order(symbols) if symbol in _NUMBER]
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(_run(run) for run in runs)


def _run(numbers: Sequence[int]) -> str:
    names = [_ORDER[number - 1] for number in numbers]
    return f"{names[0]}–{names[-1]}" if len(names) > 2 else ", ".join(names)


def coverage(symbols: Sequence[str]) -> str:
    """The elements as ranges, or those that are missing where these are fewer words."""
    missing = [symbol for symbol in _ORDER[: _NUMBER.get("Pu", 94)] if symbol not in symbols]
    if len(missing) < 25 and len(symbols) > 40:
        return f"H–Pu without {', '.join(missing)}" if missing else "H–Pu"
    return ranges(symbols)
