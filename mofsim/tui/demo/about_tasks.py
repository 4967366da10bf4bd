"""What the demo tells of tasks: lists, curves, logs, results, files, atoms."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from mofsim.schemas.envelope import Page
from mofsim.schemas.tasks import (
    Attempt,
    Explanation,
    LogLine,
    OutputFile,
    SeriesColumns,
    Span,
    Task,
    TaskGeometry,
    TaskResult,
)
from mofsim.tui.demo import crystals, physics, steering
from mofsim.tui.demo.steering import missing
from mofsim.tui.query import Query, Term
from mofsim.vocabulary import AttemptOutcome, Frame, LogLevel, TaskStatus, TaskType

if TYPE_CHECKING:
    from mofsim.schemas.events import Event
    from mofsim.tui.demo.world import World

OUTCOMES = {
    TaskStatus.COMPLETED: AttemptOutcome.COMPLETED,
    TaskStatus.FAILED: AttemptOutcome.FAILED,
    TaskStatus.CANCELLED: AttemptOutcome.CANCELLED,
    TaskStatus.TIMEOUT: AttemptOutcome.TIMEOUT,
}
Given = Mapping[str, Any]


def answer(world: World, method: str, rest: list[str], query: Given, body: Any) -> Any:
    match method, rest:
        case "GET", []:
            return page(world, query)
        case "POST", ["estimate"]:
            return steering.estimate(world, TaskType(body["task_type"]), body)
        case "POST", [name] if not name.isdecimal():
            return steering.submit(world, TaskType(name), body)
    task = world.tasks.get(int(rest[0])) if rest[0].isdecimal() else None
    if task is None:
        raise missing(f"task {rest[0]}")
    match method, rest[1:]:
        case "GET", []:
            return task
        case "DELETE", []:
            return steering.delete(world, task)
        case "POST", ["priority"]:
            return steering.set_priority(world, task, body)
        case "POST", [verb] if verb in _VERBS:
            return _VERBS[verb](world, task)
        case "GET", [name] if name in _READERS:
            return _READERS[name](world, task, query)
    raise missing("/".join(["tasks", *rest]))


def page(world: World, query: Given) -> Page[Task]:
    since = datetime.fromisoformat(query["since"]) if query.get("since") else None
    names = {"task_type": "type"}
    terms = [
        Term(names.get(name, name), tuple(map(_lower(name), value if isinstance(value, tuple) else (value,))))
        for name in ("status", "task_type", "model", "structure", "batch", "since")
        if (value := query.get(name))
    ]
    terms += [Term("text", (word.lower(),)) for word in (query.get("text") or "").split()]
    asked = Query(sort=query.get("sort", "-id"), terms=tuple(terms), since=since)
    fitting = sorted(filter(asked.matches, world.tasks.values()), key=asked.key, reverse=asked.descending)
    start, limit = int(query.get("cursor") or 0), int(query.get("limit", 100))
    more = start + limit < len(fitting)
    return Page(
        items=fitting[start : start + limit], next_cursor=str(start + limit) if more else None, total=len(fitting)
    )


def _lower(name: str) -> Callable[[Any], str]:
    return (lambda value: str(value).lower()) if name in ("structure", "batch") else str


def step_of(world: World, task: Task) -> int | None:
    """How far it came; None before its first step."""
    run = world.runs.get(task.id)
    if run:
        return int(run.steps) if run.begun else None
    return task.progress.step


def _series(world: World, task: Task, query: Given) -> SeriesColumns:
    step = step_of(world, task)
    columns = world.plan(task).series(step, int(query.get("points", 500))) if step is not None else {"step": []}
    return SeriesColumns(task_id=task.id, attempt=max(1, task.attempt), columns=columns)


def _logs(world: World, task: Task, query: Given) -> list[LogLine]:
    """A line to begin with, one for each step, one at the end; made when somebody asks."""
    step, plan, started = step_of(world, task), world.plan(task), task.started_at
    if step is None or started is None:
        return []
    count = step + 2 + task.status.is_final
    after, limit = int(query.get("after", 0)), int(query.get("limit", 500))
    first = max(after, count - limit) if query.get("newest") else after
    lines = (_line(task, plan, n, started) for n in range(first, min(count, first + limit)))
    wanted, least = (query.get("text") or "").lower(), list(LogLevel).index(LogLevel(query.get("level") or "DEBUG"))
    return [each for each in lines if wanted in each.message.lower() and list(LogLevel).index(each.level) >= least]


def _line(task: Task, plan: physics.Plan, n: int, started: datetime) -> LogLine:
    level, time = LogLevel.INFO, started + timedelta(seconds=(n - 1) / plan.steps_per_second)
    if n == 0:
        message, time = f"{task.model} on {task.worker_id}, {task.structure.n_atoms} atoms (simulated)", started
    elif task.status.is_final and n == (task.progress.step or 0) + 2:
        message, level = _last_words(task)
        time = task.completed_at or time
    else:
        message = plan.words(n - 1)
    values = {"id": n + 1, "attempt": max(1, task.attempt), "logger": "mofsim.simulations"}
    return LogLine(time=time, level=level, message=message, **values)


def _last_words(task: Task) -> tuple[str, LogLevel]:
    if task.error:
        return f"{task.error.type}: {task.error.message}", LogLevel.ERROR
    if task.status is TaskStatus.COMPLETED:
        return "done", LogLevel.INFO
    return f"ended as {task.status}", LogLevel.WARNING


def _result(world: World, task: Task, query: Given) -> TaskResult:
    if not task.status.is_final or task.started_at is None or task.completed_at is None:
        raise missing(f"result of task {task.id} yet")
    plan, step = world.plan(task), task.progress.step or 0
    found = physics.result(plan, step if task.status is TaskStatus.COMPLETED else min(step, plan.steps - 1))
    structure = world.structures.get(task.structure.id)
    model = world.models.get(task.model)
    return TaskResult(
        task_id=task.id,
        status=task.status,
        attempt=task.attempt,
        result=found,
        output_files={name: _url(task, name) for name in contents(world, task)},
        metrics={
            "duration_seconds": (task.completed_at - task.started_at).total_seconds(),
            "seconds_per_step": 1 / plan.steps_per_second,
            "peak_memory_MB": physics.memory_MB(task.structure.n_atoms),
        },
        provenance={
            "mofsim": "demo: nothing was computed",
            "model": task.model,
            "dtype": model.dtype if model else "float32",
            "device": "simulated",
            "structure_sha256": structure.checksum if structure else None,
        },
    )


def _url(task: Task, name: str) -> str:
    return f"/api/v1/files/{task.id}/{task.attempt}/{name}"


def contents(world: World, task: Task) -> dict[str, str]:
    """The files of a task that ended, by name."""
    plan, step = world.plan(task), task.progress.step or 0
    series = plan.series(step, 10_000)
    rows = zip(*series.values(), strict=True)
    csv = "\n".join([",".join(series), *(",".join(map(repr, row)) for row in rows)])
    atoms = geometry(world, task, Frame.LATEST)
    places, cell = [tuple(place) for place in atoms.positions_A], [tuple(vector) for vector in atoms.cell_A]
    return {
        "result.json": json.dumps({"task_id": task.id, "simulated": True, "steps": step}, indent=1) + "\n",
        "series.csv": csv + "\n",
        "final.extxyz": crystals.extxyz(atoms.symbols, places, cell),  # type: ignore[arg-type]
    }


def _files(world: World, task: Task, query: Given) -> list[OutputFile]:
    if not task.status.is_final or task.started_at is None:
        return []
    found = contents(world, task)
    return [OutputFile(name=name, size_bytes=len(text.encode()), url=_url(task, name)) for name, text in found.items()]


def geometry(world: World, task: Task, frame: Frame) -> TaskGeometry:
    """Atoms that came from where they were submitted to where they are."""
    found, step, plan = crystals.crystal(task.structure.name), step_of(world, task), world.plan(task)
    if frame is Frame.INITIAL or step is None:
        places, cell, source = list(found.positions), found.cell, "submitted"
    else:
        way = 1 - 0.5 ** (step / plan.half_life)
        volume = plan.at(step)["volume_A3"] or found.volume
        places, cell = crystals.moved(found, (volume / found.volume) ** (1 / 3), 0.22 * way, task.id)
        source = "optimized.extxyz" if task.status is TaskStatus.COMPLETED else "trajectory.extxyz"
    return TaskGeometry(
        task_id=task.id, frame=frame, source=source, step=step if source.startswith("traj") else None,
        symbols=list(found.symbols), positions_A=[list(place) for place in places],
        cell_A=[list(vector) for vector in cell],
    )  # fmt: skip


def _explain(world: World, task: Task, query: Given) -> Explanation:
    if task.held:
        sentence = f"task {task.id} is held: `mofsim release {task.id}` lets it go on"
    elif task.not_before is not None and task.status is TaskStatus.PENDING:
        sentence = f"it waits until {task.not_before.astimezone():%H:%M}"
    elif task.status.is_waiting:
        return _place_in_queue(world, task)
    elif task.status.is_active:
        sentence = f"It runs on {task.worker_id}."
    else:
        sentence = f"It ended: {task.status}."
    return Explanation(task_id=task.id, status=task.status, sentence=sentence)


def _place_in_queue(world: World, task: Task) -> Explanation:
    ahead = sum(
        each.status is TaskStatus.QUEUED and (each.priority, each.id) < (task.priority, task.id)
        for each in world.tasks.values()
    )
    gpus = [worker for worker in world.workers.values() if worker.gpu_id and not worker.drain]
    if not gpus:
        sentence = "All workers with a GPU are drained: r on one of them (key 3) lets it take tasks again."
        return Explanation(task_id=task.id, status=task.status, sentence=sentence, ahead=ahead)
    left = sorted(
        (run.plan.steps - run.steps) / run.plan.steps_per_second
        for run in world.runs.values()
        if run.worker in {worker.id for worker in gpus}
    )
    begins = (left[0] if left else 1.0) + 70.0 * (ahead // len(gpus))
    many = f"{ahead} task{'s are' if ahead != 1 else ' is'} ahead"
    raised = "; + moves it up" if ahead else ""
    return Explanation(
        task_id=task.id, status=task.status, ahead=ahead,
        sentence=f"{many} of task {task.id} for {len(gpus)} GPUs that are busy{raised}.",
        starts_in=Span(median=begins, low=0.6 * begins, high=1.7 * begins),
        ends_in=Span(median=begins + 80, low=0.6 * begins + 50, high=1.7 * begins + 140),
    )  # fmt: skip


def _attempts(world: World, task: Task, query: Given) -> list[Attempt]:
    if task.worker_id is None:
        return []
    begun = task.started_at or world.now
    return [
        Attempt(
            attempt=max(1, task.attempt), worker_id=task.worker_id, gpu_id=task.gpu_id,
            assigned_at=begun - timedelta(seconds=4), started_at=task.started_at, ended_at=task.completed_at,
            outcome=OUTCOMES.get(task.status), reason=task.error.message if task.error else None,
            steps=step_of(world, task) or 0,
        )
    ]  # fmt: skip


def _events(world: World, task: Task, query: Given) -> list[Event]:
    return [event for event in world.events if event.task_id == task.id and "progress" not in event.data]


_VERBS: dict[str, Callable[[World, Task], Task]] = {
    "cancel": steering.cancel,
    "undo-cancel": steering.undo_cancel,
    "retry": steering.retry,
    "hold": steering.hold,
    "release": steering.release,
}
_READERS: dict[str, Callable[[World, Task, Given], Any]] = {
    "series": _series,
    "logs": _logs,
    "result": _result,
    "files": _files,
    "explain": _explain,
    "attempts": _attempts,
    "events": _events,
    "deliveries": lambda world, task, query: [],
    "geometry": lambda world, task, query: geometry(world, task, Frame(query.get("frame", Frame.LATEST))),
}
