"""A new benchmark: models, set, task types, preset; what it would compute and cost is said before it is started."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input

from mofsim.tui import benchmark_jobs, benchmark_messages, many
from mofsim.tui.actions import Context, Scope
from mofsim.tui.benchmark_plan import plan_lines
from mofsim.tui.registry import bindings
from mofsim.tui.screens.base import ConsoleScreen
from mofsim.tui.session import Session
from mofsim.tui.store import Change
from mofsim.tui.widgets.check_list import CheckList
from mofsim.tui.widgets.choice import Choice
from mofsim.tui.widgets.fields import Field, FieldInput, Note
from mofsim.vocabulary import SCORED, Preset, Priority

if TYPE_CHECKING:
    from textual.timer import Timer
    from textual.widget import Widget

    from mofsim.schemas.benchmarks import BenchmarkChanged

#: Seconds without a change before the server is asked what it would compute.
PLAN_AFTER = 0.4
#: The set of the built-in structures, which every server has, and what is bound where nobody says otherwise.
ESSENTIAL, GUESTS_ASKED = "essential", ("CO2", "H2O")


class BenchmarkForm(ConsoleScreen):
    SCOPES = (Scope.FORM,)
    MODE = "benchmarks"
    TELLS_OF_ALERTS = False
    BINDINGS = bindings(SCOPES)
    AUTO_FOCUS = "#many-models"
    CSS_PATH = ["submit.tcss", "many.tcss"]  # noqa: RUF012

    def __init__(self, session: Session, begun: Callable[[BenchmarkChanged], None]) -> None:
        """`begun` is told what came of it, when the form is gone."""
        super().__init__(session)
        glyphs = session.glyphs
        self.header.trail = "new benchmark"
        self.models = CheckList("models", glyphs, "many-models")
        self.types = CheckList("types", glyphs, "many-types")
        self.types.marked = set(SCORED)
        self.sets = Choice([(ESSENTIAL, ESSENTIAL)], ESSENTIAL, glyphs, "benchmark-set")
        self.preset = Choice([(p, p) for p in Preset], Preset.MOFSIMBENCH, glyphs, "preset")
        self.priority = Choice([(p.name, p.name.lower()) for p in Priority], Priority.NORMAL.name, glyphs, "priority")
        self.guests = FieldInput("", "benchmark-guests")
        self.guests.value = " ".join(GUESTS_ASKED)
        self.name_of_it = FieldInput("", "benchmark-name")
        self.work_note = Note(glyphs)
        self.cost_note = Note(glyphs)
        self.note = Note(glyphs)
        self._begun = begun
        self._known = False
        self._asking: Timer | None = None
        self._sending = False

    def body(self) -> Sequence[Widget]:
        glyphs = self.session.glyphs
        options = Vertical(
            Field("set", "set", self.sets, glyphs, "of structures; key 7, then i, imports a folder as one"),
            Field("preset", "preset", self.preset, glyphs, "mofsimbench makes numbers to compare with published ones"),
            Field("guests", "guests", self.guests, glyphs, "of interaction energies, as ASE names molecules"),
            Field("priority", "priority", self.priority, glyphs, "of its tasks; the highest run first"),
            Field("name", "name", self.name_of_it, glyphs, "another name is another benchmark; may stay empty"),
            id="many-options",
        )
        buttons = Horizontal(
            Button("start (ctrl+s)", id="submit", compact=True),
            Button("back (esc)", id="back", compact=True),
            id="buttons",
        )
        lists = Horizontal(self.models, self.types, id="many-lists")
        return lists, options, buttons, Vertical(self.work_note, self.cost_note, self.note, id="many-told")

    def on_mount(self) -> None:
        self.types.offer([many.Row(each, each) for each in SCORED])
        self.models.offer([], f"reading {self.session.glyphs.dots}")

    def situation(self) -> Context:
        return self.picture()

    def changed(self, change: Change) -> None:
        if change.line and self.store.online and not self._known:
            self.ask(benchmark_jobs.to_choose, group="stock")

    def on_benchmark_stock_came(self, message: benchmark_messages.BenchmarkStockCame) -> None:
        self._known = True
        usable = [model for model in message.models if model.is_validated]
        usable.sort(key=lambda model: (not model.is_default, model.name.lower()))
        self.models.offer(many.model_rows(usable), "no model can be used yet")
        self.models.mark(model.name for model in usable if model.is_default)
        sizes = {each.name: len(each.structure_ids) for each in message.sets}
        names = dict.fromkeys([ESSENTIAL, *sizes])
        self.sets.offer([(name, f"{name} ({sizes[name]})" if name in sizes else name) for name in names])
        self._changed()

    @property
    def asked(self) -> dict[str, Any]:
        """Keyword arguments of the client's `start_benchmark` and `estimate_benchmark`."""
        return {
            "models": [row.key for row in self.models.rows if row.key in self.models.marked],
            "set": self.sets.value,
            "task_types": [each for each in SCORED if each in self.types.marked],
            "guests": self.guests.value.replace(",", " ").split() or None,
            "preset": self.preset.value,
            "priority": self.priority.value,
            "name": self.name_of_it.value.strip() or None,
        }

    @property
    def problem(self) -> str:
        asked = self.asked
        empty = [what for what, name in (("a model", "models"), ("a task type", "task_types")) if not asked[name]]
        return f"choose {' and '.join(empty)}: space ticks a line, * all of them" if empty else ""

    def on_check_list_changed(self, message: CheckList.Changed) -> None:
        self._changed()

    def on_choice_changed(self, message: Choice.Changed) -> None:
        self._changed()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._changed()

    def _changed(self) -> None:
        if not self._known:
            return
        self.note.complain(self.problem)
        self.workers.cancel_group(self, "plan")
        self._say_plan(("" if self.problem else f"estimating {self.session.glyphs.dots}",))
        if self._asking:
            self._asking.stop()
        self._asking = None if self.problem else self.set_timer(PLAN_AFTER, self._ask_plan)

    def _ask_plan(self) -> None:
        self._asking = None
        if self.store.online:
            self.ask(benchmark_jobs.plan, self.asked, group="plan")

    def on_plan_came(self, message: benchmark_messages.PlanCame) -> None:
        if message.asked != self.asked:
            return
        self.note.complain(message.refusal)
        self._say_plan(plan_lines(message.plan) if message.plan else ())

    def _say_plan(self, lines: Sequence[str]) -> None:
        work, cost = (*lines, "", "")[:2]
        self.work_note.say(work)
        self.cost_note.say(cost)
        self.cost_note.display = bool(cost)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.action_do("form.submit" if event.button.id == "submit" else "form.back")

    def do_form_back(self) -> None:
        self.dismiss()

    def do_form_submit(self) -> None:
        self.note.complain(self.problem)
        if self.problem or self._sending or not self._known:
            return
        self._sending = True
        self.note.say("starting")
        self.ask(benchmark_jobs.begin, self.asked, group="submit")

    def on_benchmark_begun(self, message: benchmark_messages.BenchmarkBegun) -> None:
        self._sending = False
        self.dismiss()
        self._begun(message.changed)

    def on_benchmark_refused(self, message: benchmark_messages.BenchmarkRefused) -> None:
        self._sending = False
        self.note.say("")
        self.note.complain(message.detail)
