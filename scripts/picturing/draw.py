"""Drawings of a terminal as SVG that fetches nothing: text in the reader's own font, lines and charts as paths."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final
from xml.sax.saxutils import escape

from rich.color import Color

from scripts.picturing import strokes
from scripts.picturing.cells import Colour, Look, Picture, Row, placed
from scripts.picturing.strokes import HEIGHT, WIDTH, number

FONT: Final = "ui-monospace,'Fira Code','SF Mono',Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace"
#: A character of these fonts is 0.6 of it wide.
FONT_SIZE: Final = 16.5
BASELINE: Final = 15
MARGIN: Final = 14

BACKGROUND: Final = "#15181e"
FOREGROUND: Final = "#d5d9e0"
#: The sixteen colours of the terminal in the pictures.
PALETTE: Final = (
    "#15181e", "#f2777a", "#8fcf7c", "#e8c468", "#6cb2f0", "#c88fe0", "#58c7d0", "#d5d9e0",
    "#69717f", "#ff9a9c", "#b1e5a1", "#f5dc95", "#9accf8", "#dcb3ee", "#8be0e6", "#ffffff",
)  # fmt: skip
#: Of dimmed text so much is left, the rest is background.
DIMMED: Final = 0.62


def still(picture: Picture, columns: int, title: str) -> str:
    """One picture."""
    pen = Pen()
    drawn = ((y, pen.row(row)) for y, row in enumerate(picture))
    rows = [f'<g transform="translate(0,{y * HEIGHT})">{row}</g>' for y, row in drawn if row]
    return _framed(columns, len(picture), title, pen.style, "".join(rows))


def film(frames: Sequence[tuple[float, Picture]], columns: int, title: str) -> str:
    """An animation without end of (seconds that it is shown, picture); a row that comes again is drawn once."""
    pen, lines = Pen(), dict[Row, str]()
    width, total = columns * WIDTH, sum(seconds for seconds, _ in frames)
    strip, moves, passed = [], [], 0.0
    for index, (seconds, picture) in enumerate(frames):
        uses = []
        for y, row in enumerate(picture):
            if any(run.text.strip() or _areas(run.look) for run in row):
                name = lines.setdefault(row, f"l{len(lines)}")
                uses.append(f'<use href="#{name}" y="{y * HEIGHT}"/>')
        strip.append(f'<g transform="translate({index * width},0)">{"".join(uses)}</g>')
        moves.append(f"{number(100 * passed / total)}%{{transform:translateX({-index * width}px)}}")
        passed += seconds
    # Each stays as it is until the next.
    moves.append(f"to{{transform:translateX({-(len(frames) - 1) * width}px)}}")
    defined = "".join(f'<g id="{name}">{pen.row(row)}</g>' for row, name in lines.items())
    style = (
        f"@keyframes film{{{''.join(moves)}}}.film{{animation:film {number(total)}s step-end infinite}}"
        "@media(prefers-reduced-motion:reduce){.film{animation-play-state:paused}}"
    )
    rows = max(len(picture) for _, picture in frames)
    window = f'<svg width="{width}" height="{rows * HEIGHT}"><g class="film">{"".join(strip)}</g></svg>'
    return _framed(columns, rows, title, pen.style + style, f"<defs>{defined}</defs>{window}")


def _framed(columns: int, rows: int, title: str, style: str, inside: str) -> str:
    width, height = columns * WIDTH + 2 * MARGIN, rows * HEIGHT + 2 * MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img"><title>{escape(title)}</title><style>'
        f"text{{font:{FONT_SIZE}px {FONT};white-space:pre}}path{{fill:none;stroke-width:1.2}}"
        f".d{{stroke-width:2.3;stroke-linecap:round}}{style}</style>"
        f'<rect x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="9" fill="{BACKGROUND}" stroke="#3a404b"/>'
        f'<g transform="translate({MARGIN},{MARGIN})">{inside}</g></svg>\n'
    )


class Pen:
    """Draws rows, and knows the looks that they need."""

    def __init__(self) -> None:
        self._classes: dict[str, str] = {}

    @property
    def style(self) -> str:
        return "".join(f".{name}{{{rule}}}" for rule, name in self._classes.items())

    def row(self, row: Row) -> str:
        """With its upper left corner at the origin."""
        under, over = [], []
        for column, (text, look) in placed(row):
            foreground, background = _inks(look)
            if background != BACKGROUND:
                under.append(_rectangle(column * WIDTH, 0, len(text) * WIDTH, HEIGHT, background))
            over.extend(self._run(text, column * WIDTH, look, foreground))
        return "".join(under + over)

    def _run(self, text: str, x: float, look: Look, ink: str) -> Iterator[str]:
        at = 0
        for kind, characters in groupby(text, key=_kind):
            piece = "".join(characters)
            left = x + at * WIDTH
            at += len(piece)
            if kind == "line":
                yield self._path("".join(strokes.line(c, left + i * WIDTH, 0) for i, c in enumerate(piece)), ink)
            elif kind == "braille":
                path = "".join(strokes.dots(c, left + i * WIDTH, 0) for i, c in enumerate(piece))
                yield self._path(path, ink, "d ") if path else ""
            elif kind == "block":
                yield from _blocks(piece, left, ink)
            else:
                yield from self._text(piece, left, look, ink)

    def _text(self, text: str, x: float, look: Look, ink: str) -> Iterator[str]:
        rule = f"fill:{ink}"
        rule += ";font-weight:700" if look.bold else ""
        rule += ";font-style:italic" if look.italic else ""
        rule += ";text-decoration:underline" if look.underline else ""
        # Columns stand where they belong, whatever the font: what is behind a gap begins anew.
        for match in re.finditer(r"\S+(?: \S+)*", text):
            word, left = match[0], x + match.start() * WIDTH
            length = f' textLength="{len(word) * WIDTH}"' if len(word) > 1 else ""
            yield f'<text class="{self._class(rule)}" x="{number(left)}" y="{BASELINE}"{length}>{escape(word)}</text>'

    def _path(self, path: str, ink: str, more: str = "") -> str:
        return f'<path class="{more}{self._class(f"stroke:{ink}")}" d="{_joined(path)}"/>'

    def _class(self, rule: str) -> str:
        return self._classes.setdefault(rule, f"c{len(self._classes)}")


def _kind(character: str) -> str:
    if strokes.is_line(character):
        return "line"
    if strokes.is_braille(character):
        return "braille"
    return "block" if strokes.is_block(character) else "text"


def _joined(path: str) -> str:
    """Horizontal lines that go on in the next cell are one."""
    before = None
    while path != before:
        before, path = path, re.sub(
            r"M([\d.]+) ([\d.]+)H([\d.]+)M\3 \2H([\d.]+)", r"M\1 \2H\4", path
        )  # fmt: skip
    return path


def _blocks(text: str, x: float, ink: str) -> Iterator[str]:
    for character, same in groupby(enumerate(text), key=lambda pair: pair[1]):
        indices = [index for index, _ in same]
        left, top, width, height = strokes.block(character) or (0, 0, 0, 0)
        whole = width == 1
        across = (len(indices) if whole else width) * WIDTH
        for index in indices[:1] if whole else indices:
            yield _rectangle(x + (index + left) * WIDTH, top * HEIGHT, across, height * HEIGHT, ink)


def _rectangle(x: float, y: float, width: float, height: float, ink: str) -> str:
    top = f' y="{number(y)}"' if y else ""
    return f'<rect x="{number(x)}"{top} width="{number(width)}" height="{number(height)}" fill="{ink}"/>'


def _areas(look: Look) -> bool:
    return look.reverse or look.background is not None


def _inks(look: Look) -> tuple[str, str]:
    """Fore- and background."""
    foreground, background = _ink(look.foreground, FOREGROUND), _ink(look.background, BACKGROUND)
    if look.reverse:
        foreground, background = background, foreground
    return (_mixed(foreground, background) if look.dim else foreground), background


def _ink(colour: Colour, default: str) -> str:
    if colour is None:
        return default
    if isinstance(colour, str):
        return colour
    return PALETTE[colour] if colour < 16 else Color.from_ansi(colour).get_truecolor().hex


def _mixed(ink: str, paper: str) -> str:
    channels = zip(bytes.fromhex(ink[1:]), bytes.fromhex(paper[1:]), strict=True)
    return "#" + bytes(round(DIMMED * a + (1 - DIMMED) * b) for a, b in channels).hex()
