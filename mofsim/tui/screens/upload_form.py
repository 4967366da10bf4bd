"""What the forms that upload files share. What is wrong is said beside its field, before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Button

from mofsim.tui import stock_messages
from mofsim.tui.actions import Context, Scope
from mofsim.tui.registry import bindings
from mofsim.tui.screens.base import ConsoleScreen
from mofsim.tui.session import Session
from mofsim.tui.store import Change
from mofsim.tui.widgets.choice import Choice
from mofsim.tui.widgets.fields import Field, FieldInput, Note
from mofsim.tui.widgets.path_input import PathInput

if TYPE_CHECKING:
    from textual.widget import Widget

YES, NO = "yes", "no"


class UploadForm(ConsoleScreen):
    """Subclasses give `rows`, `problems` and `send`."""

    SCOPES = (Scope.FORM,)
    BINDINGS = bindings(SCOPES)
    TELLS_OF_ALERTS = False
    AUTO_FOCUS = "PathInput"
    CSS_PATH = "submit.tcss"
    TITLE_OF_FORM = ""
    #: the server's names of fields that differ from ours
    SERVER_FIELDS: dict[str, str] = {}  # noqa: RUF012
    BUSY = "uploading"

    def __init__(self, session: Session, placeholder: str) -> None:
        super().__init__(session)
        self.header.trail = self.TITLE_OF_FORM
        self.path = PathInput(placeholder, "file")
        self.note = Note(session.glyphs)
        self.fields: dict[str, Field] = {}
        self._sending = False

    def rows(self) -> Sequence[Widget]:
        raise NotImplementedError

    def problems(self) -> dict[str, str]:
        """By field, what is wrong with what was typed."""
        raise NotImplementedError

    def send(self) -> None:
        raise NotImplementedError

    def body(self) -> Sequence[Widget]:
        buttons = Horizontal(
            Button("upload (ctrl+s)", id="submit", compact=True),
            Button("back (esc)", id="back", compact=True),
            id="buttons",
        )
        return (
            VerticalScroll(Vertical(*self.rows(), id="parameters"), buttons, self.note, id="form", can_focus=False),
        )

    def field(self, name: str, label: str, control: Widget, note: str = "") -> Field:
        self.fields[name] = Field(name, label, control, self.session.glyphs, note)
        return self.fields[name]

    def choice(self, name: str, options: Sequence[str], value: str) -> Choice:
        return Choice([(option, option) for option in options], value, self.session.glyphs, name)

    def text(self, name: str, placeholder: str) -> FieldInput:
        return FieldInput(placeholder, name)

    def situation(self) -> Context:
        return self.picture()

    def changed(self, change: Change) -> None:
        """Nothing of what happens elsewhere is shown here."""

    def on_input_changed(self) -> None:
        """What was wrong may be right now; what is empty yet need not be said before it is sent."""
        for field in self.fields.values():
            field.note.complain("")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.action_do("form.submit" if event.button.id == "submit" else "form.back")

    def do_form_back(self) -> None:
        self.dismiss()

    def do_form_submit(self) -> None:
        problems = self.problems()
        for name in self.fields:
            self.fields[name].note.complain(problems.get(name, ""))
        if problems:
            self._go_to(next(iter(problems)))
        elif not self._sending:
            self._sending = True
            self.note.complain("")
            self.note.say(self.BUSY)
            self.send()

    def _go_to(self, name: str) -> None:
        self.fields[name].scroll_visible()
        self.fields[name].control.focus()

    def on_upload_refused(self, message: stock_messages.UploadRefused) -> None:
        self._sending = False
        self.note.say("")
        name = self.SERVER_FIELDS.get(message.field or "", message.field or "")
        if name in self.fields:
            self.fields[name].note.complain(message.detail)
            self._go_to(name)
        else:
            self.note.complain(message.detail)

    def on_uploaded(self, message: stock_messages.Uploaded) -> None:
        self.dismiss()
        self.uploaded(message)

    def uploaded(self, message: stock_messages.Uploaded) -> None:
        """All is there that was taken, and the form is gone."""
