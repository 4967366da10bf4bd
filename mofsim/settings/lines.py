"""Find the line of a key in a TOML text, which the parser does not tell."""

import re

_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_KEY = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"\s*\[\[?\s*({_KEY})\s*\]")
_ASSIGNMENT = re.compile(rf"\s*({_KEY})\s*=")
_PARTS = re.compile(_PART)


class KeyLines:
    """The lines of all keys and table headers of one text."""

    def __init__(self, text: str) -> None:
        self._lines: dict[tuple[str, ...], int] = {}
        table: tuple[str, ...] = ()
        for number, line in _outside_long_strings(text):
            if header := _HEADER.match(line):
                table = _split(header[1])
                self._remember(table, number)
            elif assignment := _ASSIGNMENT.match(line):
                self._remember(table + _split(assignment[1]), number)

    def find(self, path: tuple[str, ...]) -> int:
        """The line of the key, else of the inline table or header that holds it; 1 when nothing does."""
        for length in range(len(path), 0, -1):
            if path[:length] in self._lines:
                return self._lines[path[:length]]
        return 1

    def _remember(self, path: tuple[str, ...], number: int) -> None:
        for length in range(1, len(path) + 1):
            self._lines.setdefault(path[:length], number)


def _split(key: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _PARTS.findall(key))


def _outside_long_strings(text: str) -> list[tuple[int, str]]:
    """Numbered lines without those that begin inside a multi-line string."""
    lines = []
    closing = ""
    for number, line in enumerate(text.splitlines(), 1):
        if not closing:
            lines.append((number, line))
        for quotes in re.findall(r'"""|\'\'\'', line):
            closing = quotes if not closing else ("" if quotes == closing else closing)
    return lines
