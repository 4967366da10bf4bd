"""Lists in a result as people read them: records as a table, many numbers by their ends.

Knows neither Textual nor HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

Words = Callable[[Any], str]
Record = Mapping[str, Any]

#: More numbers than these are told by the first two and the last.
LONG = 12
_GAP = "  "


def is_table(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) for item in value)


def is_long(value: Any) -> bool:
    """Whether it is a list of more numbers than somebody reads."""
    return isinstance(value, list) and len(value) > LONG and all(_is_number(item) for item in value)


def ends(values: Sequence[Any], words: Words, between: str) -> str:
    """`0, 10, … 1000`."""
    first, second, last = (words(values[index]) for index in (0, 1, -1))
    return f"{first}{between}{second}{between}… {last}"


def table(records: Sequence[Record], words: Words, heading: Words, width: int) -> list[str]:
    """A line for each record; where those are too wide, a line for each of their names."""
    names = list(dict.fromkeys(name for record in records for name in record))
    rows = [[words(record[name]) if name in record else "" for name in names] for record in records]
    numbers = [all(_is_number(record.get(name, 0)) for record in records) for name in names]
    headings = [heading(name) for name in names]
    lines = _aligned([headings, *rows], numbers)
    return lines if max(map(len, lines)) <= width else list(_turned(headings, rows, width))


def _turned(headings: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """The records side by side, as many as there is room for, then the others below."""
    room = width - max(map(len, headings))
    begin = 0
    while begin < len(rows):
        if begin:
            yield ""
        end, left = begin + 1, room - _wide(rows[begin])
        while end < len(rows) and (left := left - _wide(rows[end])) >= 0:
            end += 1
        columns = [headings, *rows[begin:end]]
        yield from _aligned(list(zip(*columns, strict=True)), [False] + [True] * (end - begin))
        begin = end


def _wide(cells: Sequence[str]) -> int:
    return len(_GAP) + max(map(len, cells))


def _aligned(lines: Sequence[Sequence[str]], right: Sequence[bool]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        _GAP.join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in lines
    ]


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))
