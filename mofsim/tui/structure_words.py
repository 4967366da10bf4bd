"""What a structure is, and what became of one in a task, in lines of text. Knows neither Textual nor HTTP."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from mofsim.tui import format
from mofsim.tui.elements import in_order, metals
from mofsim.tui.molecule import Molecule, Shape, farthest, percent, shape
from mofsim.tui.structure_filter import source
from mofsim.tui.summary import moment

if TYPE_CHECKING:
    from mofsim.schemas.envelope import Page
    from mofsim.schemas.resources import Structure
    from mofsim.schemas.tasks import Task, TaskGeometry, TaskResult

_NAMES = ("a", "b", "c", "α", "β", "γ")


def metals_of(structure: Structure) -> str:
    return " ".join(metals(structure.elements))


def details(
    structure: Structure,
    sets: Sequence[str],
    molecule: Molecule | None,
    tasks: Page[Task] | None,
    now: datetime,
    width: int,
) -> list[str]:
    """The first line is a title."""
    lines = [f"{structure.id} {structure.name}"]
    for sentence in _sentences(structure, sets, molecule, tasks, now):
        lines += textwrap.wrap(sentence, max(20, width), subsequent_indent="  ")
    return lines


def _sentences(
    structure: Structure, sets: Sequence[str], molecule: Molecule | None, tasks: Page[Task] | None, now: datetime
) -> Iterator[str]:
    yield f"{structure.formula}, {format.grouped(structure.n_atoms)} atoms, {' '.join(in_order(structure.elements))}"
    if molecule is not None:
        yield _cell_words(shape(molecule.cell))
    else:
        yield f"volume {structure.volume_A3:.1f} Å³"
    if structure.is_builtin:
        yield "built in"
    else:
        size = format.size(structure.file_size)
        yield f"{structure.original_name} ({source(structure)}, {size}), {moment(structure.created_at, now)}"
    if sets:
        yield f"in the set{'s' * (len(sets) > 1)} {', '.join(sets)}"
    if tasks is not None:
        total = len(tasks.items) if tasks.total is None else tasks.total
        newest = f": {', '.join(str(task.id) for task in tasks.items)}" if tasks.items else ""
        yield f"{format.grouped(total)} task{'s' * (total != 1)}{newest}"
    if structure.description:
        yield structure.description


def _cell_words(cell: Shape) -> str:
    lengths = " ".join(f"{value:.3f}" for value in cell.lengths)
    angles = " ".join(f"{value:.1f}" for value in cell.angles)
    return f"cell {lengths} Å, {angles}°, volume {cell.volume:.1f} Å³"


def changes(
    before: Molecule | None, after: Molecule | None, shown: TaskGeometry | None, result: TaskResult | None
) -> list[str]:
    """The cell before → after and what moved farthest, beside the picture of a task's structure."""
    lines = list(_source(shown))
    if before is not None and after is not None:
        lines += _cell_table(before, after)
        lines += _moved(before, after, result)
    elif after is not None or before is not None:
        found = after or before
        assert found is not None
        lines += _values(shape(found.cell))
    return [*lines, *_site(shown, result)]


def _source(shown: TaskGeometry | None) -> Iterator[str]:
    if shown is None:
        return
    step = f", step {shown.step}" if shown.step is not None else ""
    yield f"{len(shown.symbols)} atoms, {shown.source}{step}"
    yield ""


def _values(cell: Shape) -> Iterator[str]:
    for name, value, unit in zip(_NAMES, (*cell.lengths, *cell.angles), "ÅÅÅ°°°", strict=True):
        yield f"{name}  {value:9.3f} {unit}"
    yield f"V  {cell.volume:9.1f} Å³"


def _cell_table(before: Molecule, after: Molecule) -> Iterator[str]:
    """Lengths and volume in per cent, angles in degrees."""
    old, new = shape(before.cell), shape(after.cell)
    if len(before) != len(after):
        times = [round(now / was) for was, now in zip(old.lengths, new.lengths, strict=True)]
        yield f"cell, repeated {' × '.join(map(str, times))}" if max(times) > 1 else "cell"
        yield from _values(new)
        return
    yield f"{'cell':<4} {'before':>9}   {'after':>9}"
    for name, was, now in zip(_NAMES[:3], old.lengths, new.lengths, strict=True):
        yield f"{name:<4} {was:9.3f} → {now:9.3f} Å  {_signed(percent(was, now))} %"
    for name, was, now in zip(_NAMES[3:], old.angles, new.angles, strict=True):
        yield f"{name:<4} {was:9.2f} → {now:9.2f} °  {_signed(now - was)} °"
    yield f"{'V':<4} {old.volume:9.1f} → {new.volume:9.1f} Å³ {_signed(percent(old.volume, new.volume))} %"


def _signed(change: float) -> str:
    """What is as good as nothing has no minus."""
    return f"{round(change, 2) + 0.0:+6.2f}"


def _moved(before: Molecule, after: Molecule, result: TaskResult | None) -> Iterator[str]:
    found = farthest(before, after)
    if found is None:
        return
    yield ""
    yield f"moved farthest  {found.symbol} {found.index}, {found.distance:.3f} Å"
    rmsd = result.result.get("rmsd_A") if result else None
    if isinstance(rmsd, int | float):
        yield f"RMSD            {rmsd:.3f} Å"


def _site(shown: TaskGeometry | None, result: TaskResult | None) -> Iterator[str]:
    """Of an interaction energy: how strongly the guest is held where it is shown, and what is near it."""
    values = result.result if result else {}
    energy = values.get("interaction_energy_eV")
    if not isinstance(energy, int | float):
        return
    yield ""
    guest = values.get("guest_formula") or "guest"
    place = "best site" if shown is not None and shown.source.startswith("best") else "its place"
    yield f"{guest} at {place}  {format.number(energy)} eV"
    for kind, label in (("host", "nearest atom"), ("metal", "nearest metal")):
        distance, symbol = values.get(f"nearest_{kind}_A"), values.get(f"nearest_{kind}")
        if isinstance(distance, int | float):
            yield f"{label:<14}  {symbol}, {distance:.2f} Å"
    if values.get("at_open_metal"):
        yield "at an open metal"
