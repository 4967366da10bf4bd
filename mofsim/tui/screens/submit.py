"""The form for a new task. Says beside each field what is wrong with it, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Button, Input

from mofsim.tui import form, format, jobs, messages
from mofsim.tui.actions import Context, Scope
from mofsim.tui.registry import bindings
from mofsim.tui.screens.base import ConsoleScreen
from mofsim.tui.session import Session
from mofsim.tui.store import Change
from mofsim.tui.widgets.choice import Choice
from mofsim.tui.widgets.fields import Field, FieldInput, Note
from mofsim.tui.widgets.picker import Picker
from mofsim.vocabulary import SIMULATIONS, Preset, Priority, TaskType

if TYPE_CHECKING:
    from textual.timer import Timer
    from textual.widget import Widget

    from mofsim.schemas.resources import Model, Structure
    from mofsim.schemas.tasks import Task

#: Seconds without a change before the server is asked what the task would need.
ESTIMATE_AFTER = 0.3
#: The choice that leaves a value to the preset or the server.
UNSET = ""
PRESET_NOTES = {
    Preset.MOFSIMBENCH: "the published protocol, to the letter",
    Preset.QUICK: "loose limits: not for comparison with published numbers",
}


class SubmitForm(ConsoleScreen):
    SCOPES = (Scope.FORM, Scope.ONE)
    TELLS_OF_ALERTS = False
    BINDINGS = bindings(SCOPES)
    AUTO_FOCUS = "PickInput"
    CSS_PATH = "submit.tcss"

    def __init__(
        self, session: Session, like: Task | None = None, *, model: str = "", structure: Structure | None = None
    ) -> None:
        """`like` is the task whose values the form begins with; else it may begin with a model or a structure."""
        super().__init__(session)
        self._like = like
        self._begin = (model, structure)
        self._models: Sequence[Model] = ()
        glyphs = session.glyphs
        self.header.trail = f"new task like {like.id}" if like else "new task"
        self.structure = Picker(glyphs, "structure")
        self.type = self._choice("type", [(t, t) for t in SIMULATIONS], TaskType.OPTIMIZATION)
        self.model = self._choice("model", [(UNSET, "the server's default")], UNSET)
        self.preset = self._choice("preset", [(p, p) for p in Preset], Preset.QUICK)
        self.priority = self._choice("priority", [(p.name, p.name.lower()) for p in Priority], Priority.NORMAL.name)
        self.timeout = FieldInput("the server's default", "timeout")
        self.rest = Vertical(id="parameters")
        self.note = Note(glyphs)
        self.expected = Note(glyphs)
        self.expected.id = "expected"
        self.fields: dict[str, Field] = {}
        self.parameters: dict[str, Choice | FieldInput] = {}
        self._sending = False
        self._asking: Timer | None = None
        #: what an estimate is shown of, or was asked for
        self._estimated: form.Question | None = None

    def _choice(self, name: str, options: Sequence[tuple[str, str]], value: str) -> Choice:
        return Choice(options, value, self.session.glyphs, name)

    def body(self) -> Sequence[Widget]:
        with_labels = (
            self._field("structure", "structure", self.structure),
            self._field("type", "type", self.type),
            self._field("model", "model", self.model),
            self._field("preset", "preset", self.preset),
            self.rest,
            self._field("priority", "priority", self.priority, "of tasks that wait, the highest run first"),
            self._field("timeout", "time limit", self.timeout, "of the running time, e.g. 3600, 30m or 2h"),
        )
        buttons = Horizontal(
            Button("submit (ctrl+s)", id="submit", compact=True),
            Button("back (esc)", id="back", compact=True),
            id="buttons",
        )
        return VerticalScroll(*with_labels, buttons, self.note, id="form", can_focus=False), self.expected

    def _field(self, name: str, label: str, control: Widget, note: str = "") -> Field:
        self.fields[name] = Field(name, label, control, self.session.glyphs, note)
        return self.fields[name]

    def on_mount(self) -> None:
        model, structure = self._begin
        if structure:
            self._begin_with(structure.name if structure.is_builtin else f"#{structure.id}")
        if model:
            self._begin_model(model)
        if self._like:
            self._begin_like(self._like)
        self.call_next(self._show_parameters)

    def _begin_with(self, structure: str) -> None:
        self.structure.input.value = structure

    def _begin_model(self, name: str) -> None:
        self.model.options = [*self.model.options, (name, name)]
        self.model.value = name

    def _begin_like(self, task: Task) -> None:
        self._begin_with(task.structure.name if task.structure.is_builtin else f"#{task.structure.id}")
        self.preset.value = str(task.preset)
        if task.task_type in SIMULATIONS:
            self.type.value = str(task.task_type)
        self._begin_model(task.model)
        self.priority.value = task.priority.name
        self.timeout.value = f"{task.timeout_seconds:g}"

    async def _show_parameters(self) -> None:
        """Fields for the parameters of the chosen type, with what the chosen preset sets."""
        typed = self._typed()
        if self._like:
            typed = {name: form.typed(value) for name, value in self._like.parameters.items()} | typed
        for name in self.parameters:
            del self.fields[name]
        self.parameters.clear()
        await self.rest.remove_children()
        task_type, preset = TaskType(self.type.value), Preset(self.preset.value)
        await self.rest.mount_all(list(self._parameter_fields(task_type, preset, typed)))
        self.fields["preset"].note.say(PRESET_NOTES[preset])

    def _parameter_fields(self, task_type: TaskType, preset: Preset, typed: dict[str, str]) -> Iterator[Field]:
        for parameter in form.parameters(task_type, preset):
            given = typed.get(parameter.name, "")
            value = "" if given == parameter.preset_value else given
            note = f"{parameter.unit}  {parameter.bounds}".strip()
            control: Choice | FieldInput
            if parameter.choices:
                # What the preset sets is chosen by not choosing, so that it follows when the preset changes.
                values = [(UNSET if c == parameter.preset_value else c, c) for c in parameter.choices]
                control = self._choice(parameter.name, values, value)
                note = f"{parameter.preset_value} ({preset})"
            else:
                control = FieldInput(f"{parameter.preset_value} ({preset})", parameter.name, value)
            self.parameters[parameter.name] = control
            yield self._field(parameter.name, parameter.label, control, note)

    def _typed(self) -> dict[str, str]:
        return {name: control.value for name, control in self.parameters.items() if control.value.strip()}

    def situation(self) -> Context:
        return self.picture()

    def changed(self, change: Change) -> None:
        if change.line and self.store.online and not self._models:
            self.ask(jobs.choices, group="choices")
        if change.line and not self._asking:
            self._ask_estimate()

    def on_choices_came(self, message: messages.ChoicesCame) -> None:
        self._models = [model for model in message.models if model.is_validated]
        default = next((m.name for m in message.models if m.is_default), None)
        label = f"default ({default})" if default else "the server's default"
        self.model.offer([(UNSET, label), *((m.name, m.name) for m in self._models)])
        self.structure.offer(message.structures)

    async def on_choice_changed(self, message: Choice.Changed) -> None:
        if message.choice in (self.type, self.preset):
            await self._show_parameters()
        self._check_all()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._check_all()

    def on_picker_changed(self, message: Picker.Changed) -> None:
        chosen, note = message.chosen, self.fields["structure"].note
        note.complain(chosen.problem if self.structure.input.value else "")
        if chosen.file:
            note.say(f"a file of {format.size(chosen.file.stat().st_size)}; it is uploaded first")
        elif chosen.structure:
            s = chosen.structure
            note.say(f"{s.formula}, {format.grouped(s.n_atoms)} atoms, {s.volume_A3:.0f} Å³")
        else:
            note.say("")
        self._check_model()
        self._estimate_soon()

    def _check_model(self) -> None:
        name, default = self.model.value, next((m for m in self._models if m.is_default), None)
        model = next((m for m in self._models if m.name == name), None if name else default)
        missing = form.unknown_elements(self.structure.chosen.structure, model)
        note = self.fields["model"].note
        note.complain(f"does not know {', '.join(missing)}" if missing else "")
        d3 = ", with D3" if model and model.d3 else ""
        note.say(f"{model.framework}, {model.dtype}{d3}" if model else "")

    def _check_all(self) -> dict[str, str]:
        """By field, what is wrong; shown beside each."""
        task_type, preset = TaskType(self.type.value), Preset(self.preset.value)
        _, problems = form.check(task_type, preset, self._typed())
        try:
            form.seconds(self.timeout.value)
        except ValueError as error:
            problems["timeout"] = str(error)
        for name in (*self.parameters, "timeout"):
            self.fields[name].note.complain(problems.get(name, ""))
        self._check_model()
        if self.fields["model"].note.problem:
            problems["model"] = self.fields["model"].note.problem
        self._estimate_soon()
        return problems

    def _estimate_soon(self) -> None:
        """An estimate of something else goes at once; the new one is asked for when nothing changes for a moment."""
        question = self._question()
        if question == self._estimated:
            return
        self._estimated = question
        self._tell_expected()
        self.workers.cancel_group(self, "estimate")
        if self._asking:
            self._asking.stop()
        self._asking = self.set_timer(ESTIMATE_AFTER, self._ask_estimate) if question else None

    def _question(self) -> form.Question | None:
        """None while there is nothing to ask."""
        structure, model = self.structure.chosen.structure, self.model.value
        task_type, preset = TaskType(self.type.value), Preset(self.preset.value)
        parameters, problems = form.check(task_type, preset, self._typed())
        if structure is None or problems or self.fields["model"].note.problem:
            return None
        options = {"model": model or None, "preset": preset, "parameters": parameters}
        return form.Question(task_type, self.structure.chosen.reference, options)

    def _ask_estimate(self) -> None:
        """Without a line, what was told last stays; it is asked for again when the line is back."""
        self._asking = None
        if self._estimated and self.store.online:
            self.ask(jobs.estimate, self._estimated, group="estimate")

    def on_estimated(self, message: messages.Estimated) -> None:
        if message.question == self._estimated:
            self._tell_expected(form.expected(message.estimate) if message.estimate else "", message.refusal)

    def _tell_expected(self, text: str = "", refusal: str = "") -> None:
        self.expected.display = bool(text or refusal)
        self.expected.say(text)
        self.expected.complain(refusal)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.action_do("form.submit" if event.button.id == "submit" else "form.back")

    def do_form_back(self) -> None:
        self.dismiss()

    def do_one_many(self) -> None:
        """The form for many tasks in place of this one, with what is chosen here ticked."""
        from mofsim.tui.screens.many import ManyForm

        structure, model = self.structure.chosen.structure, self.model.value
        self.app.switch_screen(
            ManyForm(
                self.session,
                structures=[str(structure.id)] if structure else (),
                models=[model] if model else (),
                task_types=[self.type.value],
                preset=self.preset.value,
            )
        )

    def do_form_submit(self) -> None:
        problems, chosen = self._check_all(), self.structure.chosen
        if chosen.problem:
            problems["structure"] = chosen.problem
        for name, problem in problems.items():
            self._refuse(name, problem)
        if not problems and not self._sending:
            self._send(chosen)

    def _send(self, chosen: form.Chosen) -> None:
        self._sending = True
        self.note.complain("")
        self.note.say("uploading and submitting" if chosen.file else "submitting")
        task_type, preset = TaskType(self.type.value), Preset(self.preset.value)
        parameters, _ = form.check(task_type, preset, self._typed())
        options = {
            "model": self.model.value or None,
            "preset": preset,
            "parameters": parameters,
            "priority": self.priority.value,
            "timeout_seconds": form.seconds(self.timeout.value),
        }
        reference = chosen.reference if chosen.structure else 0
        file = str(chosen.file) if chosen.file else None
        self.ask(jobs.submit, task_type, reference, file, options, group="submit")

    def on_submitted(self, message: messages.Submitted) -> None:
        """The app hears of it too, and puts the cursor on the task."""
        self._sending = False
        self.dismiss()

    def on_submit_refused(self, message: messages.SubmitRefused) -> None:
        self._sending = False
        self.note.say("")
        self._refuse(form.field_of(message.field), message.detail)

    def _refuse(self, name: str | None, problem: str) -> None:
        """Say it beside the field, and go there."""
        field = self.fields.get(name or "")
        if field is None:
            self.note.complain(problem)
            return
        field.note.complain(problem)
        field.scroll_visible()
        control = self.structure.input if field.control is self.structure else field.control
        control.focus()
