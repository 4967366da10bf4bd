"""The keys of a result: save a file of it, copy what the cursor stands on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.message import Message

from mofsim.tui import destinations, jobs, messages, saving_jobs
from mofsim.tui.screens.task_screen import TaskScreen
from mofsim.tui.widgets.result_pane import ResultPane
from mofsim.tui.widgets.result_sheet import Sheet

if TYPE_CHECKING:
    from mofsim.tui.sheet import Entry


class ResultKeys(TaskScreen):
    """Subclasses have a `result_pane`, and a task with `task_id`."""

    task_id: int
    result_pane: ResultPane

    def on_sheet_chosen(self, message: Sheet.Chosen) -> None:
        self.action_do("result.save")

    def do_result_save(self) -> None:
        from mofsim.tui.screens.destination import Destination

        entry = self.result_pane.sheet.entry
        if entry is None or not entry.file:
            hint = "no file under the cursor: they stand at the end, G goes there"
            self.app.notify(hint if self.result_pane.files else "this task has no files", timeout=4)
            return
        names = [file.name for file in self.result_pane.files] if entry.file == "*" else [entry.file]

        def answered(folder: str | None) -> None:
            if folder:
                self._save(names, entry.file, destinations.path_of(folder))

        what = names[0] if len(names) == 1 else f"{len(names)} files"
        question = f"Save {what} of task {self.task_id} in this folder:"
        start = destinations.task_folder(Path(self.session.remembered.folder or "."), self.task_id)
        self.app.push_screen(
            Destination(self.session.glyphs, question, str(start), destinations.judge_folder), answered
        )

    def _save(self, names: Sequence[str], row: str, folder: Path) -> None:
        self._show_progress(row, "begins")
        self.ask_and_watch(saving_jobs.save_files, self.task_id, names, row, folder)

    def ask_and_watch(self, job: jobs.Job, *arguments: Any) -> None:
        """It goes on when the screen is left; how far it is concerns this screen only, how it ended everybody."""
        client = self.session.client

        def post(message: Message) -> None:
            (self if isinstance(message, messages.Saving) else self.app).post_message(message)

        if client:
            self.app.run_worker(jobs.bound(job, client, *arguments, post), group="actions")

    def on_saving(self, message: messages.Saving) -> None:
        if message.task_id == self.task_id:
            self._show_progress(message.row, message.words)

    def _show_progress(self, row: str, words: str) -> None:
        self.result_pane.progress(row, words)
        task = self.store.task(self.task_id)
        if task:
            self.result_pane.draw(task)

    def copy_entry(self, entry: Entry | None) -> None:
        """A file by its address, a number with all its digits, anything else as it stands."""
        if entry is None:
            self.app.notify("nothing to copy under the cursor", timeout=2)
        elif entry.file:
            addresses = [f"{self.store.server}{url}" for url in entry.copy.splitlines()]
            what = f"{len(addresses)} addresses" if len(addresses) > 1 else f"the address of {entry.file}"
            self.copy("\n".join(addresses), what)
        else:
            self.copy(entry.copy, entry.label.strip() or "the line")
