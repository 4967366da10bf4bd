"""The files of a run: those that grow with it, and those that are there whole or not at all."""

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io.cif import write_cif

from .checkpoint import sync_folder
from .frames import FrameFormat, format_structure
from .growing import GrowingFile, copy_beginning

_SERIES = "series.csv"
SERIES_COLUMNS = ("step", "energy_eV", "fmax_eV_per_A", "volume_A3", "time_s")


class Outputs:
    """Writes into one directory and remembers what it wrote."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._names: list[str] = []
        self._growing: dict[str, GrowingFile] = {}

    def open_growing(self, name: str) -> GrowingFile:
        """A text file that a kill leaves readable, provided that each write is a whole record."""
        if name not in self._growing:
            self._growing[name] = GrowingFile(self.directory / name)
            self._remember(name)
        return self._growing[name]

    def adopt(self, directory: Path, files: dict[str, list[int]]) -> None:
        """Let files grow on that an earlier attempt has begun in `directory`: name → bytes to take, their CRC-32.

        Raises Unusable when a file is not what it was.
        """
        for name, (size, crc) in files.items():
            copy_beginning(directory / name, self.directory / name, size, crc)
            self._growing[name] = GrowingFile(self.directory / name, size, crc)
            self._remember(name)

    def sync(self) -> dict[str, list[int]]:
        """Have the disk keep what grows; name → size in bytes and CRC-32 of each."""
        for file in self._growing.values():
            file.sync()
        sync_folder(self.directory)
        return {name: [file.size, file.crc] for name, file in self._growing.items()}

    def abandon(self) -> None:
        """Nothing was written, whatever is there."""
        self.close()
        self._names.clear()

    def write_whole(self, name: str, content: str | bytes, durable: bool = True) -> None:
        """Under its name there is never half a file. `durable` waits for the disk."""
        data = content.encode() if isinstance(content, str) else content
        temporary = self.directory / f".{name}.{os.getpid()}.tmp"
        try:
            with temporary.open("wb") as file:
                file.write(data)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            temporary.replace(self.directory / name)
        finally:
            temporary.unlink(missing_ok=True)
        self._remember(name)

    def write_structure(self, stem: str, atoms: Atoms) -> None:
        """`stem`.cif for people, and `stem`.extxyz, which a following task reads without a rounding."""
        self.write_whole(f"{stem}.cif", format_cif(atoms))
        self.write_whole(f"{stem}.extxyz", format_structure(atoms))

    def close(self) -> None:
        """Close what grows, and have the disk keep it."""
        for file in self._growing.values():
            file.close()
        self._growing.clear()

    def sizes(self) -> dict[str, int]:
        """Name → size in bytes, in the order of writing."""
        return {name: (self.directory / name).stat().st_size for name in self._names}

    def _remember(self, name: str) -> None:
        if name not in self._names:
            self._names.append(name)


class Trajectory:
    """trajectory.extxyz: a frame with energy, forces and stress for each recorded step."""

    def __init__(self, outputs: Outputs, symbols: Sequence[str]) -> None:
        self._file = outputs.open_growing("trajectory.extxyz")
        self._format = FrameFormat(symbols)

    def append(self, atoms: Atoms, energy_eV: float, forces: np.ndarray, stress: np.ndarray | None, step: int) -> None:
        """`forces` has the shape (atoms, 3) and is in eV/Å; `stress` is in eV/Å³."""
        self._file.write(self._format.format(atoms, energy_eV, forces, stress, step))


class Series:
    """series.csv: a row for each step. `extra` names the columns that only this task type has."""

    def __init__(self, outputs: Outputs, extra: Sequence[str] = ()) -> None:
        self._columns = (*SERIES_COLUMNS, *extra)
        self._file = outputs.open_growing(_SERIES)
        if not self._file.size:
            self._file.write(",".join(self._columns) + "\n")

    def append(self, row: dict[str, float]) -> None:
        """`row` has a value for each column."""
        self._file.write(",".join(repr(row[column]) for column in self._columns) + "\n")


def read_series(directory: Path) -> list[dict[str, float]]:
    """The rows of a whole series.csv, as they were appended; none where there is no such file."""
    path = directory / _SERIES
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [{name: _number(text) for name, text in row.items()} for row in csv.DictReader(file)]


def _number(text: str) -> float:
    return int(text) if text.isdigit() else float(text)


def format_cif(atoms: Atoms) -> bytes:
    """The cell as a CIF in P 1, atoms wrapped into it."""
    buffer = io.BytesIO()
    write_cif(buffer, atoms)
    return buffer.getvalue()
