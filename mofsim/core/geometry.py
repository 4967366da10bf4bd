"""Where the atoms of a structure or of a task are, read from our own extended XYZ files without what computes.

They are written by mofsim.simulations.frames: a frame is the number of atoms, a line with the cell and the step, and a
line for each atom that begins with its symbol and its position.
"""

import gzip
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from sqlalchemy.orm import Session

from mofsim.core import queries
from mofsim.core.errors import NotFound
from mofsim.core.storage import Storage
from mofsim.db.tables import Structure
from mofsim.schemas.resources import Geometry
from mofsim.schemas.tasks import TaskGeometry
from mofsim.vocabulary import COMPRESSED, Frame, TaskStatus

#: What a task ended with, the best first; where none of them is, the last frame of the trajectory is as far as it came.
ENDS = ("optimized.extxyz", "final.extxyz", "best.extxyz")
TRAJECTORY = "trajectory.extxyz"
SUBMITTED = "submitted"
#: of positions and cell, in decimals of Å: a picture needs no more, and the file itself has every bit
DECIMALS = 6
_LATTICE = re.compile(r'Lattice="([^"]*)"')
_STEP = re.compile(r"\bstep=(\d+)")
_COLUMNS = "Properties=species:S:1:pos:R:3"


@dataclass(frozen=True)
class Place:
    """The file that a geometry of a task is in, and what else is known of it."""

    task_id: int
    path: Path
    source: str
    guest: Sequence[int] = ()


def of_structure(storage: Storage, structure: Structure) -> Geometry:
    """Blocks. Raises NotFound when the file is gone."""
    path = storage.structures / structure.normalised_path
    found = _first(path) if path.is_file() else None
    if found is None:
        raise NotFound(f"the file of structure {structure.id} is gone from the data folder; upload it again")
    return found.geometry()


def place(session: Session, storage: Storage, task_id: int, frame: Frame) -> Place:
    """Where the geometry of a task is. Raises NotFound, also when its files were removed by their age."""
    task, result = queries.result(session, task_id)
    given = task.parameters.get("guest_indices") or ()
    submitted = Place(task_id, storage.structures / task.structure.normalised_path, SUBMITTED, given)
    if frame is Frame.INITIAL:
        return submitted
    if result is None or not TaskStatus(task.status).is_final:
        growing = storage.attempt(task_id, task.attempt) / TRAJECTORY
        return Place(task_id, growing, TRAJECTORY, given) if growing.is_file() else submitted
    if result.files_removed_at:
        raise NotFound(
            f"the files of task {task_id} were removed by their age (storage.keep_days) at "
            f"{result.files_removed_at:%Y-%m-%d %H:%M} UTC; submit it again to have them",
            field="id",
            type="FilesRemoved",
        )
    published = {name.removesuffix(COMPRESSED) for name in result.output_files}
    name = next((name for name in (*ENDS, TRAJECTORY) if name in published), None)
    if name is None:
        return submitted
    # Where the guest was searched a place for, they count the atoms of the repeated host too.
    guest = result.result_data.get("guest_indices") or given
    return Place(task_id, storage.output(task_id, result.attempt, name, result.output_files), name, guest)


def of_task(place: Place, frame: Frame) -> TaskGeometry:
    """Blocks. Raises NotFound when nothing whole is in the file."""
    found = _last(place.path) if place.source == TRAJECTORY else _first(place.path) if place.path.is_file() else None
    if found is None:
        raise NotFound(f"task {place.task_id} has no whole frame in its files ({place.source}) yet; ask again later")
    geometry = found.geometry()
    guest = list(place.guest) if place.guest and max(place.guest) < len(geometry.symbols) else []
    return TaskGeometry(
        **dict(geometry), task_id=place.task_id, frame=frame, source=place.source, step=found.step, guest_indices=guest
    )


@dataclass(frozen=True)
class _Frame:
    comment: str
    rows: Sequence[str]

    @property
    def step(self) -> int | None:
        found = _STEP.search(self.comment)
        return int(found[1]) if found else None

    def geometry(self) -> Geometry:
        cell = _LATTICE.search(self.comment)
        if cell is None or _COLUMNS not in self.comment:
            raise NotFound("the file with the atoms is none that mofsim wrote; download it and look at it")
        numbers = [round(float(word), DECIMALS) for word in cell[1].split()]
        words = [row.split(None, 4)[:4] for row in self.rows]
        return Geometry(
            symbols=[symbol for symbol, *_ in words],
            positions_A=[[round(float(word), DECIMALS) for word in rest] for _, *rest in words],
            cell_A=[numbers[i : i + 3] for i in (0, 3, 6)],
        )


def _open(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path)) if path.suffix == COMPRESSED else path.open("rb")


def _first(path: Path) -> _Frame | None:
    with _open(path) as file:
        return next(_frames(file), None)


def _last(path: Path) -> _Frame | None:
    """The last whole frame; of a plain file only its end is read, which may grow meanwhile."""
    last = None
    try:
        with _open(path) as file:
            if path.suffix != COMPRESSED:
                _skip_to_end(file)
            for frame in _frames(file):
                last = frame
    except FileNotFoundError:
        return None
    return last


def _skip_to_end(file: IO[bytes]) -> None:
    """Leave two frames or three; all frames of a file have about one size, so a search from there finds a head."""
    first = next(_frames(file), None)
    if first is None:
        file.seek(0)
        return
    size, head = file.tell(), f"{len(first.rows)}\n".encode()
    file.seek(max(0, file.seek(0, 2) - 3 * size))
    if file.tell():
        file.readline()
    while (line := file.readline()) and line != head:
        pass
    file.seek(-len(line), 1)


def _frames(file: IO[bytes]) -> Iterator[_Frame]:
    """Whole frames only: the last one may be half written."""
    while (head := file.readline()).endswith(b"\n") and head.strip().isdigit():
        lines = [file.readline() for _ in range(int(head) + 1)]
        if not lines[-1].endswith(b"\n"):
            return
        comment, *rows = (line.decode() for line in lines)
        yield _Frame(comment, rows)
