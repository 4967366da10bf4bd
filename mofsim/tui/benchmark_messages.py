"""What workers tell of benchmarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual.message import Message

if TYPE_CHECKING:
    from mofsim.schemas.benchmarks import Benchmark, BenchmarkChanged, BenchmarkDetail, BenchmarkPlan
    from mofsim.schemas.resources import Model, StructureSet


@dataclass
class BenchmarksCame(Message):
    """The newest benchmarks."""

    benchmarks: Sequence[Benchmark]


@dataclass
class ProgressCame(Message):
    """How far a benchmark is."""

    benchmark: Benchmark


@dataclass
class MatrixCame(Message):
    detail: BenchmarkDetail


@dataclass
class BenchmarkMoved(Message):
    """Something was changed in it, so that it is to be read again."""


@dataclass
class ModelsToAdd(Message):
    """Those that a benchmark could be computed with too."""

    benchmark: Benchmark
    models: Sequence[Model]


@dataclass
class BenchmarkStockCame(Message):
    """What a new one can be made of."""

    models: Sequence[Model]
    sets: Sequence[StructureSet]


@dataclass
class PlanCame(Message):
    """What a benchmark would compute, or why the server refuses it; `asked` is what it was asked about."""

    asked: Mapping[str, Any]
    plan: BenchmarkPlan | None
    refusal: str = ""


@dataclass
class BenchmarkBegun(Message):
    changed: BenchmarkChanged


@dataclass
class BenchmarkRefused(Message):
    detail: str
