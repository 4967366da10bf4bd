"""The files of a run: those that grow with it, and those that are there whole or not at all."""

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import numpy as np
from ase import Atoms
from ase.io.cif import write_cif

from .frames import FrameFormat, format_structure

SERIES_COLUMNS = ("step", "energy_eV", "fmax_eV_per_A", "volume_A3", "time_s")


class Outputs:
    """Writes into one directory and remembers what it wrote."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._names: list[str] = []
        self._growing: list[TextIO] = []

    def open_growing(self, name: str) -> TextIO:
        """A text file that a kill leaves readable, provided that each write is a whole record."""
        file = (self.directory / name).open("w", encoding="utf-8", newline="\n")
        self._remember(name)
        self._growing.append(file)
        return file

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
        for file in self._growing:
            file.flush()
            os.fsync(file.fileno())
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
        self._file.flush()


class Series:
    """series.csv: a row for each step. `extra` names the columns that only this task type has."""

    def __init__(self, outputs: Outputs, extra: Sequence[str] = ()) -> None:
        self._columns = (*SERIES_COLUMNS, *extra)
        self._file = outputs.open_growing("series.csv")
        self._file.write(",".join(self._columns) + "\n")
        self._file.flush()

    def append(self, row: dict[str, float]) -> None:
        """`row` has a value for each column."""
        self._file.write(",".join(repr(row[column]) for column in self._columns) + "\n")
        self._file.flush()


def format_cif(atoms: Atoms) -> bytes:
    """The cell as a CIF in P 1, atoms wrapped into it."""
    buffer = io.BytesIO()
    write_cif(buffer, atoms)
    return buffer.getvalue()
