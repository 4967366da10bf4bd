"""What a terminal shows after the bytes that the console writes; only the sequences that Textual uses are known."""

import codecs
import re
from collections.abc import Iterator
from typing import Final

from scripts.picturing.cells import Colour, Look, Picture, Run, merged

_TOKEN: Final = re.compile(
    r"\x1b\[(?P<private>[<=>?]?)(?P<numbers>[\d;:]*)(?P<between>[ -/]*)(?P<final>[@-~])"
    r"|\x1b[\]P_](?P<string>.*?)(?:\x07|\x1b\\)"
    r"|\x1b(?P<other>[()][0-9A-B]|[=>78cM])"
    r"|(?P<control>[\x00-\x1a\x1c-\x1f])"
    r"|(?P<text>[^\x00-\x1f]+)",
    re.DOTALL,
)
#: Asking for something, the keyboard, the mouse, the shape of the cursor, the window: nothing that one sees.
_UNSEEN: Final = frozenset("cnpqtuhlr")
#: A terminal shows a frame as a whole between these.
_SYNC: Final = "2026"


class Screen:
    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._left = ""
        self._look = Look()
        self._x = self._y = 0
        self.whole = True
        self._clear()

    def _clear(self) -> None:
        self._cells = [[Run(" ", Look())] * self.columns for _ in range(self.rows)]

    @property
    def picture(self) -> Picture:
        return tuple(merged(row) for row in self._cells)

    def feed(self, data: bytes) -> None:
        """Raises ValueError for what it does not know. What is cut off waits for the rest."""
        text, at = self._left + self._decoder.decode(data), 0
        while at < len(text):
            token = _TOKEN.match(text, at)
            if token is None:
                if len(text) - at > 4096:
                    raise ValueError(f"what is {text[at : at + 40]!r}?")
                break
            self._do(token)
            at = token.end()
        self._left = text[at:]

    def _do(self, token: re.Match[str]) -> None:
        if (text := token["text"]) is not None:
            self._write(text)
        elif (control := token["control"]) is not None:
            self._control(control)
        elif token["final"] is not None:
            self._sequence(token)

    def _write(self, text: str) -> None:
        for character in text:
            if self._x < self.columns and self._y < self.rows:
                self._cells[self._y][self._x] = Run(character, self._look)
            self._x += 1

    def _control(self, control: str) -> None:
        if control == "\r":
            self._x = 0
        elif control == "\n":
            self._y += 1
        elif control == "\b":
            self._x = max(0, self._x - 1)

    def _sequence(self, token: re.Match[str]) -> None:
        private, final = token["private"], token["final"]
        numbers = [int(number or 0) for number in token["numbers"].replace(":", ";").split(";")]
        if final == "m" and not private:
            self._look = looks(self._look, numbers)
        elif final in "Hf":
            row, column = [*numbers, 1, 1][:2] if len(numbers) > 1 else (numbers[0], 1)
            self._y, self._x = max(1, row) - 1, max(1, column) - 1
        elif final in "ABCD":
            n = max(1, numbers[0])
            self._y += {"A": -n, "B": n}.get(final, 0)
            self._x += {"C": n, "D": -n}.get(final, 0)
        elif final == "J" and numbers[0] in (2, 3):
            self._clear()
        elif final == "K" and numbers[0] == 0:
            self._cells[self._y][self._x :] = [Run(" ", self._look)] * (self.columns - self._x)
        elif private == "?" and final in "hl":
            if token["numbers"] == _SYNC:
                self.whole = final == "l"
            elif token["numbers"] == "1049":
                self._clear()
        elif final not in _UNSEEN and not (final == "m" and private):
            raise ValueError(f"what is {token[0]!r}?")


def looks(look: Look, numbers: list[int]) -> Look:
    """After a sequence of SGR. Raises ValueError for what is not known."""
    rest = iter(numbers)
    for number in rest:
        match number:
            case 0:
                look = Look()
            case 1:
                look = look._replace(bold=True)
            case 2:
                look = look._replace(dim=True)
            case 3:
                look = look._replace(italic=True)
            case 4:
                look = look._replace(underline=True)
            case 7:
                look = look._replace(reverse=True)
            case 22:
                look = look._replace(bold=False, dim=False)
            case 23:
                look = look._replace(italic=False)
            case 24:
                look = look._replace(underline=False)
            case 27:
                look = look._replace(reverse=False)
            case 38:
                look = look._replace(foreground=_colour(rest))
            case 48:
                look = look._replace(background=_colour(rest))
            case 39:
                look = look._replace(foreground=None)
            case 49:
                look = look._replace(background=None)
            case _ if 30 <= number <= 37 or 90 <= number <= 97:
                look = look._replace(foreground=number - 30 if number < 90 else number - 82)
            case _ if 40 <= number <= 47 or 100 <= number <= 107:
                look = look._replace(background=number - 40 if number < 100 else number - 92)
            case _:
                raise ValueError(f"what is {number} in a sequence of colours?")
    return look


def _colour(rest: Iterator[int]) -> Colour:
    kind = next(rest, None)
    if kind == 5:
        return next(rest)
    if kind == 2:
        return f"#{next(rest):02x}{next(rest):02x}{next(rest):02x}"
    raise ValueError(f"what is colour {kind}?")
