"""The structures, and beside the list the one under the cursor: a picture that can be turned, and what it is."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from textual.containers import Horizontal, Vertical
from textual.timer import Timer

from mofsim.tui import completion, format, stock_jobs, stock_messages, structure_filter, structure_words
from mofsim.tui.actions import Context, Scope
from mofsim.tui.looks import BAD, DIM
from mofsim.tui.molecule import Molecule
from mofsim.tui.query import QueryError
from mofsim.tui.registry import bindings
from mofsim.tui.screens.base import ConsoleScreen
from mofsim.tui.screens.moving import Movable, Moving
from mofsim.tui.screens.viewing import Viewing
from mofsim.tui.session import Session
from mofsim.tui.stock_columns import structure_columns
from mofsim.tui.store import Change, Line
from mofsim.tui.trouble import no_line
from mofsim.tui.widgets.filter_bar import FilterBar
from mofsim.tui.widgets.lines import piece
from mofsim.tui.widgets.peek import TextLines
from mofsim.tui.widgets.structure_view import StructureView
from mofsim.tui.widgets.table import Table

if TYPE_CHECKING:
    from textual.widget import Widget

    from mofsim.schemas.envelope import Page
    from mofsim.schemas.resources import Structure
    from mofsim.schemas.tasks import Task
    from mofsim.tui.app import Console

#: Seconds that the cursor must rest on a structure before the server is asked about it.
REST = 0.12
#: Atoms of pictures that are kept, so that going up and down a list asks once for each.
KEPT = 20_000


class StructuresScreen(Viewing, Moving, ConsoleScreen):
    SCOPES = (Scope.VIEW, Scope.MOVE, Scope.STRUCTURE, Scope.CONSOLE)
    BINDINGS = bindings(SCOPES)
    AUTO_FOCUS = "#structures"
    CSS_PATH = "structures.tcss"
    MODE = "structures"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.book = self.store.stock.structures
        self.filter = FilterBar(session.glyphs, completion.of_structures(self.book))
        columns = structure_columns(self.store, session.glyphs, session.now)
        self.table: Table[Structure] = Table(columns, self.book.listing, lambda row: row.id, id="structures")
        self.table.glyphs = session.glyphs
        self.view = StructureView(session.glyphs, "structure-view")
        self.details = TextLines(session.glyphs, "structure-details", titled=True)
        self._error = ""
        self._asking: Timer | None = None
        self._molecules: OrderedDict[int, Molecule] = OrderedDict()
        self._problems: dict[int, str] = {}
        self._tasks: dict[int, Page[Task]] = {}

    def body(self) -> Sequence[Widget]:
        beside = Vertical(self.view, self.details, id="structure-peek")
        return self.filter, Horizontal(self.table, beside, id="stock")

    def on_mount(self) -> None:
        self.view.caption = "structure"

    @property
    def enlarged(self) -> bool:
        return self.has_class("-maximised")

    def _ask_list(self) -> None:
        if self.store.online:
            self.book.asked()
            self.ask(stock_jobs.structures, group="structures")

    def on_structures_came(self, message: stock_messages.StructuresCame) -> None:
        self.book.came(message.structures, message.sets)
        self.session.changed.publish(Change(stock=True))

    def on_molecule_came(self, message: stock_messages.MoleculeCame) -> None:
        if message.molecule is not None:
            self._molecules[message.structure_id] = message.molecule
            while len(self._molecules) > 1 and sum(map(len, self._molecules.values())) > KEPT:
                self._molecules.popitem(last=False)
        self._problems[message.structure_id] = message.problem
        self._peek()
        self.refresh_keys()

    def on_tasks_of_came(self, message: stock_messages.TasksOfCame) -> None:
        self._tasks[int(message.of)] = message.tasks
        self._peek()

    def changed(self, change: Change) -> None:
        # Also when the screen comes to the front: no event tells of sets.
        if change.missed or (change.line and self.store.online):
            self._ask_list()
        if not (change.stock or change.line or change.list):
            return
        self.table.rows, self.table.sort = self.book.listing, self.book.sort
        self.table.stale = self.view.stale = self.store.line is Line.LOST
        self.table.empty = self._nothing()
        self.table.changed()
        self._peek()
        self._draw_status()

    def _nothing(self) -> Sequence[str]:
        if self.store.line is Line.CONNECTING:
            return no_line(self.store, self.session.glyphs)
        if not self.book.started:
            return (f"reading {self.session.glyphs.dots}",)
        if len(self.book):
            return ("No structure matches the filter.", "", "esc clears it, / changes it.")
        return ("The server has no structures.", "", "i imports a file or a folder.")

    def _draw_status(self) -> None:
        """At the right of the filter line: what is wrong with it, or how many rows there are."""
        shown, whole = len(self.book.listing), len(self.book)
        if self._error:
            text = format.shorten(self._error, self.size.width // 2, self.session.glyphs)
            self.filter.status.show([piece(text, BAD)])
        elif shown != whole:
            self.filter.status.show([piece(f"{format.grouped(shown)} of {format.grouped(whole)}", DIM)])
        else:
            place = f"{format.grouped(self.table.index + 1)} of {format.grouped(whole)}" if whole else ""
            self.filter.status.show([piece(place, DIM)])

    @property
    def _structure(self) -> Structure | None:
        return self.book.listing.get(self.table.cursor)

    def _peek(self) -> None:
        structure = self._structure
        if structure is None:
            self.view.show(None)
            self.details.show(())
            return
        found = self._molecules.get(structure.id)
        waits = f"reading {self.session.glyphs.dots}" if self.store.online else "no line to the server"
        self.view.show(found, (self._problems.get(structure.id) or waits,))
        self.view.caption = f"{structure.name}{self.view.hint}"
        width = self.details.content_size.width - 1
        sets, tasks = self.book.sets_of(structure), self._tasks.get(structure.id)
        self.details.show(structure_words.details(structure, sets, found, tasks, self.session.now(), width))

    def on_resize(self) -> None:
        self.call_after_refresh(self._peek)

    def on_table_moved(self, message: Table.Moved) -> None:
        self._peek()
        self._draw_status()
        if self._asking:
            self._asking.stop()
        self._asking = self.set_timer(REST, self._ask)
        self.refresh_keys()

    def _ask(self) -> None:
        self._asking = None
        structure = self._structure
        if structure is None or not self.store.online or not self.is_active:
            return
        if structure.id not in self._molecules:
            self.ask(stock_jobs.structure_molecule, structure.id, group="molecule")
        self.ask(stock_jobs.tasks_of_structure, structure, group="tasks-of")

    def situation(self) -> Context:
        return self.picture(
            structure=self._structure,
            pictured=self.view.molecule is not None,
            pane="picture" if self.enlarged else "list",
            filtered=bool(self.book.terms),
        )

    def moved(self) -> Movable:
        """The list; where the picture fills the screen, the picture turns."""
        return self.view if self.enlarged else self.table

    def on_table_chosen(self, message: Table.Chosen) -> None:
        self.action_do("structure.maximise")

    def do_structure_maximise(self) -> None:
        self._enlarge(not self.enlarged)

    def do_structure_shrink(self) -> None:
        if self.enlarged:
            self._enlarge(False)
        else:
            self.filter.put("")
            self.table.focus()

    def _enlarge(self, large: bool) -> None:
        self.set_class(large, "-maximised")
        (self.view if large else self.table).focus()
        self.call_after_refresh(self._peek)
        self.refresh_keys()

    def do_structure_filter(self) -> None:
        self._enlarge(False)
        self.filter.edit()

    def on_filter_bar_changed(self, message: FilterBar.Changed) -> None:
        try:
            self.book.filter_by(structure_filter.parse(message.text))
            self._error = ""
        except QueryError as error:
            self._error = str(error)
        self.session.changed.publish(Change(stock=True))

    def on_filter_bar_left(self) -> None:
        # The keys of a list would do something else to who still means to mend the filter.
        if not self._error:
            self.table.focus()

    def do_structure_sort(self) -> None:
        self.book.sort_by_next()
        self.session.changed.publish(Change(stock=True))

    def do_structure_reverse(self) -> None:
        self.book.reverse()
        self.session.changed.publish(Change(stock=True))

    def do_structure_submit(self) -> None:
        from mofsim.tui.screens.submit import SubmitForm

        self.app.push_screen(SubmitForm(self.session, structure=self._structure))

    def do_task_many(self) -> None:
        """Of those that the filter leaves."""
        from mofsim.tui.screens.many import ManyForm

        text = self.filter.input.value if self.book.terms else ""
        found = [str(structure.id) for structure in self.book.listing.rows] if text else []
        self.app.push_screen(ManyForm(self.session, filter_text=text, structures=found))

    def do_structure_tasks(self) -> None:
        structure = self._structure
        if structure is not None:
            # An upload may be called like another; a name with a gap is no word of the filter.
            reference = structure.name if structure.is_builtin and " " not in structure.name else structure.id
            cast("Console", self.app).show_tasks(f"structure:{reference}")

    def do_structure_import(self) -> None:
        from mofsim.tui.screens.structure_import import StructureImport

        self.app.push_screen(StructureImport(self.session, self._ask_list))

    def do_structure_remove(self) -> None:
        from mofsim.tui.screens.confirm import Confirm

        structure = self._structure
        if structure is None:
            return

        def answered(confirmed: bool | None) -> None:
            if confirmed:
                self.ask(stock_jobs.delete_structure, structure)

        words = f"{structure.formula}, {structure.n_atoms} atoms, {structure.original_name}"
        hint = "Its file is deleted. One that tasks or sets name stays."
        title = f"Remove structure {structure.id} {structure.name}?"
        self.app.push_screen(Confirm(title, [words], hint, keep="keep it", yes="remove it"), answered)
