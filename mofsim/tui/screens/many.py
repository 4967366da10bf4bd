"""Many tasks at once: ticked structures × models × task types; what they are together is said before they are sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input

from mofsim.tui import completion, form, format, many, many_jobs, many_messages, structure_filter
from mofsim.tui.actions import Context, Scope
from mofsim.tui.looks import BAD, DIM
from mofsim.tui.query import QueryError
from mofsim.tui.registry import bindings
from mofsim.tui.screens.base import ConsoleScreen
from mofsim.tui.session import Session
from mofsim.tui.store import Change
from mofsim.tui.widgets.check_list import CheckList
from mofsim.tui.widgets.choice import Choice
from mofsim.tui.widgets.fields import Field, FieldInput, Note
from mofsim.tui.widgets.filter_bar import FilterBar
from mofsim.tui.widgets.lines import piece
from mofsim.vocabulary import SIMULATIONS, Preset, Priority, TaskType

if TYPE_CHECKING:
    from textual.timer import Timer
    from textual.widget import Widget

    from mofsim.schemas.resources import Model, Structure, StructureSet

#: Seconds without a change before the server is asked what the tasks would need.
ESTIMATE_AFTER = 0.4


class ManyForm(ConsoleScreen):
    SCOPES = (Scope.FORM, Scope.MANY)
    TELLS_OF_ALERTS = False
    BINDINGS = bindings(SCOPES)
    AUTO_FOCUS = "#many-structures"
    CSS_PATH = ["submit.tcss", "many.tcss"]  # noqa: RUF012

    def __init__(
        self,
        session: Session,
        *,
        filter_text: str = "",
        structures: Sequence[str] = (),
        models: Sequence[str] = (),
        task_types: Sequence[str] = (TaskType.OPTIMIZATION,),
        preset: str = Preset.QUICK,
    ) -> None:
        """What is ticked from the start; `structures` are ids, as words."""
        super().__init__(session)
        glyphs = session.glyphs
        self.header.trail = "many tasks"
        self.filter = FilterBar(glyphs, completion.of_structures(self.store.stock.structures))
        self._filter_text = filter_text
        self.structures = CheckList("structures", glyphs, "many-structures")
        self.models = CheckList("models", glyphs, "many-models")
        self.types = CheckList("types", glyphs, "many-types")
        self.structures.marked, self.models.marked, self.types.marked = set(structures), set(models), set(task_types)
        self.preset = Choice([(p, p) for p in Preset], preset, glyphs, "preset")
        self.priority = Choice([(p.name, p.name.lower()) for p in Priority], Priority.NORMAL.name, glyphs, "priority")
        self.timeout = FieldInput("the server's default", "timeout")
        self.name_of_batch = FieldInput("", "batch-name")
        self.count = Note(glyphs)
        self.needs_note = Note(glyphs)
        self.note = Note(glyphs)
        self._terms: Sequence[structure_filter.Term] = ()
        self._known: tuple[Sequence[Structure], Sequence[StructureSet], Sequence[Model]] | None = None
        self._error = ""
        self._asking: Timer | None = None
        self._needs: many.Needs | None = None
        self._sending = False

    def body(self) -> Sequence[Widget]:
        glyphs = self.session.glyphs
        options = Vertical(
            Field("preset", "preset", self.preset, glyphs, "its parameters; n begins one task with others"),
            Field("priority", "priority", self.priority, glyphs, "of tasks that wait, the highest run first"),
            Field("timeout", "time limit", self.timeout, glyphs, "of each task, e.g. 3600, 30m or 2h"),
            Field("name", "name", self.name_of_batch, glyphs, "of the batch; may stay empty"),
            id="many-options",
        )
        buttons = Horizontal(
            Button("submit (ctrl+s)", id="submit", compact=True),
            Button("back (esc)", id="back", compact=True),
            id="buttons",
        )
        lists = Horizontal(self.structures, self.models, self.types, id="many-lists")
        told = Vertical(self.count, self.needs_note, self.note, id="many-told")
        return self.filter, lists, options, buttons, told

    def on_mount(self) -> None:
        self.types.offer([many.Row(t, t) for t in SIMULATIONS])
        self.structures.offer([], f"reading {self.session.glyphs.dots}")
        if self._filter_text:
            self.filter.put(self._filter_text)

    def situation(self) -> Context:
        return self.picture()

    def changed(self, change: Change) -> None:
        if change.line and self.store.online and self._known is None:
            self.ask(many_jobs.stock, group="stock")

    def on_stock_came(self, message: many_messages.StockCame) -> None:
        usable = [model for model in message.models if model.is_validated]
        usable.sort(key=lambda model: (not model.is_default, model.name.lower()))
        self._known = (message.structures, message.sets, usable)
        self.store.stock.structures.came(message.structures, message.sets)
        self.models.offer(many.model_rows(usable), "no model can be used yet")
        default = [model.name for model in usable if model.is_default]
        self.models.mark(default if not self.models.marked else ())
        self._list_structures()
        self._changed()

    def _list_structures(self) -> None:
        if self._known is None:
            return
        structures, sets, _ = self._known
        sets_of: dict[int, list[str]] = {}
        for each in sets:
            for id in each.structure_ids:
                sets_of.setdefault(id, []).append(each.name)
        found = [s for s in structures if structure_filter.matches(s, sets_of.get(s.id, ()), self._terms)]
        self.structures.offer(
            many.structure_rows(found, () if self._terms else sets),
            "none matches the filter" if self._terms else "the server has none; key 7, then i, imports some",
        )
        self._draw_status(len(found), len(structures))

    def _draw_status(self, n_shown: int, n_all: int) -> None:
        if self._error:
            self.filter.status.show(
                [piece(format.shorten(self._error, self.size.width // 2, self.session.glyphs), BAD)]
            )
        else:
            of_all = f" of {format.grouped(n_all)}" if n_shown != n_all else ""
            self.filter.status.show([piece(f"{format.grouped(n_shown)}{of_all} structures", DIM)])

    def on_filter_bar_changed(self, message: FilterBar.Changed) -> None:
        try:
            self._terms, self._error = structure_filter.parse(message.text), ""
        except QueryError as error:
            self._error = str(error)
        self._list_structures()

    def on_filter_bar_left(self) -> None:
        # The keys of a list would do something else to who still means to mend the filter.
        if not self._error:
            self.structures.focus()

    def on_check_list_changed(self, message: CheckList.Changed) -> None:
        self._changed()

    def on_choice_changed(self, message: Choice.Changed) -> None:
        self._changed()

    def on_input_changed(self, event: Input.Changed) -> None:
        self.note.complain(self._wrong_time())

    def _wrong_time(self) -> str:
        try:
            form.seconds(self.timeout.value)
        except ValueError as error:
            return f"time limit: {error}"
        return ""

    @property
    def product(self) -> many.Product:
        if self._known is None:
            return many.Product()
        structures, sets, models = self._known
        return many.Product(
            many.chosen_structures(self.structures.marked, structures, sets),
            [model for model in models if model.name in self.models.marked],
            [task_type for task_type in SIMULATIONS if task_type in self.types.marked],
            Preset(self.preset.value),
        )

    def _changed(self) -> None:
        """How many tasks it is now is said at once; what they need when nothing changes for a moment."""
        if self._known is None:
            return
        product = self.product
        self.count.say(many.counted(product))
        self.note.complain(product.problem if product.n_asked else "")
        self.note.say("" if product.n_asked else product.problem)
        self.workers.cancel_group(self, "estimate")
        self._needs = None
        self._tell_needs()
        if self._asking:
            self._asking.stop()
        self._asking = None if product.problem else self.set_timer(ESTIMATE_AFTER, self._ask_estimate)

    def _ask_estimate(self) -> None:
        self._asking = None
        product = self.product
        samples = list(product.samples())
        if self.store.online and not product.problem:
            self._needs = many.Needs(product, len(samples))
            self.ask(many_jobs.estimate, self._needs, samples, group="estimate")

    def on_sample_came(self, message: many_messages.SampleCame) -> None:
        if message.needs is not self._needs:
            return
        if message.estimate is None:
            self._needs.refusal = message.refusal
        else:
            self._needs.came(message.sample, message.estimate)
        self._tell_needs()

    def _tell_needs(self) -> None:
        needs = self._needs
        self.needs_note.say(needs.words if needs else "")
        self.needs_note.complain(needs.refusal if needs else "")
        self.needs_note.display = bool(needs)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.action_do("form.submit" if event.button.id == "submit" else "form.back")

    def do_form_back(self) -> None:
        self.dismiss()

    def do_many_filter(self) -> None:
        self.filter.edit()

    def do_form_submit(self) -> None:
        product = self.product
        problem = self._wrong_time() or product.problem
        self.note.complain(problem)
        if problem or self._sending:
            return
        self._sending = True
        self.note.say(f"submitting {format.grouped(product.n_tasks)} tasks")
        options: dict[str, Any] = {
            "priority": self.priority.value,
            "timeout_seconds": form.seconds(self.timeout.value),
        }
        self.ask(many_jobs.submit, product, self.name_of_batch.value.strip(), options, group="submit")

    def on_batch_submitted(self, message: many_messages.BatchSubmitted) -> None:
        """The app hears of it too, and lists its tasks."""
        self._sending = False
        self.dismiss()

    def on_batch_refused(self, message: many_messages.BatchRefused) -> None:
        self._sending = False
        self.note.say("")
        self.note.complain(message.detail)
