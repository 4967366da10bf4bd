"""The plots of a result, as a notebook shows them."""

from dataclasses import dataclass
from pathlib import Path

from mofsim.client.saving import target


@dataclass(frozen=True)
class Picture:
    """A PNG; the last value of a notebook's cell is drawn."""

    name: str
    content: bytes

    def save(self, destination: Path | str) -> Path:
        """Write it as `destination`, or into it when it is a folder."""
        path = target(destination, self.name)
        path.write_bytes(self.content)
        return path

    def _repr_png_(self) -> bytes:
        return self.content

    def __repr__(self) -> str:
        return f"Picture({self.name!r}, {len(self.content)} bytes)"
