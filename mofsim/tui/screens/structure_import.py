"""The form that makes structures of a file, or of the CIF files of a folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mofsim.tui import stock_jobs, stock_messages
from mofsim.tui.screens.upload_form import NO, YES, UploadForm
from mofsim.tui.session import Session

if TYPE_CHECKING:
    from textual.widget import Widget


class StructureImport(UploadForm):
    MODE = "structures"
    TITLE_OF_FORM = "import structures"
    BUSY = "uploading; each structure is listed as soon as it is there, also when you go back"

    def __init__(self, session: Session, done: Callable[[], None]) -> None:
        """`done` is called when all is there that was taken."""
        super().__init__(session, "path of a file, or of a folder")
        self._done = done
        self.called = self.text("name", "that of the file")
        self.set_name = self.text("set", "none")
        self.guest = self.choice("molecule", (NO, YES), NO)
        self.recursive = self.choice("recursive", (NO, YES), NO)

    def rows(self) -> Sequence[Widget]:
        return (
            self.field("file", "path", self.path, "CIF, XYZ, extXYZ or POSCAR; of a folder all CIF files"),
            self.field("name", "name", self.called, "of a single file"),
            self.field("set", "set", self.set_name, "a name under which they are kept together, for batches"),
            self.field("molecule", "guest", self.guest, "a molecule: its XYZ file needs no cell"),
            self.field("recursive", "below", self.recursive, "of a folder, those below it too"),
        )

    def problems(self) -> dict[str, str]:
        if not self.path.value.strip():
            return {"file": "type the path of a file or folder"}
        path = self.path.path
        if not path.exists():
            return {"file": "there is no such file or folder on this machine"}
        if path.is_dir() and self.called.value.strip():
            return {"name": "structures of a folder are called like their files; leave it empty"}
        return {}

    def send(self) -> None:
        wanted = stock_jobs.Import(
            self.path.path,
            self.called.value.strip(),
            self.set_name.value.strip(),
            self.recursive.value == YES,
            self.guest.value == YES,
        )
        self.ask(stock_jobs.add_structures, wanted, self.post_message)

    def uploaded(self, message: stock_messages.Uploaded) -> None:
        from mofsim.tui.screens.report import Report

        self._done()
        if message.refused:
            self.app.push_screen(Report(self.session.glyphs, _refused(len(message.refused)), message.refused))


def _refused(n: int) -> str:
    return f"{n} files were refused" if n != 1 else "1 file was refused"
