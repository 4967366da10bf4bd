"""A structure that can be turned, with its elements named below it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual import events

from mofsim.tui import projection
from mofsim.tui.elements import in_order, is_metal
from mofsim.tui.looks import BOLD, DIM, PLAIN, Glyphs
from mofsim.tui.molecule import Molecule
from mofsim.tui.projection import ASCII_MARKS, CELL, STEP, UNICODE_MARKS, Spot, View, draw, first_view, mark_of
from mofsim.tui.widgets.lines import Lines, Row, piece

#: The usual colours of atoms as far as sixteen colours go; carbon has that of the bonds.
COLOURS: Final[Mapping[str, str]] = {
    "B": "bright_green",
    "N": "bright_blue",
    "O": "red",
    "F": "green",
    "Si": "yellow",
    "P": "bright_yellow",
    "S": "yellow",
    "Cl": "green",
    "Br": "bright_red",
    "I": "magenta",
}
#: The metals of a structure take these in turn.
METALS: Final = ("bright_magenta", "bright_cyan", "bright_green", "magenta", "cyan")
GUEST: Final = Style(color="yellow", bold=True)
FAINT_GUEST: Final = Style(color="yellow")


class StructureView(Lines, can_focus=True):
    """Turns, zooms, repeats; what an empty one says is `empty`."""

    def __init__(self, glyphs: Glyphs, id: str) -> None:
        super().__init__(id=id)
        self.glyphs = glyphs
        self.marks = UNICODE_MARKS if glyphs.braille else ASCII_MARKS
        self.molecule: Molecule | None = None
        self.empty: Sequence[str] = ()
        self.view = first_view()
        self.stale = False
        self._styles: dict[tuple[str, bool, bool], Style] = {}
        self._legend: Row = ()

    def show(self, molecule: Molecule | None, empty: Sequence[str] = ()) -> None:
        """Another structure from the side that the one before was seen from."""
        if molecule is self.molecule and empty == self.empty:
            return
        self.molecule, self.empty = molecule, empty
        self._styles = _styles(molecule) if molecule else {}
        self._legend = self._named(molecule) if molecule else ()
        if molecule and self.view.repeat > projection.most_cells(molecule):
            self.view = replace(self.view, repeat=1)
        self.redraw()

    @property
    def hint(self) -> str:
        """The keys that turn it, where there is room for them."""
        room = self.content_size.width - 20
        long, short = "← → turn   shift+↑↓ tilt   + - size   0 reset", "← → turn   + - size"
        if not self.glyphs.braille:
            long, short = "left right turn   shift+up/down tilt   + - size", "left right turn"
        return next((f"   {text}" for text in (long, short) if len(text) + 3 <= room), "")

    def draw(self, width: int, height: int) -> Iterable[Row]:
        if self.molecule is None:
            yield ()
            yield from ((piece(f" {line}", DIM),) for line in self.empty)
            return
        below = 1 if height > 5 else 0
        for spots in draw(self.molecule, self.view, width, height - below, self.marks):
            yield self._row(spots)
        if below:
            yield self._legend

    def _row(self, spots: Sequence[Spot]) -> Row:
        """As few pieces as show the same: what is blank goes with what is before it."""
        row: list[Segment] = []
        text, style = "", PLAIN
        for spot in spots:
            now = style if spot.text == " " else self._style(spot)
            if now != style:
                if text:
                    row.append(piece(text, style))
                text, style = "", now
            text += spot.text
        row.append(piece(text, style))
        return row

    def _style(self, spot: Spot) -> Style:
        if self.stale or spot.element == CELL:
            return DIM
        if not spot.element:
            return DIM if spot.far else PLAIN
        return self._styles.get((spot.element, spot.guest, spot.far), PLAIN)

    def _named(self, molecule: Molecule) -> Row:
        """`● Zn 8  • O 26`, metals first, then the guest."""
        host = Counter(symbol for i, symbol in enumerate(molecule.symbols) if i not in molecule.guest)
        row = [piece(" ")]
        for symbol in sorted(in_order(host), key=lambda symbol: not is_metal(symbol)):
            mark = mark_of(symbol, False, self.marks)
            row += [piece(mark, self._styles[symbol, False, False]), piece(f" {symbol} {host[symbol]}  ", DIM)]
        if molecule.guest:
            guest = Counter(molecule.symbols[i] for i in molecule.guest)
            formula = "".join(f"{symbol}{n if n > 1 else ''}" for symbol, n in sorted(guest.items()))
            row += [piece(self.marks.guest, GUEST), piece(f" guest {formula}", BOLD)]
        return row

    def look(self, view: View) -> None:
        if view != self.view:
            self.view = view
            self.redraw()

    def turn(self, right: float = 0.0, up: float = 0.0) -> None:
        """By so many keys."""
        self.look(self.view.turned(right * STEP, up * STEP))

    def zoom(self, by: int) -> None:
        self.look(self.view.zoomed(projection.ZOOM**by))

    def reset(self) -> None:
        self.look(replace(first_view(), bonds=self.view.bonds, letters=self.view.letters))

    def repeat(self) -> bool:
        """One more cell along each edge, or back to one; False when those would be too many atoms."""
        most = projection.most_cells(self.molecule) if self.molecule else 1
        self.look(replace(self.view, repeat=self.view.repeat % most + 1))
        return most > 1

    def switch_bonds(self) -> None:
        self.look(replace(self.view, bonds=not self.view.bonds))

    def switch_letters(self) -> None:
        self.look(replace(self.view, letters=not self.view.letters))

    # What moves in lists turns here.

    def move(self, by: int) -> None:
        self.turn(up=-by)

    def page_by(self, by: int) -> None:
        self.turn(up=-by * 90 / STEP)

    def first(self) -> None:
        self.reset()

    def last(self) -> None:
        self.turn(right=180 / STEP)

    def on_mouse_scroll_down(self) -> None:
        self.zoom(-1)

    def on_mouse_scroll_up(self) -> None:
        self.zoom(1)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drawn with a button held."""
        if event.button and (event.delta_x or event.delta_y):
            self.turn(event.delta_x / 3, -event.delta_y * 2 / 3)


def _styles(molecule: Molecule) -> dict[tuple[str, bool, bool], Style]:
    """By element, whether it is the guest's, and whether it is far."""
    found = {}
    metals = [symbol for symbol in in_order(molecule.symbols) if is_metal(symbol)]
    for symbol in set(molecule.symbols):
        colour = METALS[metals.index(symbol) % len(METALS)] if symbol in metals else COLOURS.get(symbol)
        found[symbol, False, False] = Style(color=colour)
        found[symbol, False, True] = Style(color=colour, dim=True)
        found[symbol, True, False], found[symbol, True, True] = GUEST, FAINT_GUEST
    return found
