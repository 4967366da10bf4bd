"""A file that grows with a run, and how the next attempt takes it over."""

import os
import zlib
from pathlib import Path

from .checkpoint_format import Unusable

_BLOCK = 1 << 20


class GrowingFile:
    """Knows the size and the CRC-32 of what it holds, so that a checkpoint can name it.

    With a size it goes on behind that many bytes, which are there already and have that CRC-32.
    """

    def __init__(self, path: Path, size: int = 0, crc: int = 0) -> None:
        self._file = path.open("ab" if size else "wb")
        self.size = size
        self.crc = crc

    def write(self, record: str) -> None:
        """Out of this process when it returns: a kill loses nothing of it."""
        data = record.encode()
        self._file.write(data)
        self._file.flush()
        self.size += len(data)
        self.crc = zlib.crc32(data, self.crc)

    def sync(self) -> None:
        """Have the disk keep it."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self.sync()
        self._file.close()


def copy_beginning(source: Path, target: Path, size: int, crc: int) -> None:
    """The first `size` bytes of `source`; raises Unusable when they are gone or were changed."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with source.open("rb") as old, temporary.open("wb") as new:
            found, left = 0, size
            while block := old.read(min(_BLOCK, left)):
                new.write(block)
                found = zlib.crc32(block, found)
                left -= len(block)
        if left or found != crc:
            raise Unusable(f"{source} is not what it was when the checkpoint was made")
        temporary.replace(target)
    except FileNotFoundError as error:
        raise Unusable(f"{source} is gone") from error
    finally:
        temporary.unlink(missing_ok=True)
