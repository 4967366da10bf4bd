"""Reads the normalised structure of a run; one that came before is not parsed again."""

import hashlib
from collections import OrderedDict
from pathlib import Path

from ase import Atoms

from .errors import InvalidInput
from .frames import read_structure


class StructureCache:
    """Parsed structures by the hash of their file, so that a changed file is a new one."""

    def __init__(self, capacity: int = 16) -> None:
        self._capacity = capacity
        self._parsed: OrderedDict[str, Atoms] = OrderedDict()

    def read(self, path: Path) -> tuple[Atoms, str]:
        """A fresh Atoms object without a calculator, and the SHA-256 of the file.

        Raises InvalidInput when the file cannot be read.
        """
        try:
            content = path.read_bytes()
            sha256 = hashlib.sha256(content).hexdigest()
            if sha256 not in self._parsed:
                self._parsed[sha256] = read_structure(content.decode())
        except Exception as error:
            raise InvalidInput(f"The structure {path} cannot be read: {error}") from error
        self._parsed.move_to_end(sha256)
        while len(self._parsed) > self._capacity:
            self._parsed.popitem(last=False)
        return self._parsed[sha256].copy(), sha256
