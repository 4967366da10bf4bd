"""The columns of the lists of models and of structures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final

from rich.style import Style

from mofsim.tui import format, model_words, structure_words
from mofsim.tui.looks import ACTIVE, BAD, DIM, GOOD, PLAIN, WARN, Glyphs
from mofsim.tui.model_words import Use, use
from mofsim.tui.stock import ModelRow
from mofsim.tui.store import Store
from mofsim.tui.structure_filter import source
from mofsim.tui.widgets.table import Cell, Column
from mofsim.vocabulary import TaskStatus

if TYPE_CHECKING:
    from mofsim.schemas.resources import Structure

Clock = Callable[[], datetime]

#: The state of a task that has the glyph of each use.
_LIKE: Final[Mapping[Use, tuple[TaskStatus, Style]]] = {
    Use.USABLE: (TaskStatus.COMPLETED, GOOD),
    Use.VALIDATING: (TaskStatus.ASSIGNED, ACTIVE),
    Use.NOT_VALIDATED: (TaskStatus.PENDING, WARN),
    Use.FAILED: (TaskStatus.FAILED, BAD),
}


def model_columns(store: Store, glyphs: Glyphs) -> list[Column[ModelRow]]:
    """What is dropped first where room is short: DTYPE, D3, ORIGIN, ELEMENTS, MEMORY, FRAMEWORK, LOADED ON."""
    return [
        Column("NAME", 14, lambda row, width: _cut(_name(row), width, glyphs), flex=2, most=32),
        Column("STATE", 19, lambda row, _: _use(row, glyphs)),
        Column("FRAMEWORK", 10, lambda row, width: _cut(row.model.framework, width, glyphs), drop=2),
        Column("D3", 3, lambda row, _: ("yes", PLAIN) if row.model.d3 else ("no", DIM), drop=6),
        Column("DTYPE", 8, lambda row, _: (row.model.dtype, PLAIN), drop=7),
        Column("ELEMENTS", 8, lambda row, _: _or_none(str(len(row.elements) or ""), glyphs), right=True, drop=4),
        Column("MEMORY", 17, lambda row, width: _or_none(model_words.memory(row)[:width], glyphs), right=True, drop=3),
        Column("ORIGIN", 8, lambda row, _: (model_words.origin(row.model), PLAIN), drop=5),
        Column("LOADED ON", 10, lambda row, width: _places(row, width, store, glyphs), flex=3, drop=1),
    ]


def structure_columns(store: Store, glyphs: Glyphs, now: Clock) -> list[Column[Structure]]:
    """What is dropped first where room is short: SOURCE, FORMULA, UPLOADED, SETS, VOLUME, METALS."""
    sets_of = store.stock.structures.sets_of
    return [
        Column("ID", 5, lambda structure, _: (str(structure.id), PLAIN), right=True),
        Column("NAME", 12, lambda structure, width: _cut(structure.name, width, glyphs), flex=3, most=40, sort="name"),
        Column("FORMULA", 14, lambda structure, width: _cut(structure.formula, width, glyphs), flex=2, most=30, drop=5),
        Column("ATOMS", 7, lambda structure, _: (format.grouped(structure.n_atoms), PLAIN), right=True, sort="atoms"),
        Column("VOLUME Å³", 10, lambda structure, _: (f"{structure.volume_A3:.1f}", PLAIN), right=True, drop=2,
               sort="volume"),
        Column("METALS", 8, lambda structure, width: _or_none(
            format.shorten(structure_words.metals_of(structure), width, glyphs), glyphs), drop=1, sort="metals"),
        Column("SETS", 9, lambda structure, width: _cut(" ".join(sets_of(structure)), width, glyphs), flex=1, drop=3),
        Column("SOURCE", 8, lambda structure, _: (source(structure), PLAIN), drop=6),
        Column("UPLOADED", 11, lambda structure, _: _uploaded(structure, now(), glyphs), drop=4, sort="uploaded"),
    ]  # fmt: skip


def _name(row: ModelRow) -> str:
    return f"{row.name}{' (default)' if row.model.is_default else ''}"


def _use(row: ModelRow, glyphs: Glyphs) -> Cell:
    found = use(row)
    status, style = _LIKE[found]
    return f"{glyphs.states[status]} {found.value}", style


def _places(row: ModelRow, width: int, store: Store, glyphs: Glyphs) -> Cell:
    text = model_words.places(row.name, list(store.workers.values()))
    return (format.shorten(text, width, glyphs), ACTIVE) if text else (glyphs.none, DIM)


def _uploaded(structure: Structure, now: datetime, glyphs: Glyphs) -> Cell:
    """The date, or of today's the time; built-in ones were not."""
    if structure.is_builtin:
        return glyphs.none, DIM
    local = structure.created_at.astimezone()
    return f"{local:%H:%M}" if local.date() == now.astimezone().date() else f"{local:%Y-%m-%d}", PLAIN


def _or_none(text: str, glyphs: Glyphs) -> Cell:
    return (text, PLAIN) if text else (glyphs.none, DIM)


def _cut(text: str, width: int, glyphs: Glyphs) -> Cell:
    return format.shorten(text, width, glyphs), PLAIN
