"""What a model is and where it is loaded, in words. Knows neither Textual nor HTTP."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING

from mofsim.models_builtin import BUILTIN_MODELS
from mofsim.tui import format
from mofsim.tui.elements import coverage
from mofsim.tui.stock import ModelRow
from mofsim.vocabulary import WorkerState

if TYPE_CHECKING:
    from mofsim.schemas.envelope import Page
    from mofsim.schemas.resources import Check, MemoryNeed, Model, ModelDetail, Validation, Worker
    from mofsim.schemas.tasks import Task

#: Workers that hold nothing any more.
GONE = frozenset({WorkerState.STOPPED, WorkerState.LOST})


class Use(Enum):
    """Whether tasks can use a model."""

    USABLE = "usable"
    VALIDATING = "validating"
    NOT_VALIDATED = "not validated"
    FAILED = "failed its checks"


def use(row: ModelRow) -> Use:
    if row.model.is_validated:
        return Use.USABLE
    if row.detail and row.detail.validation_task is not None:
        return Use.VALIDATING
    return Use.FAILED if row.detail and row.detail.validation else Use.NOT_VALIDATED


def origin(model: Model) -> str:
    if model.is_custom:
        return "uploaded"
    return "built in" if model.name in BUILTIN_MODELS else "settings"


def online(workers: Iterable[Worker]) -> list[Worker]:
    return sorted((worker for worker in workers if worker.state not in GONE), key=lambda worker: worker.id)


def holders(name: str, workers: Iterable[Worker]) -> list[Worker]:
    """The workers that have it in memory."""
    return [worker for worker in online(workers) if name in worker.loaded_models]


def wishes(name: str, workers: Iterable[Worker]) -> Mapping[str, str]:
    """What workers were asked to do with it and have not done yet: id → `load` or `unload`."""
    return {worker.id: worker.model_wishes[name] for worker in online(workers) if name in worker.model_wishes}


def places(name: str, workers: Sequence[Worker]) -> str:
    """`gpu0 gpu1`, `loading gpu2`, with the box where there are several."""
    wanted = wishes(name, workers)
    held = [_slot(worker, workers) for worker in holders(name, workers) if wanted.get(worker.id) != "unload"]
    by_id = {worker.id: worker for worker in workers}
    going = [f"{verb}ing {_slot(by_id[id], workers)}" for id, verb in wanted.items()]
    return " ".join([*held, *going])


def _slot(worker: Worker, workers: Sequence[Worker]) -> str:
    return worker.slot if len({each.host for each in workers}) < 2 else worker.id


def memory(row: ModelRow) -> str:
    """The most that a task took, and with how many atoms."""
    needs = [need for need in (row.detail.memory if row.detail else ()) if need.peak_MB is not None]
    if not needs:
        return ""
    largest = max(needs, key=lambda need: need.peak_MB or 0.0)
    return f"{gigabytes(largest.peak_MB or 0.0)} ({largest.n_atoms} at)"


def gigabytes(megabytes: float) -> str:
    return f"{megabytes / 1000:.1f} GB"


def details(row: ModelRow, tasks: Page[Task] | None, workers: Sequence[Worker], dots: str, width: int) -> list[str]:
    """The first line is a title."""
    model = row.model
    lines = [model.name + (", the default" if model.is_default else "")]
    told = (*_what(model), *_use(row), *_loaded(row, workers), *_tasks(tasks, dots), *_learnt(row, dots))
    for label, text in told:
        lines += _labelled(label, text, width)
    return lines


def _labelled(label: str, text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(20, width), initial_indent=f"{label:<12}", subsequent_indent=" " * 12)


def _what(model: Model) -> Iterator[tuple[str, str]]:
    if model.description:
        yield "about", model.description
    parts = (origin(model), model.framework, model.dtype, "D3(BJ) added" if model.d3 else "no D3 added")
    yield "model", ", ".join(parts)
    yield "licence", model.licence or "not told"


def _use(row: ModelRow) -> Iterator[tuple[str, str]]:
    found, detail = use(row), row.detail
    if found is Use.USABLE:
        yield "state", "tasks can use it"
    elif found is Use.VALIDATING and detail:
        yield "state", f"tasks can use it when its validation has passed: task {detail.validation_task}"
    elif found is Use.FAILED:
        yield "state", "tasks can not use it: its validation failed"
    else:
        yield "state", "tasks can not use it until it is validated: v"
    if detail and detail.validation:
        yield from _validation(detail.validation)


def _validation(validation: Validation) -> Iterator[tuple[str, str]]:
    if validation.error:
        yield "checks", validation.error
    for index, (name, check) in enumerate(validation.checks.items()):
        yield "" if index or validation.error else "checks", check_words(name, check)


def check_words(name: str, check: Check) -> str:
    """`forces: 0.0021 eV/Å, at most 0.05: passed`."""
    measured = "not a number" if check.measured is None else f"{format.number(check.measured)} {check.unit}".strip()
    limit = f"at {'least' if check.at_least else 'most'} {format.number(check.limit)}"
    return f"{name.replace('_', ' ')}: {measured}, {limit}: {'passed' if check.passed else 'FAILED'}"


def _loaded(row: ModelRow, workers: Sequence[Worker]) -> Iterator[tuple[str, str]]:
    yield "loaded on", places(row.name, workers) or "no worker"
    for worker in online(workers):
        # What it could not load, it says there.
        if row.name in worker.note:
            yield "", f"{worker.id}: {worker.note}"


def _learnt(row: ModelRow, dots: str) -> Iterator[tuple[str, str]]:
    yield "elements", f"{len(row.elements)}: {coverage(row.elements)}" if row.elements else "not told"
    detail = row.detail
    if detail is None:
        yield "", f"reading {dots}"
        return
    if detail.memory:
        yield "memory", "; ".join(_need(need) for need in detail.memory)
    else:
        yield "memory", "not known: no task with it came to its end yet"
    yield "interpreter", _interpreter(detail)
    if detail.versions:
        yield "versions", ", ".join(f"{name} {version}" for name, version in detail.versions.items())
    if detail.load_seconds:
        yield "loaded in", f"{detail.load_seconds:.1f} s"
    yield "weights", detail.checkpoint or "none"
    if detail.weights_sha256:
        yield "sha256", detail.weights_sha256


def _need(need: MemoryNeed) -> str:
    """`cuda 12.1 GB with 624 atoms (80.0 GB was too little)`."""
    peak = gigabytes(need.peak_MB) if need.peak_MB is not None else "unknown"
    short = f" ({gigabytes(need.too_little_MB)} was too little)" if need.too_little_MB is not None else ""
    return f"{need.device} {peak} with {need.n_atoms} atoms{short}"


def _interpreter(detail: ModelDetail) -> str:
    python = detail.python or "that of the worker"
    return f"{python} (environment {detail.environment})" if detail.environment else python


def _tasks(tasks: Page[Task] | None, dots: str) -> Iterator[tuple[str, str]]:
    """How many there are, and the newest."""
    if tasks is None:
        yield "used by", dots
        return
    total = len(tasks.items) if tasks.total is None else tasks.total
    newest = "; ".join(f"{task.id} {format.name(task)} {str(task.status).lower()}" for task in tasks.items)
    yield "used by", f"{format.grouped(total)} task{'s' * (total != 1)}{f': {newest}' if newest else ''}"
