"""Benchmarks: models × structures × task types, started, followed, and scored."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from mofsim.client.request import API, Request, get
from mofsim.client.requests.answers import _list_of, _nothing
from mofsim.client.requests.submission import priority_name
from mofsim.schemas.batches import BatchRow
from mofsim.schemas.benchmarks import (
    Benchmark,
    BenchmarkChanged,
    BenchmarkDetail,
    BenchmarkPlan,
    BenchmarkStructure,
)
from mofsim.schemas.envelope import Page
from mofsim.schemas.scores import Reference, Scores
from mofsim.vocabulary import Preset, Priority, TaskType

#: A value to compare with, from mofsim.benchmark.references or as the wire has it.
ReferenceLike = Reference | Mapping[str, Any]


def start_benchmark(
    models: Iterable[str],
    set: str | None = None,
    *,
    name: str | None = None,
    preset: Preset | str | None = None,
    task_types: Iterable[TaskType | str | Mapping[str, Any]] | None = None,
    guests: Iterable[str] | None = None,
    priority: Priority | str | None = None,
    timeout_seconds: float | None = None,
    max_attempts: int | None = None,
    reuse: bool | None = None,
    references: Iterable[ReferenceLike] | None = None,
) -> Request[BenchmarkChanged]:
    """Compute every task type for every structure of a named set with every model; what is None is the server's choice.

    The same again gives the same benchmark, and only what it lacks is computed. A task type is its name, or
    {task_type, parameters}. `references` are laid over those of the built-in structures. Raises ValueError for an
    unknown priority.
    """
    body = _body(
        models, set, name, preset, task_types, guests, priority, timeout_seconds, max_attempts, reuse, references
    )
    # A second one finds what the first began.
    return Request("POST", f"{API}/benchmarks", BenchmarkChanged.model_validate, json=body, tries=2)


def estimate_benchmark(
    models: Iterable[str],
    set: str | None = None,
    *,
    name: str | None = None,
    preset: Preset | str | None = None,
    task_types: Iterable[TaskType | str | Mapping[str, Any]] | None = None,
    guests: Iterable[str] | None = None,
    priority: Priority | str | None = None,
    timeout_seconds: float | None = None,
    max_attempts: int | None = None,
    reuse: bool | None = None,
) -> Request[BenchmarkPlan]:
    """What `start_benchmark` would compute and cost, as was learnt from tasks that ran here; nothing is submitted."""
    body = _body(models, set, name, preset, task_types, guests, priority, timeout_seconds, max_attempts, reuse, None)
    return Request("POST", f"{API}/benchmarks/estimate", BenchmarkPlan.model_validate, json=body, tries=2)


def _body(
    models: Iterable[str],
    set: str | None,
    name: str | None,
    preset: Preset | str | None,
    task_types: Iterable[TaskType | str | Mapping[str, Any]] | None,
    guests: Iterable[str] | None,
    priority: Priority | str | None,
    timeout_seconds: float | None,
    max_attempts: int | None,
    reuse: bool | None,
    references: Iterable[ReferenceLike] | None,
) -> dict[str, Any]:
    options = {
        "priority": priority_name(priority) if priority is not None else None,
        "timeout_seconds": timeout_seconds,
        "max_attempts": max_attempts,
        "reuse": reuse,
    }
    body = {
        "models": list(models),
        "set": set,
        "name": name,
        "preset": preset,
        "task_types": None if task_types is None else [_task_type(each) for each in task_types],
        "guests": None if guests is None else list(guests),
        "options": {key: value for key, value in options.items() if value is not None} or None,
        "own_references": None if references is None else [_reference(each) for each in references],
    }
    return {key: value for key, value in body.items() if value is not None}


def _task_type(given: TaskType | str | Mapping[str, Any]) -> dict[str, Any]:
    return {"task_type": given} if isinstance(given, str) else dict(given)


def _reference(given: ReferenceLike) -> dict[str, Any]:
    return given.model_dump(mode="json") if isinstance(given, BaseModel) else dict(given)


def benchmarks(limit: int = 50, cursor: str | None = None) -> Request[Page[Benchmark]]:
    """One page of the benchmarks, newest first; `cursor` is `next_cursor` of the page before."""
    return get("/benchmarks", Page[Benchmark].model_validate, {"limit": limit, "cursor": cursor})


def benchmark(id: int) -> Request[BenchmarkDetail]:
    """A benchmark with its matrix: where each model is with each structure and task type."""
    return get(f"/benchmarks/{id}", BenchmarkDetail.model_validate)


def benchmark_progress(id: int) -> Request[Benchmark]:
    """How far a benchmark is, without its matrix."""
    return get(f"/benchmarks/{id}/progress", Benchmark.model_validate)


def add_benchmark_models(id: int, models: Iterable[str]) -> Request[BenchmarkChanged]:
    """Compute a benchmark with further models; what is there is not computed again."""
    body = {"models": list(models)}
    return Request("POST", f"{API}/benchmarks/{id}/models", BenchmarkChanged.model_validate, json=body, tries=2)


def retry_benchmark(id: int, *, failed: bool = False) -> Request[BenchmarkChanged]:
    """Try again what a worker, a device, a disk or a person ended; with `failed`, what counts against a model too."""
    query = {"failed": "true"} if failed else {}
    return Request("POST", f"{API}/benchmarks/{id}/retry", BenchmarkChanged.model_validate, query=query)


def cancel_benchmark(id: int) -> Request[BenchmarkChanged]:
    """Cancel all tasks of a benchmark that have not ended."""
    return Request("POST", f"{API}/benchmarks/{id}/cancel", BenchmarkChanged.model_validate, tries=2)


def delete_benchmark(id: int) -> Request[None]:
    """Forget a benchmark; its tasks and their results stay."""
    return Request("DELETE", f"{API}/benchmarks/{id}", _nothing)


def benchmark_results(id: int) -> Request[list[BatchRow]]:
    """A row for each task of a benchmark; units are in the names of its fields."""
    return get(f"/benchmarks/{id}/results", _list_of(BatchRow))


def benchmark_scores(id: int) -> Request[Scores]:
    """What the models of a benchmark scored, with the answers, references and rows that it comes from."""
    return get(f"/benchmarks/{id}/report", Scores.model_validate)


def benchmark_structure(id: int, structure_id: int) -> Request[BenchmarkStructure]:
    """What all models of a benchmark say of one structure, side by side and beside the references."""
    return get(f"/benchmarks/{id}/structures/{structure_id}", BenchmarkStructure.model_validate)
