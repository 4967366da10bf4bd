"""What a task computes with: structure, model, every parameter and where it differs from its preset, options.

Knows neither Textual nor HTTP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mofsim.tui import figures, format, grid, quantities
from mofsim.tui.looks import DIM, WARN, Glyphs
from mofsim.tui.sheet import Entry, block
from mofsim.tui.summary import moment
from mofsim.vocabulary import AlertLevel

if TYPE_CHECKING:
    from mofsim.schemas.resources import ModelDetail, Structure
    from mofsim.schemas.tasks import Task
    from mofsim.schemas.webhooks import Delivery

PRESETS = {
    "mofsimbench": "mofsimbench: the published protocol",
    "quick": "quick: loose limits, not for comparison with published numbers",
}


def entries(
    task: Task,
    preset: Mapping[str, Any],
    structure: Structure | None,
    model: ModelDetail | None,
    told: Sequence[Delivery] | None,
    glyphs: Glyphs,
    now: datetime,
) -> list[Entry]:
    """`preset` are all parameters as the task's preset alone sets them; what is None is not known (yet)."""
    return [
        *block("structure", _structure(task, structure, glyphs.dots)),
        *block("model", _model(task, model, glyphs.dots)),
        *block("parameters", _parameters(task, preset, glyphs)),
        *block("options", _options(task, told, now)),
    ]


def _structure(task: Task, structure: Structure | None, dots: str) -> Iterator[Entry]:
    brief = task.structure
    yield Entry("name", brief.name + (" (built in)" if brief.is_builtin else f" (upload {brief.id})"))
    if task.parent_id:
        words = "will be the optimized structure of" if task.awaits_parent else "optimized by"
        yield Entry("from", f"{words} task {task.parent_id}")
    yield Entry("formula", brief.formula)
    yield Entry("atoms", format.grouped(brief.n_atoms), copied=str(brief.n_atoms))
    if structure is None:
        return
    yield Entry("volume", figures.figure(structure.volume_A3, "Å³"), copied=repr(structure.volume_A3))
    if not structure.is_builtin:
        yield Entry("file", f"{structure.original_name} ({format.size(structure.file_size)})")
    yield Entry("hash (SHA-256)", figures.short_hash(structure.checksum, dots), copied=structure.checksum)


def _model(task: Task, model: ModelDetail | None, dots: str) -> Iterator[Entry]:
    yield Entry("name", task.model)
    if model is None:
        return
    yield Entry("framework", f"{model.framework}, {model.dtype}")
    yield Entry("dispersion", "D3(BJ) is added" if model.d3 else "none is added")
    if model.environment or model.python:
        yield Entry("environment", model.environment or model.python)
    yield Entry("licence", model.licence or "not told")
    if model.weights_sha256:
        digest = model.weights_sha256
        yield Entry("weights (SHA-256)", figures.short_hash(digest, dots), copied=digest)


def _parameters(task: Task, preset: Mapping[str, Any], glyphs: Glyphs) -> Iterator[Entry]:
    yield Entry("preset", PRESETS.get(task.preset, str(task.preset)), copied=str(task.preset))
    if not task.parameters:
        yield Entry(value="This type of task has no parameters.")
        return
    changed = [name for name, value in task.parameters.items() if name in preset and preset[name] != value]
    for name, value in task.parameters.items():
        text = parameter(name, value)
        if name in changed:
            text += f"   {glyphs.levels[AlertLevel.WARNING]} {task.preset} has {parameter(name, preset[name])}"
        yield Entry(quantities.split_unit(name)[0], text, WARN if name in changed else Entry().style)
    if changed:
        count = "1 parameter differs" if len(changed) == 1 else f"{len(changed)} parameters differ"
        yield Entry(value=f"{count} from the preset: it is not its protocol.", style=WARN)
    else:
        yield Entry(value=f"All of them are as {task.preset} sets them.", style=DIM)
    if "seed" not in task.parameters:
        yield Entry(value="Nothing is drawn at random, so there is no seed.", style=DIM)


def parameter(name: str, value: Any) -> str:
    """A parameter's value as it was set, with its unit: never rounded."""
    unit = quantities.split_unit(name)[1]
    if grid.is_long(value):
        return f"{grid.ends(value, quantities.text, ' ')} ({len(value)} values)"
    text = f"{value!r}" if isinstance(value, float) else quantities.text(value)
    return f"{text.removesuffix('.0')} {unit}".strip() if value is not None else "–"


def _options(task: Task, told: Sequence[Delivery] | None, now: datetime) -> Iterator[Entry]:
    yield Entry("priority", task.priority.name.lower())
    yield Entry("attempts", f"at most {task.max_attempts}, after faults of a machine")
    yield Entry("time limit", f"{format.clock(task.timeout_seconds)} of running")
    if task.not_before:
        yield Entry("not before", moment(task.not_before, now))
    if task.batch_id:
        yield Entry("batch", str(task.batch_id))
    if task.held:
        yield Entry("held", "yes: it waits until somebody releases it", WARN)
    if task.reused_from:
        yield Entry("reused", f"the result of task {task.reused_from}, which computed the same")
    if told:
        events = ", ".join(dict.fromkeys(str(delivery.event) for delivery in told))
        yield Entry("webhook", f"told of {events}")
    elif told is not None:
        yield Entry("webhook", "none has been told of anything")
