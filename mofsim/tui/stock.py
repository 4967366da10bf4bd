"""The models and structures that the console knows, in the order that lists show them. Knows no widgets and no HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from mofsim.tui.alert_book import Listing
from mofsim.tui.elements import metals
from mofsim.tui.structure_filter import Term, matches

if TYPE_CHECKING:
    from mofsim.schemas.resources import Model, ModelDetail, Structure, StructureSet


@dataclass(frozen=True)
class ModelRow:
    """`id` is ours, for the cursor: a model is known by its name. `detail` comes later, and may be older."""

    id: int
    model: Model
    detail: ModelDetail | None = None

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def elements(self) -> Sequence[str]:
        """Those that its weights told where the settings do not; none: nobody knows."""
        return self.model.elements or (self.detail.elements if self.detail else ())


@dataclass
class ModelBook:
    #: None: nobody asked yet, or nothing came
    rows: Listing[ModelRow] | None = None
    _ids: dict[str, int] = field(default_factory=dict)

    @property
    def listing(self) -> Listing[ModelRow]:
        return self.rows or Listing()

    def get(self, name: str) -> ModelRow | None:
        return self.listing.get(self._ids.get(name))

    def came(self, models: Iterable[Model]) -> None:
        """The default first, then by name."""
        details = {row.name: row.detail for row in self.listing.rows}
        ordered = sorted(models, key=lambda model: (not model.is_default, model.name.lower()))
        self.rows = Listing(tuple(ModelRow(self._id(model.name), model, details.get(model.name)) for model in ordered))

    def detail_came(self, detail: ModelDetail) -> None:
        """It is newer than what the list told."""
        rows = self.listing.rows
        self.rows = Listing(
            tuple(replace(row, model=detail, detail=detail) if row.name == detail.name else row for row in rows)
        )

    def _id(self, name: str) -> int:
        return self._ids.setdefault(name, len(self._ids) + 1)


#: The orders that `s` goes through: by what, and whether the largest come first.
SORTS: Final[Mapping[str, bool]] = {
    "": False,
    "name": False,
    "atoms": False,
    "volume": False,
    "metals": False,
    "uploaded": True,
}
_KEYS: Final[Mapping[str, Callable[[Structure], Any]]] = {
    "": lambda structure: (not structure.is_builtin, structure.id),
    "name": lambda structure: structure.name.lower(),
    "atoms": lambda structure: structure.n_atoms,
    "volume": lambda structure: structure.volume_A3,
    "metals": lambda structure: metals(structure.elements),
    "uploaded": lambda structure: (not structure.is_builtin, structure.created_at),
}


@dataclass
class StructureBook:
    """`sort` is one of SORTS, `-` in front where the largest come first."""

    #: whether the list came
    started: bool = False
    sort: str = ""
    terms: Sequence[Term] = ()
    #: those that the filter leaves
    listing: Listing[Structure] = field(default_factory=Listing)
    sets: Sequence[StructureSet] = ()
    _known: dict[int, Structure] = field(default_factory=dict)
    _sets_of: dict[int, list[str]] = field(default_factory=dict)
    #: what events told since the list was asked for that is on its way; None for one that is gone
    _told: dict[int, Structure | None] | None = None

    def __len__(self) -> int:
        return len(self._known)

    @property
    def known(self) -> Iterable[Structure]:
        """All of them, whatever the filter leaves."""
        return self._known.values()

    def get(self, id: int | None) -> Structure | None:
        return self._known.get(id) if id is not None else None

    def sets_of(self, structure: Structure) -> Sequence[str]:
        return self._sets_of.get(structure.id, ())

    def asked(self) -> None:
        """A list is on its way, which may be older than what events tell meanwhile."""
        self._told = {}

    def came(self, structures: Iterable[Structure], sets: Sequence[StructureSet]) -> None:
        told, self._told = self._told or {}, None
        self._known = {structure.id: structure for structure in structures}
        for id, structure in told.items():
            self._put(id, structure)
        self.sets, self._sets_of = sets, {}
        for each in sets:
            for id in each.structure_ids:
                self._sets_of.setdefault(id, []).append(each.name)
        self.started = True
        self._arrange()

    def seen(self, structure: Structure) -> None:
        self._tell(structure.id, structure)

    def gone(self, id: int) -> None:
        self._tell(id, None)

    def _tell(self, id: int, structure: Structure | None) -> None:
        if self._told is not None:
            self._told[id] = structure
        if self.started:
            self._put(id, structure)
            self._arrange()

    def _put(self, id: int, structure: Structure | None) -> None:
        if structure is None:
            self._known.pop(id, None)
        else:
            self._known[id] = structure

    def filter_by(self, terms: Sequence[Term]) -> None:
        self.terms = terms
        self._arrange()

    def sort_by_next(self) -> None:
        names = list(SORTS)
        name = names[(names.index(self.sort.removeprefix("-")) + 1) % len(names)]
        self.sort = f"-{name}" if SORTS[name] else name
        self._arrange()

    def reverse(self) -> None:
        self.sort = self.sort.removeprefix("-") if self.sort.startswith("-") else f"-{self.sort}"
        self._arrange()

    def _arrange(self) -> None:
        found = [each for each in self._known.values() if matches(each, self.sets_of(each), self.terms)]
        found.sort(key=lambda structure: structure.id)
        found.sort(key=_KEYS[self.sort.removeprefix("-")], reverse=self.sort.startswith("-"))
        self.listing = Listing(tuple(found))


@dataclass
class Stock:
    models: ModelBook = field(default_factory=ModelBook)
    structures: StructureBook = field(default_factory=StructureBook)
