"""What workers tell of benchmarks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from mofsim.schemas.benchmarks import Benchmark, BenchmarkDetail
    from mofsim.schemas.resources import Model


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
