"""Tables before anybody decides how one looks: terminals, pages and programs share them."""

from dataclasses import dataclass, field

from mofsim.vocabulary import TaskType

#: what the values of a task type are, and their unit
VALUES = {
    TaskType.OPTIMIZATION: ("Volume", "Å³"),
    TaskType.STABILITY: ("Drift of the volume", "%"),
    TaskType.BULK_MODULUS: ("Bulk modulus", "GPa"),
    TaskType.HEAT_CAPACITY: ("Heat capacity at 300 K", "J/(g K)"),
    TaskType.INTERACTION_ENERGY: ("Interaction energy", "eV"),
}
TITLES = {
    TaskType.OPTIMIZATION: "Optimization",
    TaskType.STABILITY: "Stability",
    TaskType.BULK_MODULUS: "Bulk modulus",
    TaskType.HEAT_CAPACITY: "Heat capacity",
    TaskType.INTERACTION_ENERGY: "Interaction energy",
}


@dataclass(frozen=True)
class Cell:
    text: str
    #: smaller, below it
    under: tuple[str, ...] = ()
    address: str | None = None
    is_bad: bool = False
    #: not to be broken into lines
    is_whole: bool = False


@dataclass(frozen=True)
class Heading:
    text: str
    is_number: bool = False
    #: smaller, below it
    under: str = ""


@dataclass(frozen=True)
class Table:
    headings: tuple[Heading, ...]
    rows: list[list[Cell]] = field(default_factory=list)
    #: said where there is no row
    empty: str = ""


def texts(*words: str) -> tuple[Heading, ...]:
    """Headings; one that begins with # is that of numbers."""
    return tuple(Heading(word.removeprefix("#"), word.startswith("#")) for word in words)
