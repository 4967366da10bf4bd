"""The form for weights of one's own."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mofsim.settings.plugins import FRAMEWORKS
from mofsim.tui import stock_jobs, stock_messages
from mofsim.tui.elements import RADII
from mofsim.tui.screens.upload_form import NO, YES, UploadForm
from mofsim.tui.session import Session

if TYPE_CHECKING:
    from textual.widget import Widget

#: needs no file
WITHOUT_FILE = "ase"
DTYPES = ("float32", "float64")


class ModelUpload(UploadForm):
    MODE = "models"
    TITLE_OF_FORM = "upload a model"

    def __init__(self, session: Session, done: Callable[[], None]) -> None:
        """`done` is called when the model is there."""
        super().__init__(session, "path of the file with the weights")
        self._done = done
        frameworks = [name for name in FRAMEWORKS if name != WITHOUT_FILE]
        self.called = self.text("name", "as tasks will name it")
        self.framework = self.choice("framework", frameworks, frameworks[0])
        self.dtype = self.choice("dtype", DTYPES, DTYPES[0])
        self.d3 = self.choice("d3", (NO, YES), NO)
        self.elements = self.text("elements", "not told")
        self.options = self.text("options", "none")
        self.licence = self.text("licence", "not told")
        self.description = self.text("description", "none")
        self.check = self.choice("validate", (YES, NO), YES)

    def rows(self) -> Sequence[Widget]:
        return (
            self.field("file", "file", self.path, "on this machine; → takes what is offered"),
            self.field("name", "name", self.called, "letters, digits, dots, - and _"),
            self.field("framework", "framework", self.framework),
            self.field("dtype", "precision", self.dtype),
            self.field("d3", "add D3(BJ)", self.d3, "never to a model that was trained with dispersion"),
            self.field("elements", "elements", self.elements, "that it was trained on, e.g. H C N O Zn"),
            self.field("options", "options", self.options, 'of the framework, as JSON, e.g. {"head": "omat_pbe"}'),
            self.field("licence", "licence", self.licence),
            self.field("description", "description", self.description),
            self.field("validate", "validate", self.check, "at once; until it has passed, tasks can not use the model"),
        )

    def problems(self) -> dict[str, str]:
        found = {}
        if not self.path.value.strip():
            found["file"] = "type the path of a file"
        elif not self.path.path.is_file():
            found["file"] = "there is no such file on this machine"
        if not self.called.value.strip():
            found["name"] = "give it a name"
        unknown = [symbol for symbol in self._elements() if symbol not in RADII]
        if unknown:
            found["elements"] = f"{', '.join(unknown)}: no symbol of an element"
        try:
            self._options()
        except ValueError as error:
            found["options"] = str(error)
        return found

    def _elements(self) -> list[str]:
        return self.elements.value.replace(",", " ").split()

    def _options(self) -> dict[str, Any]:
        """Raises ValueError."""
        text = self.options.value.strip()
        try:
            found = json.loads(text) if text else {}
        except ValueError:
            raise ValueError('write JSON, e.g. {"head": "omat_pbe"}') from None
        if not isinstance(found, dict):
            raise ValueError("write an object, {…}")
        return found

    def send(self) -> None:
        options = {
            "name": self.called.value.strip(),
            "framework": self.framework.value,
            "dtype": self.dtype.value,
            "d3": self.d3.value == YES,
            "elements": self._elements(),
            "options": self._options(),
            "licence": self.licence.value.strip(),
            "description": self.description.value.strip(),
            "validate": self.check.value == YES,
        }
        self.ask(stock_jobs.add_model, str(self.path.path), options, self.post_message)

    def uploaded(self, message: stock_messages.Uploaded) -> None:
        self._done()
