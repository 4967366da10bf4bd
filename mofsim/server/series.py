"""The series of a run, from the CSV file that grows with it, thinned out so that it can be drawn."""

import math
from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

#: Files whose rows are kept, so that following a long run reads only what was added.
KEPT_FILES = 16

Rows = NDArray[np.float64]
Columns = dict[str, list[float | None]]


@dataclass
class _File:
    """What was read of one file so far; `rows` has the shape (rows, columns)."""

    inode: int
    names: list[str] = field(default_factory=list)
    rows: Rows = field(default_factory=lambda: np.empty((0, 0)))
    offset: int = 0


class SeriesReader:
    """Reads series files; may be called from several threads."""

    def __init__(self) -> None:
        self._files: OrderedDict[Path, _File] = OrderedDict()
        self._lock = Lock()

    def read(self, path: Path, points: int) -> Columns:
        """The columns, each of about `points` values; none when there is no file yet."""
        with self._lock:
            file = self._refreshed(path)
        return _thin(file.names, file.rows, points) if file else {}

    def _refreshed(self, path: Path) -> _File | None:
        file = self._files.pop(path, None)
        try:
            with path.open("rb") as stream:
                state = path.stat()
                if file is None or file.inode != state.st_ino or file.offset > state.st_size:
                    file = _File(state.st_ino)
                stream.seek(file.offset)
                _take(file, stream.read())
        except FileNotFoundError:
            return None
        self._files[path] = file
        if len(self._files) > KEPT_FILES:
            self._files.popitem(last=False)
        return file


def _take(file: _File, added: bytes) -> None:
    """Whole lines only: the last one may be half written."""
    whole = added[: added.rfind(b"\n") + 1]
    file.offset += len(whole)
    lines = whole.decode(errors="replace").splitlines()
    if lines and not file.names:
        file.names = lines.pop(0).split(",")
        file.rows = np.empty((0, len(file.names)))
    cells = [line.split(",") for line in lines]
    rows = [[_number(cell) for cell in row] for row in cells if len(row) == len(file.names)]
    if rows:
        file.rows = np.vstack([file.rows, rows])


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan


def _thin(names: list[str], rows: Rows, points: int) -> Columns:
    chosen = rows if len(rows) <= points else rows[_telling(rows, points)]
    columns = [[value if math.isfinite(value) else None for value in column] for column in chosen.T.tolist()]
    return dict(zip(names, columns, strict=True))


def _telling(rows: Rows, points: int) -> list[int]:
    """Indices of the first and last row and of each column's smallest and largest value in each stretch between."""
    # A column that only rises, like the time, has its extremes at the ends of a stretch: it shows no spike.
    uneven = rows[:, ~np.all(rows[1:] >= rows[:-1], axis=0)]
    lows, highs = np.where(np.isfinite(uneven), uneven, [[[np.inf]], [[-np.inf]]])
    stretches = max(1, (points - 2) // max(1, 2 * uneven.shape[1]))
    edges = np.linspace(0, len(rows), stretches + 1, dtype=int)
    found = {0, len(rows) - 1}
    for first, end in pairwise(edges):
        found |= {int(first)} if not uneven.shape[1] else set()
        found.update((first + lows[first:end].argmin(axis=0)).tolist())
        found.update((first + highs[first:end].argmax(axis=0)).tolist())
    return sorted(found)
