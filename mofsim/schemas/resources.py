"""Structures, models, devices, workers and the state of the system on the wire."""

from datetime import datetime
from typing import Any

from pydantic import Field

from mofsim.schemas.base import Id, Request, Response
from mofsim.schemas.machines import GpuProcess
from mofsim.vocabulary import AlertLevel, WorkerState


class Structure(Response):
    id: int
    name: str
    original_name: str
    format: str
    file_size: int
    checksum: str
    n_atoms: int
    formula: str
    elements: list[str]
    volume_A3: float
    is_builtin: bool
    description: str = ""
    created_at: datetime


class Geometry(Response):
    """Where atoms are, in a cell that repeats."""

    symbols: list[str]
    positions_A: list[list[float]] = Field(description="x, y and z of each atom, rounded to 1e-6 Å")
    cell_A: list[list[float]] = Field(description="The three vectors of the cell")


class StructureSet(Response):
    """A named set of structures, by their ids."""

    name: str
    structure_ids: list[int]


class StructureIds(Request):
    structure_ids: list[Id] = Field(min_length=1, max_length=10_000)


class Model(Response):
    name: str
    framework: str
    description: str
    is_default: bool
    is_custom: bool
    is_validated: bool
    d3: bool
    dtype: str
    licence: str
    elements: list[str]
    #: ids of the workers that hold it in memory
    loaded_on: list[str]


class MemoryNeed(Response):
    """What tasks with so many atoms took on such a device ("cuda" or "cpu"), as far as any ran."""

    device: str
    n_atoms: int
    #: the most that a task took that came to its end
    peak_MB: float | None
    #: the largest memory that was too little
    too_little_MB: float | None


class Check(Response):
    """What was measured of a potential, and what it should not exceed; null: it can not be measured."""

    measured: float | None
    limit: float
    at_least: bool = Field(False, description="The limit is the least that is good, and not the most")
    unit: str
    passed: bool


class Validation(Response):
    """How the validation of an uploaded model ended."""

    passed: bool
    #: empty when it came to no measurement
    checks: dict[str, Check]
    error: str | None
    task_id: int
    at: datetime


class ModelDetail(Model):
    """A model with what was learnt when it was loaded and used; what nobody told yet is null or empty."""

    checkpoint: str
    weights_sha256: str | None = Field(
        description="Of the weights as they are now, as an executor last saw them, or as they were uploaded"
    )
    #: interpreter that runs it; "" is that of the worker
    python: str
    #: name of the environment that the interpreter belongs to
    environment: str | None
    versions: dict[str, str]
    load_seconds: float | None
    memory: list[MemoryNeed]
    validation: Validation | None = Field(None, description="Of an uploaded model; null while it was not validated")
    validation_task: int | None = Field(None, description="The task that validates it, while that waits or runs")
    #: when it was uploaded; null for one of the settings
    created_at: datetime | None = None


class ModelPlace(Request):
    """Where to load or unload a model: without `worker`, on all workers that are online."""

    worker: str | None = None


class Gpu(Response):
    """A null field is one that the driver does not tell."""

    id: str
    host: str
    gpu_index: int
    name: str | None
    memory_total_MB: float | None
    memory_used_MB: float | None
    utilisation_percent: float | None
    temperature_C: float | None
    power_W: float | None
    power_limit_W: float | None
    fault: str | None
    #: errors of its memory that could not be corrected, since the driver was loaded
    ecc_errors: int | None = None
    #: the newest error (XID) that the driver told of it, and when
    xid: int | None = None
    xid_at: datetime | None = None
    #: those that compute on it, the largest first; null where the driver does not tell
    processes: list[GpuProcess] | None = None
    seen_at: datetime


class Worker(Response):
    id: str
    host: str
    slot: str
    pid: int
    state: WorkerState
    gpu_id: str | None
    task_id: int | None
    loaded_models: list[str]
    started_at: datetime
    heartbeat_at: datetime
    note: str
    #: what a task can have of memory, in MB; null where it is not known
    memory_MB: float | None = None
    #: somebody wants it to take no more tasks
    drain: bool = False
    #: when it stops by itself, as one in a batch job does; null: it is there for good
    ends_at: datetime | None = None
    #: model → "load" or "unload": what it was asked for and has not done yet
    model_wishes: dict[str, str] = Field(default_factory=dict)


class Alert(Response):
    """Something that needs a person; `subject` is what it is about."""

    id: int
    level: AlertLevel
    alert_type: str
    subject: str
    message: str
    details: dict[str, Any]
    created_at: datetime
    resolved: bool
    resolved_at: datetime | None
    #: who resolved it; null when its cause went away by itself
    resolved_by: str | None = None
    resolved_note: str | None = None
    #: the rule that raised it; null where no rule did, or it was deleted since
    rule_id: int | None = None
    acknowledged_at: datetime | None = None
    #: the name of the key that did it, here and below; a note is in its own words
    acknowledged_by: str | None = None
    acknowledged_note: str | None = None
    #: until then no channel is told of it
    silenced_until: datetime | None = None
    silenced_by: str | None = None
    silenced_note: str | None = None
    #: when its level rose because nobody had acknowledged it
    escalated_at: datetime | None = None


class Queue(Response):
    """Counts of tasks by status, and of queued ones by priority."""

    by_status: dict[str, int]
    queued_by_priority: dict[str, int]


class Health(Response):
    status: str
    version: str
    database: str
    workers_online: int
    workers_busy: int
    #: what needs a person now; a server that knows no alerts has none
    alerts_active: int = 0
    queue: Queue
    #: newest event, to start following `/events` from
    last_event_id: int


class TaskTimes(Response):
    """How long attempts at one kind of task took; means in seconds, null while there was none."""

    task_type: str
    model: str
    #: attempts that waited for a device, and got one
    waits: int = 0
    mean_wait_seconds: float | None = None
    #: attempts that made a step and ended, however they did
    runs: int = 0
    mean_run_seconds: float | None = None


class Stats(Response):
    """What was done so far. Rates are differences of two of these: what was counted never shrinks."""

    tasks: dict[str, int] = Field(description="Tasks that there are now, by status")
    tasks_ended: dict[str, int] = Field(description="By how they ended; those that were deleted since count too")
    attempts: dict[str, int] = Field(description="Attempts that ended, by how; of deleted tasks too")
    rescues: int = Field(description="Tasks that were queued again because their worker was gone")
    times: list[TaskTimes] = Field(description="By task type and model")
    structures_builtin: int
    structures_uploaded: int = Field(description="With the optimized structures of tasks that others took")
    models: int = Field(description="Models that tasks can name, or that wait for their validation")
    workers: dict[str, int] = Field(description="By state")
    storage_free_MB: float = Field(description="Of the disk that the data folder is on")
    storage_total_MB: float


class SettingValue(Response):
    """A setting as settings.toml would write it, and where it comes from."""

    key: str
    value: str
    source: str
