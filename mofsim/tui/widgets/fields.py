"""A row of a form: label, control, and beside it a note or what is wrong."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.events import Resize
from textual.widget import Widget
from textual.widgets import Input, Static

from mofsim.tui.looks import BAD, DIM, Glyphs
from mofsim.tui.widgets.lines import Lines, Row, piece


class Note(Lines):
    """What is wrong comes before what is good to know."""

    def __init__(self, glyphs: Glyphs, text: str = "") -> None:
        super().__init__(classes="note")
        self.glyphs = glyphs
        self._text = text
        self._problem = ""

    @property
    def problem(self) -> str:
        return self._problem

    def say(self, text: str) -> None:
        self._text = text
        self._fit()

    def complain(self, problem: str) -> None:
        """Nothing is wrong when it is empty."""
        self._problem = problem
        self._fit()

    def on_resize(self, event: Resize) -> None:
        self._fit()

    def _fit(self) -> None:
        """As many lines as the text needs, so that it can be read on a narrow screen too."""
        if not self.content_size.width:
            # It is not shown; when it is, it gets a size.
            return
        needed = max(1, len(self._wrapped(self.content_size.width)))
        if needed != self.content_size.height:
            self.styles.height = needed
        self.redraw()

    def _wrapped(self, width: int) -> list[str]:
        text = f"{self.glyphs.failed} {self._problem}" if self._problem else self._text
        return textwrap.wrap(text, max(10, width))

    def draw(self, width: int, height: int) -> Iterable[Row]:
        for line in self._wrapped(width):
            yield (piece(line, BAD if self._problem else DIM),)


class Field(Horizontal):
    def __init__(self, name: str, label: str, control: Widget, glyphs: Glyphs, note: str = "") -> None:
        super().__init__(id=f"field-{name}", classes="field")
        self.field_name = name
        self.control = control
        self.note = Note(glyphs, note)
        self._label = label

    def compose(self) -> ComposeResult:
        yield Static(self._label, classes="label", markup=False)
        yield self.control
        yield self.note


class FieldInput(Input):
    """A compact text field whose enter goes to the next field."""

    def __init__(self, placeholder: str, id: str, value: str = "") -> None:
        super().__init__(value, placeholder=placeholder, compact=True, id=id)
        self.cursor_blink = False

    async def action_submit(self) -> None:
        self.app.action_focus_next()
