"""What a formula such as C48H24O26Zn8 tells."""

import re

#: the same as in mofsim.simulations.coordination, which only executors may import; a test holds them together
_NONMETALS = "H He B C N O F Ne Si P S Cl Ar Ge As Se Br Kr Te I Xe At Rn"
NONMETALS = frozenset(_NONMETALS.split())

_ELEMENT = re.compile(r"[A-Z][a-z]?")


def metals(formula: str) -> list[str]:
    """Its metals by the alphabet; [] for a framework without any."""
    return sorted(set(_ELEMENT.findall(formula)) - NONMETALS)
