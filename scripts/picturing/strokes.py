"""Characters that must meet their neighbours, drawn as lines and areas: fonts differ in these, and some have none.

Paths are in units of the picture, from the upper left corner of the cell at (x, y).
"""

from typing import Final

#: Such that dots stand at whole numbers, of which a chart has thousands.
WIDTH: Final = 10
HEIGHT: Final = 20

_MIDDLE_X, _MIDDLE_Y = WIDTH / 2, HEIGHT / 2
#: Arms of box-drawing characters: left, right, up, down; rounded corners are drawn as square ones.
_ARMS: Final = {
    "─": "lr", "━": "lr", "═": "lr", "│": "ud", "┃": "ud", "║": "ud", "┌": "rd", "┐": "ld", "└": "ru", "┘": "lu",
    "├": "rud", "┤": "lud", "┬": "lrd", "┴": "lru", "┼": "lrud", "╭": "rd", "╮": "ld", "╰": "ru", "╯": "lu",
    "╴": "l", "╶": "r", "╵": "u", "╷": "d",
}  # fmt: skip
_DASHES: Final = {"╌": 2, "┄": 3, "┈": 4}
_BRAILLE: Final = 0x2800
#: Column and row of the dot that each bit of a braille character stands for.
_DOTS: Final = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))


def is_line(character: str) -> bool:
    return character in _ARMS or character in _DASHES


def is_braille(character: str) -> bool:
    return _BRAILLE <= ord(character) < _BRAILLE + 256


def is_block(character: str) -> bool:
    return block(character) is not None


def number(value: float) -> str:
    """As short as can be."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return text[1:] if text.startswith("0.") else text or "0"


def line(character: str, x: float, y: float) -> str:
    """A path that is stroked."""
    if parts := _DASHES.get(character):
        step = WIDTH / parts
        return "".join(f"M{number(x + i * step)} {number(y + _MIDDLE_Y)}h{number(step * 0.6)}" for i in range(parts))
    arms = _ARMS[character]
    left, right = x if "l" in arms else x + _MIDDLE_X, x + WIDTH if "r" in arms else x + _MIDDLE_X
    up, down = y if "u" in arms else y + _MIDDLE_Y, y + HEIGHT if "d" in arms else y + _MIDDLE_Y
    path = f"M{number(left)} {number(y + _MIDDLE_Y)}H{number(right)}" if right > left else ""
    return path + (f"M{number(x + _MIDDLE_X)} {number(up)}V{number(down)}" if down > up else "")


def dots(character: str, x: float, y: float) -> str:
    """A path of points, for a stroke with round ends."""
    bits = ord(character) - _BRAILLE
    return "".join(
        f"M{number(x + 2 + column * WIDTH / 2)} {number(y + 2 + row * HEIGHT / 4)}h0"
        for bit, (column, row) in enumerate(_DOTS)
        if bits >> bit & 1
    )


def block(character: str) -> tuple[float, float, float, float] | None:
    """Left, top, width and height of what is filled, in shares of the cell; None when it is no block."""
    code = ord(character)
    if 0x2581 <= code <= 0x2588:
        return 0, 1 - (code - 0x2580) / 8, 1, (code - 0x2580) / 8
    if 0x2589 <= code <= 0x258F:
        return 0, 0, (0x2590 - code) / 8, 1
    return {"▀": (0, 0, 1, 0.5), "▐": (0.5, 0, 0.5, 1), "▔": (0, 0, 1, 0.125), "▕": (0.875, 0, 0.125, 1)}.get(character)
