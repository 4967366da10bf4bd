"""What workers tell of many tasks at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from mofsim.schemas.batches import Batch
    from mofsim.schemas.estimates import Estimate
    from mofsim.schemas.resources import Model, Structure, StructureSet
    from mofsim.schemas.tasks import BatchCreated
    from mofsim.tui.many import Needs, Sample


@dataclass
class StockCame(Message):
    """What there is to choose from."""

    structures: Sequence[Structure]
    sets: Sequence[StructureSet]
    models: Sequence[Model]


@dataclass
class SampleCame(Message):
    """What one task of many would need, for the question that `needs` are of, or why the server would not take it."""

    needs: Needs
    sample: Sample
    estimate: Estimate | None
    refusal: str = ""


@dataclass
class BatchSubmitted(Message):
    batch: BatchCreated


@dataclass
class BatchRefused(Message):
    detail: str


@dataclass
class BatchCame(Message):
    """How far a batch is."""

    batch: Batch
