"""Tasks on the wire, and what becomes of them."""

from datetime import datetime
from typing import Any

from pydantic import Field

from mofsim.schemas.base import Request, Response
from mofsim.schemas.priorities import PriorityName
from mofsim.schemas.resources import Geometry
from mofsim.vocabulary import AttemptOutcome, Frame, LogLevel, Preset, StopReason, TaskStatus, TaskType


class PriorityChange(Request):
    priority: PriorityName


class RetryOptions(Request):
    clean: bool = Field(False, description="Start from the beginning, whatever checkpoint there is")


class StructureBrief(Response):
    id: int
    name: str
    formula: str
    n_atoms: int
    is_builtin: bool


#: stages whose steps are those of molecular dynamics
DYNAMICS = ("NVT", "NPT")


class Progress(Response):
    """Null where it is not known (yet)."""

    step: int | None = None
    total_steps: int | None = None
    percent: float | None = None
    energy_eV: float | None = None
    fmax_eV_per_A: float | None = None
    volume_A3: float | None = None
    stage: str | None = Field(
        None,
        description="What is being done: relaxation, NVT, NPT, point, displacement, candidate or site",
        examples=["displacement"],
    )
    stage_step: int | None = Field(None, description="Steps made of that stage, or which one of its kind it is")
    stage_steps: int | None = Field(None, description="How many there are; of a relaxation: at most")
    remaining_seconds: float | None = Field(
        None, description="Until its end, by the steps that are left; null where nobody can tell, as in a relaxation"
    )

    @property
    def words(self) -> str:
        """What is being done, for a person: "displacement 37 of 162"; "" where it is one thing only."""
        if self.stage is None or self.stage_step is None:
            return ""
        step, steps = (f"{number or 0:,}".replace(",", " ") for number in (self.stage_step, self.stage_steps))
        if self.stage == "relaxation":
            return f"relaxation, step {step} of at most {steps}"
        return f"{self.stage}, step {step} of {steps}" if self.stage in DYNAMICS else f"{self.stage} {step} of {steps}"

    @property
    def brief(self) -> str:
        """The same where there is little room: "displacement 37/162"; of a relaxation its step alone."""
        if self.stage is None or self.stage_step is None:
            return ""
        if self.stage == "relaxation":
            return f"relaxation {self.stage_step}"
        return f"{self.stage} {self.stage_step}/{self.stage_steps}"


class TaskError(Response):
    type: str
    message: str


class Task(Response):
    id: int
    task_type: TaskType
    status: TaskStatus
    priority: PriorityName
    model: str
    structure: StructureBrief
    preset: Preset
    parameters: dict[str, Any]
    progress: Progress
    attempt: int
    max_attempts: int
    timeout_seconds: float
    batch_id: int | None = None
    gpu_id: str | None = None
    worker_id: str | None = None
    stop_requested: StopReason | None = Field(None, description="Asked to stop, still running")
    created_at: datetime
    not_before: datetime | None = None
    retry_at: datetime | None = Field(None, description="Not taken before then: the back-off after a fault")
    held: bool = Field(False, description="Waits until a person releases it")
    parent_id: int | None = Field(None, description="The task whose optimized structure it takes")
    awaits_parent: bool = Field(False, description="It has not got that structure yet")
    reused_from: int | None = Field(None, description="The task whose result it was given instead of being computed")
    queued_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    error: TaskError | None = None


class BatchCreated(Response):
    id: int
    name: str
    task_ids: list[int]


class TaskResult(Response):
    """`output_files` maps each name to the URL it is served at."""

    task_id: int
    status: TaskStatus
    attempt: int
    result: dict[str, Any]
    output_files: dict[str, str]
    metrics: dict[str, Any]
    provenance: dict[str, Any]
    files_removed_at: datetime | None = Field(None, description="Since then its files are gone, by their age")


class OutputFile(Response):
    name: str
    size_bytes: int
    url: str


class SeriesColumns(Response):
    """Values of each step, one list per column, all of one length."""

    task_id: int
    attempt: int
    columns: dict[str, list[float | None]]


class TaskGeometry(Geometry):
    """The atoms of a task as they were submitted, or as far as it came."""

    task_id: int
    frame: Frame
    source: str = Field(description="The file that they are in; `submitted`: the task has no atoms of its own yet")
    step: int | None = Field(None, description="Where they are a frame of a trajectory")
    guest_indices: list[int] = Field([], description="Which atoms are the guest, where there is one; counted from 0")


class LogLine(Response):
    id: int
    attempt: int
    time: datetime
    level: LogLevel
    logger: str
    message: str


class Attempt(Response):
    attempt: int
    worker_id: str
    gpu_id: str | None
    assigned_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    outcome: AttemptOutcome | None
    reason: str | None
    steps: int
    resumed_from_step: int | None = None


class Span(Response):
    """A time in seconds that is not certain."""

    median: float
    low: float
    high: float


class Explanation(Response):
    """Why a task is where it is, in a sentence, and what would move it."""

    task_id: int
    status: TaskStatus
    sentence: str
    ahead: int | None = Field(
        None, description="When it is queued: the tasks that are taken before it by workers that could take it"
    )
    starts_in: Span | None = Field(None, description="When it is queued; null where something was never seen before")
    ends_in: Span | None = Field(None, description="When it is queued or runs; null where it is not known")
