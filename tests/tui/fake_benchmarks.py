"""Benchmarks of the fake world."""

from collections import Counter
from typing import TYPE_CHECKING, Any

from mofsim.client import NotFound
from mofsim.client.request import Request
from mofsim.schemas.benchmarks import Benchmark, BenchmarkCell, BenchmarkChanged, BenchmarkDetail, BenchmarkPlan
from mofsim.schemas.envelope import Page
from mofsim.schemas.tasks import StructureBrief
from mofsim.vocabulary import CellState, Preset, TaskType
from tests.tui.fake_machines import NOW

if TYPE_CHECKING:
    from tests.tui.fake import World

C = CellState
KINDS = [
    (TaskType.OPTIMIZATION, None),
    (TaskType.STABILITY, None),
    (TaskType.INTERACTION_ENERGY, "CO2"),
    (TaskType.INTERACTION_ENERGY, "H2O"),
]
NAMES = ["HKUST-1", "IRMOF-1", "UiO-66", "MIL-53"]
#: of the first model, by structure and kind
FIRST = [
    [C.COMPLETED, C.COMPLETED, C.COMPLETED, C.FAILED],
    [C.COMPLETED, C.RUNNING, C.WAITING, C.WAITING],
    [C.LOST, C.WAITING, C.CANCELLED, C.DELETED],
    [C.NOT_COVERED] * 4,
]


def cell(model: str, kind: tuple[TaskType, str | None], structure: int, state: CellState, task: int) -> BenchmarkCell:
    reasons = {
        C.FAILED: "SimulationExploded: the structure blew up at step 143",
        C.LOST: "ExecutorDied: the worker was killed",
        C.NOT_COVERED: "7net-0 does not know Zr",
    }
    return BenchmarkCell(
        model=model,
        task_type=kind[0],
        guest=kind[1],
        structure_id=structure,
        state=state,
        task_id=None if state in (C.NOT_COVERED, C.DELETED) else task,
        percent=37.0 if state is C.RUNNING else None,
        reason=reasons.get(state),
    )


def some_benchmark(id: int = 1, models: tuple[str, ...] = ("7net-0", "7net-l3i5"), **changes: Any) -> BenchmarkDetail:
    structures = [
        StructureBrief(id=i, name=name, formula="Zn4C24H12O13", n_atoms=600 + i, is_builtin=True)
        for i, name in enumerate(NAMES, 1)
    ]
    cells, task = [], 8117
    for model in models:
        for place, kind in enumerate(KINDS):
            for row, structure in enumerate(structures):
                state = FIRST[row][place] if model == models[0] else C.WAITING
                cells.append(cell(model, kind, structure.id, state, task))
                task += 1
    values: dict[str, Any] = {
        "id": id,
        "name": "essential mofsimbench",
        "set": "essential",
        "preset": Preset.MOFSIMBENCH,
        "task_types": [TaskType.OPTIMIZATION, TaskType.STABILITY, TaskType.INTERACTION_ENERGY],
        "guests": ["CO2", "H2O"],
        "models": list(models),
        "n_structures": len(structures),
        "n_own_references": 0,
        "n_cells": len(cells),
        "counts": dict(Counter(each.state for each in cells)),
        "percent": 31.4,
        "eta_seconds": 7_260.0,
        "created_at": NOW,
        "resumed_at": NOW,
        "parameters": [],
        "structures": structures,
        "cells": cells,
    }
    return BenchmarkDetail(**(values | changes))


def some_plan(**changes: Any) -> BenchmarkPlan:
    values: dict[str, Any] = {
        "benchmark_id": None,
        "n_structures": 4,
        "n_cells": 32,
        "n_there": 0,
        "n_reused": 3,
        "n_new": 27,
        "not_covered": [
            {"model": "7net-0", "structure": "UiO-66", "task_type": each, "reason": "7net-0 does not know Zr"}
            for each in (TaskType.OPTIMIZATION, TaskType.STABILITY)
        ],
        "device_seconds": {"cuda": {"low": 3600.0, "median": 7560.0, "high": 18_000.0}},
        "n_unknown_time": 4,
        "n_unknown_memory": 0,
        "largest_memory_MB": 11_800.0,
        "disk_MB": 640.0,
        "n_unknown_disk": 0,
        "costs": [],
    }
    return BenchmarkPlan(**(values | changes))


def _begin(world: "World", asked: dict[str, Any]) -> BenchmarkChanged:
    if world.refusal:
        refusal, world.refusal = world.refusal, None
        raise refusal
    world.submitted.append(asked)
    id = max(world.benchmarks, default=0) + 1
    world.benchmarks[id] = some_benchmark(id, tuple(asked["models"]), name=asked.get("name", "essential mofsimbench"))
    found = Benchmark.model_validate(world.benchmarks[id])
    return BenchmarkChanged(benchmark=found, is_new=True, n_submitted=found.n_cells)


def answer(world: "World", request: Request[Any], rest: list[str]) -> Any:
    if request.method == "POST" and rest in ([], ["estimate"]):
        return some_plan() if rest else _begin(world, request.json)
    if not rest:
        known = [Benchmark.model_validate(each) for each in reversed(world.benchmarks.values())]
        return Page(items=known, next_cursor=None, total=len(known))
    found = world.benchmarks.get(int(rest[0]))
    if found is None:
        raise NotFound(f"there is no benchmark {rest[0]}", code=404, type="NotFound")
    match rest[1:]:
        case []:
            return found
        case ["progress"]:
            return Benchmark.model_validate(found)
        case ["retry"]:
            states = {C.LOST, C.CANCELLED, C.DELETED} | ({C.FAILED} if request.query.get("failed") else set())
            return _waiting_again(world, found, states)
        case ["cancel"]:
            n = sum(each.state in (C.WAITING, C.RUNNING) for each in found.cells)
            return BenchmarkChanged(benchmark=Benchmark.model_validate(found), n_cancelled=n)
        case ["models"]:
            return _add(world, found, request.json["models"])
    raise AssertionError(rest)


def _waiting_again(world: "World", found: BenchmarkDetail, states: set[CellState]) -> BenchmarkChanged:
    n = sum(each.state in states for each in found.cells)
    cells = [e.model_copy(update={"state": C.WAITING, "reason": None}) if e.state in states else e for e in found.cells]
    changed = _with(world, found, cells, found.models)
    return BenchmarkChanged(benchmark=Benchmark.model_validate(changed), n_retried=n)


def _add(world: "World", found: BenchmarkDetail, models: list[str]) -> BenchmarkChanged:
    more = [
        cell(model, kind, structure.id, C.WAITING, 9000)
        for model in models
        for kind in KINDS
        for structure in found.structures
    ]
    changed = _with(world, found, [*found.cells, *more], [*found.models, *models])
    return BenchmarkChanged(benchmark=Benchmark.model_validate(changed), n_submitted=len(more))


def _with(world: "World", found: BenchmarkDetail, cells: list[BenchmarkCell], models: list[str]) -> BenchmarkDetail:
    update = {"cells": cells, "models": models, "n_cells": len(cells), "counts": dict(Counter(e.state for e in cells))}
    world.benchmarks[found.id] = found.model_copy(update=update)
    return world.benchmarks[found.id]
