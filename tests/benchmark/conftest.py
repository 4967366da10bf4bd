"""Rows of a batch that nobody computed, so that their scores can be worked out by hand."""

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from mofsim.schemas.batches import BatchRow
from mofsim.schemas.scores import Reference
from mofsim.schemas.simulations import resolve
from mofsim.vocabulary import Preset, Quantity, TaskStatus, TaskType

MakeRow = Callable[..., BatchRow]

OF_MODEL = {"model_sha256": "ab" * 32, "dtype": "float32", "d3": True, "d3_settings": {"damping": "bj"}}
#: of a task that failed before an executor could tell anything
NOTHING_TOLD = dict.fromkeys([*OF_MODEL, "device", "mofsim", "threads", "hostname"])


@pytest.fixture
def row() -> MakeRow:
    ids = count(1)

    def make(
        task_type: str,
        structure: str,
        *,
        model: str = "A",
        preset: str = "mofsimbench",
        status: str = "COMPLETED",
        parameters: dict[str, Any] | None = None,
        **rest: Any,
    ) -> BatchRow:
        kind, named = TaskType(task_type), Preset(preset)
        known = {
            **{"structure_id": 1, "formula": "C48H24O26Zn8", "n_atoms": 106, "structure_sha256": "cd" * 32},
            **{"error_type": None, "error_message": None, "attempts": 1, "reused_from": None, "converged": True},
            **{"duration_seconds": 10.0, "seconds_per_step": 0.5, "device": "NVIDIA H100", "mofsim": "0.1"},
            **{"input_volume_A3": 100.0, "threads": 2, "hostname": "box"},
            **OF_MODEL,
        }
        if status != "COMPLETED":
            known["converged"] = None
        return BatchRow(
            batch_id=1,
            task_id=next(ids),
            structure=structure,
            model=model,
            task_type=kind,
            preset=named,
            parameters=resolve(kind, named, parameters or {}),
            status=TaskStatus(status),
            **(known | rest),
        )

    return make


@pytest.fixture
def reference() -> Callable[..., Reference]:
    def make(structure: str, quantity: str, value: float, **rest: Any) -> Reference:
        return Reference(structure=structure, quantity=Quantity(quantity), value=value, source="by hand", **rest)

    return make
