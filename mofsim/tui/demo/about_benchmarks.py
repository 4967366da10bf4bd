"""What the demo tells of benchmarks and what can be done to them: matrices of its tasks, of which nothing is scored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mofsim.schemas.benchmarks import (
    AskedType,
    Benchmark,
    BenchmarkCell,
    BenchmarkChanged,
    BenchmarkDetail,
    BenchmarkPlan,
    BenchmarkSubmit,
    BenchmarkType,
    PlanCost,
)
from mofsim.schemas.envelope import Page
from mofsim.schemas.scores import NotCovered
from mofsim.schemas.tasks import Span, Task
from mofsim.tui.demo import physics, steering
from mofsim.tui.demo.steering import missing, refused, wrong
from mofsim.vocabulary import OPEN_CELLS, CellState, Preset, Priority, TaskStatus, TaskType

if TYPE_CHECKING:
    from mofsim.tui.demo.world import World

NO_SCORES = "the demo computes nothing that could be scored: reports are those of a real server"

STATES = {
    TaskStatus.COMPLETED: CellState.COMPLETED,
    TaskStatus.FAILED: CellState.FAILED,
    TaskStatus.TIMEOUT: CellState.FAILED,
    TaskStatus.CANCELLED: CellState.CANCELLED,
}


@dataclass(frozen=True)
class Place:
    """One cell: what of which structure by which model."""

    model: str
    task_type: TaskType
    guest: str | None
    structure: int


@dataclass
class DemoBenchmark:
    id: int
    name: str
    set: str
    preset: Preset
    priority: Priority
    types: Sequence[BenchmarkType]
    guests: Sequence[str]
    structures: Sequence[int]
    created_at: datetime
    resumed_at: datetime
    models: list[str] = field(default_factory=list)
    #: the task of each; None where the model does not know an element
    cells: dict[Place, int | None] = field(default_factory=dict)

    def places(self, models: Iterable[str]) -> Iterable[Place]:
        """Those of models that have none yet."""
        for model in models:
            for each in self.types:
                is_bound = each.task_type is TaskType.INTERACTION_ENERGY
                for guest in self.guests if is_bound else (None,):
                    for structure in self.structures:
                        place = Place(model, each.task_type, guest, structure)
                        if place not in self.cells:
                            yield place


def answer(world: World, method: str, rest: list[str], body: Any) -> Any:
    match method, rest:
        case "GET", []:
            newest = sorted(world.benchmarks.values(), key=lambda each: -each.id)
            return Page(items=[_benchmark(world, each) for each in newest], next_cursor=None, total=len(newest))
        case "POST", []:
            return start(world, BenchmarkSubmit.model_validate(body))
        case "POST", ["estimate"]:
            return _plan(world, BenchmarkSubmit.model_validate(body))
    found = world.benchmarks.get(int(rest[0])) if rest[0].isdecimal() else None
    if found is None:
        raise missing(f"benchmark {rest[0]}")
    match method, rest[1:]:
        case "GET", []:
            return _detail(world, found)
        case "GET", ["progress"]:
            return _benchmark(world, found)
        case "POST", ["models"]:
            return _changed(world, found, n_submitted=add(world, found, body["models"]))
        case "POST", ["retry"]:
            return _changed(world, found, n_retried=_retry(world, found))
        case "POST", ["cancel"]:
            return _changed(world, found, n_cancelled=_cancel(world, found))
        case "DELETE", []:
            if any(not task.status.is_final for task in _tasks(world, found)):
                raise refused(f"tasks of benchmark {found.id} wait or run; cancel them first")
            del world.benchmarks[found.id]
            return None
    raise refused(NO_SCORES)


def start(world: World, body: BenchmarkSubmit) -> BenchmarkChanged:
    """Who asks for the same again gets the same."""
    there = _there(world, body)
    found = there or _wanted(world, body)
    world.benchmarks[found.id] = found
    return _changed(world, found, is_new=there is None, n_submitted=add(world, found, body.models))


def add(world: World, found: DemoBenchmark, models: Sequence[str]) -> int:
    """How many tasks they make."""
    _check(world, models)
    given = {each.task_type: each.parameters for each in found.types}
    n = 0
    for place in list(found.places(models)):
        found.cells[place] = None
        if _is_covered(world, place):
            guest = {"guest": place.guest} if place.guest else {}
            task = world.add_task(
                place.task_type, world.structures[place.structure], place.model, found.preset,
                given[place.task_type] | guest, found.priority,
            )  # fmt: skip
            found.cells[place] = world.submitted(task, steering.ME).id
            n += 1
    found.models = list(dict.fromkeys([*found.models, *models]))
    found.resumed_at = world.now
    return n


def _there(world: World, body: BenchmarkSubmit) -> DemoBenchmark | None:
    asked = _wanted(world, body)
    return next((each for each in world.benchmarks.values() if _made_of(each) == _made_of(asked)), None)


def _made_of(found: DemoBenchmark) -> Any:
    return found.name, found.preset, list(found.types), list(found.guests), list(found.structures)


def _wanted(world: World, body: BenchmarkSubmit) -> DemoBenchmark:
    """Raises Invalid."""
    sets = {each.name: each.structure_ids for each in world.sets}
    sets["essential"] = [id for id, each in world.structures.items() if each.is_builtin]
    if body.set not in sets:
        raise wrong(f"there is no set {body.set!r} in the demo", "set")
    _check(world, body.models)
    return DemoBenchmark(
        id=max(world.benchmarks, default=0) + 1, name=body.name.strip() or f"{body.set}, {body.preset}",
        set=body.set, preset=body.preset, priority=body.options.priority, types=body.task_types, guests=body.guests,
        structures=sets[body.set], created_at=world.now, resumed_at=world.now,
    )  # fmt: skip


def _check(world: World, models: Iterable[str]) -> None:
    for name in models:
        if name not in world.models or not world.models[name].is_validated:
            raise wrong(f"model {name!r} is not there, or its validation has not passed", "models")


def _is_covered(world: World, place: Place) -> bool:
    known = world.models[place.model].elements
    return not known or set(world.structures[place.structure].elements) <= set(known)


def _not_covered(world: World, place: Place) -> NotCovered:
    return NotCovered(
        model=place.model, structure=world.structures[place.structure].name, task_type=place.task_type,
        guest=place.guest, reason=f"{place.model} does not know all of its elements",
    )  # fmt: skip


def _tasks(world: World, found: DemoBenchmark) -> list[Task]:
    return [world.tasks[id] for id in found.cells.values() if id in world.tasks]


def _retry(world: World, found: DemoBenchmark) -> int:
    """What says nothing of its model; what failed by itself stays."""
    ended = [task for task in _tasks(world, found) if task.status is TaskStatus.CANCELLED]
    for task in ended:
        steering.retry(world, task)
    return len(ended)


def _cancel(world: World, found: DemoBenchmark) -> int:
    open = [task for task in _tasks(world, found) if not task.status.is_final]
    for task in open:
        steering.cancel(world, task)
    return len(open)


def _changed(world: World, found: DemoBenchmark, **what: Any) -> BenchmarkChanged:
    return BenchmarkChanged(benchmark=_benchmark(world, found), **what)


def _cells(world: World, found: DemoBenchmark) -> list[BenchmarkCell]:
    return [_cell(world, place, id) for place, id in found.cells.items()]


def _cell(world: World, place: Place, id: int | None) -> BenchmarkCell:
    task = world.tasks.get(id) if id is not None else None
    percent = reason = None
    if id is None:
        state, reason = CellState.NOT_COVERED, _not_covered(world, place).reason
    elif task is None:
        state = CellState.DELETED
    else:
        state = STATES.get(task.status) or (CellState.RUNNING if task.status.is_active else CellState.WAITING)
        reason = f"{task.error.type}: {task.error.message}" if task.error else None
        if run := world.runs.get(task.id):
            percent = 100 * run.steps / run.plan.steps
    return BenchmarkCell(
        model=place.model, task_type=place.task_type, guest=place.guest, structure_id=place.structure, state=state,
        task_id=task.id if task else None, percent=percent, reason=reason,
    )  # fmt: skip


def _values(world: World, found: DemoBenchmark, cells: Sequence[BenchmarkCell]) -> dict[str, Any]:
    counts = Counter(cell.state for cell in cells)
    n = sum(counts.values()) - counts[CellState.NOT_COVERED]
    ended = n - sum(counts[state] for state in OPEN_CELLS)
    done = ended + sum(cell.percent or 0.0 for cell in cells) / 100
    lasted = (world.now - found.resumed_at).total_seconds()
    return {
        **{name: getattr(found, name) for name in ("id", "name", "set", "preset", "guests", "models")},
        "task_types": [each.task_type for each in found.types],
        "n_structures": len(found.structures),
        "n_own_references": 0,
        "n_cells": len(cells),
        "counts": counts,
        "percent": 100 * done / n if n else None,
        "eta_seconds": lasted * (n - done) / done if ended and ended < n else None,
        "created_at": found.created_at,
        "resumed_at": found.resumed_at,
    }


def _benchmark(world: World, found: DemoBenchmark) -> Benchmark:
    return Benchmark(**_values(world, found, _cells(world, found)))


def _detail(world: World, found: DemoBenchmark) -> BenchmarkDetail:
    cells = _cells(world, found)
    structures = [world.structures[id] for id in found.structures]
    return BenchmarkDetail(
        **_values(world, found, cells),
        parameters=[AskedType(task_type=each.task_type, parameters=each.parameters) for each in found.types],
        structures=[steering.brief(each) for each in structures],
        cells=cells,
    )


def _plan(world: World, body: BenchmarkSubmit) -> BenchmarkPlan:
    """Learnt from the plans of what ended here, as a server learns from times."""
    there = _there(world, body)
    found = there or _wanted(world, body)
    places = list(found.places(body.models))
    new = [place for place in places if _is_covered(world, place)]
    costs = []
    for kind, n in Counter((place.model, place.task_type) for place in new).items():
        times = [plan.seconds for plan in world.completed(kind[1])]
        sizes = [world.structures[place.structure].n_atoms for place in new if (place.model, place.task_type) == kind]
        span = Span(median=n * times[len(times) // 2], low=n * times[0], high=n * times[-1]) if times else None
        costs.append(
            PlanCost(
                model=kind[0], task_type=kind[1], n_tasks=n, device="cuda", seconds=span,
                n_unknown_time=0 if times else n, learnt_from=len(times), same_parameters=True,
                memory_MB=physics.memory_MB(max(sizes)), n_unknown_memory=0, too_large=[],
            )
        )  # fmt: skip
    spans = [cost.seconds for cost in costs if cost.seconds]
    total = Span(
        median=sum(each.median for each in spans),
        low=sum(each.low for each in spans),
        high=sum(each.high for each in spans),
    )
    n_there = sum(place.model in body.models for place in found.cells)
    return BenchmarkPlan(
        benchmark_id=there.id if there else None, n_structures=len(found.structures),
        n_cells=n_there + len(places), n_there=n_there, n_reused=0, n_new=len(new),
        not_covered=[_not_covered(world, place) for place in places if place not in new],
        device_seconds={"cuda": total} if spans else {}, n_unknown_time=sum(cost.n_unknown_time for cost in costs),
        n_unknown_memory=0, largest_memory_MB=max((cost.memory_MB or 0.0 for cost in costs), default=None),
        disk_MB=0.4 * len(new), n_unknown_disk=0, costs=costs,
    )  # fmt: skip
