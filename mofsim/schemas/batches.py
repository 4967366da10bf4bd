"""Batches on the wire."""

from datetime import datetime
from typing import Any

from pydantic import ConfigDict, Field

from mofsim.schemas.base import Response
from mofsim.vocabulary import Preset, TaskStatus, TaskType


class Batch(Response):
    id: int
    name: str
    n_tasks: int = Field(description="As submitted; those that were deleted since count too")
    counts: dict[TaskStatus, int] = Field(description="Tasks by status, of those there are")
    percent: float | None = Field(None, description="How much is done, tasks that run in part; null without tasks")
    created_at: datetime
    started_at: datetime | None = Field(None, description="When its first task began to run")
    completed_at: datetime | None = Field(None, description="When its last task ended; null while one has not")
    eta_seconds: float | None = Field(None, description="At the pace until now; null before a task has ended")


class BatchChanged(Response):
    """What came of a change to the tasks of a batch."""

    batch: Batch
    task_ids: list[int] = Field(description="The tasks that were changed")


class BatchRow(Response):
    """A task of a batch. Its main results follow as further fields, empty unless it is COMPLETED."""

    model_config = ConfigDict(extra="allow")

    batch_id: int
    task_id: int
    structure_id: int
    structure: str
    formula: str
    n_atoms: int
    structure_sha256: str
    model: str
    task_type: TaskType
    preset: Preset
    parameters: dict[str, Any]
    status: TaskStatus
    error_type: str | None
    error_message: str | None
    attempts: int
    reused_from: int | None
    converged: bool | None
    duration_seconds: float | None
    seconds_per_step: float | None
    device: str | None
    model_sha256: str | None
    d3: bool | None = Field(description="Whether D3 dispersion was added")
    d3_settings: dict[str, Any] | None
    dtype: str | None
    mofsim: str | None = Field(description="Version of mofsim")
    input_volume_A3: float | None = Field(None, description="Of the cell that was submitted")
    threads: int | None = Field(None, description="Of the process that computed")
    hostname: str | None = Field(None, description="Where it was computed")
