"""Many lines of text in little memory: packed block by block, unpacked where somebody looks."""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

#: Lines of a block, and blocks that stay unpacked: a screenful lies in two of them at most.
BLOCK, UNPACKED = 256, 4


class Packed(Sequence[str]):
    """Lines without line ends in them. They are added at the end, some or a whole sequence."""

    def __init__(self) -> None:
        self._blocks: list[bytes] = []
        #: of each block the index of its first line, and behind them that of the first line that is not packed yet
        self._starts: list[int] = [0]
        self._tail: list[str] = []
        self._unpacked: OrderedDict[bytes, list[str]] = OrderedDict()

    def __len__(self) -> int:
        return self._starts[-1] + len(self._tail)

    def extend(self, lines: Iterable[str]) -> None:
        self._tail += lines
        while len(self._tail) >= BLOCK:
            self._pack(BLOCK)

    def _pack(self, count: int) -> None:
        part = self._tail[:count]
        del self._tail[:count]
        # Lone surrogates are no UTF-8, and may come from a program that wrote what it read.
        self._blocks.append(zlib.compress("\n".join(part).encode("utf-8", "surrogatepass"), 1))
        self._starts.append(self._starts[-1] + len(part))

    def join(self, other: Packed) -> None:
        """The lines of `other` at the end; its blocks are taken as they are."""
        if self._tail:
            self._pack(len(self._tail))
        before = len(self)
        self._blocks += other._blocks
        self._starts += [start + before for start in other._starts[1:]]
        self._tail = list(other._tail)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        place = index + len(self) if index < 0 else index
        if not 0 <= place < len(self):
            raise IndexError(index)
        if place >= self._starts[-1]:
            return self._tail[place - self._starts[-1]]
        block = bisect_right(self._starts, place) - 1
        return self._lines(self._blocks[block])[place - self._starts[block]]

    def __delitem__(self, places: slice) -> None:
        """From the first line on; what stays is packed anew."""
        first, last, _ = places.indices(len(self))
        if first != 0:
            raise ValueError("only lines at the begin can go")
        rest = self[last:]
        self._blocks, self._starts, self._tail = [], [0], []
        self.extend(rest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __iter__(self) -> Iterator[str]:
        return (self[index] for index in range(len(self)))

    def _lines(self, block: bytes) -> list[str]:
        found = self._unpacked.get(block)
        if found is None:
            found = self._unpacked[block] = zlib.decompress(block).decode("utf-8", "surrogatepass").split("\n")
            while len(self._unpacked) > UNPACKED:
                self._unpacked.popitem(last=False)
        return found
