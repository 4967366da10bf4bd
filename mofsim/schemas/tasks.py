"""Tasks on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from mofsim.schemas.base import Id, Request, Response, UtcTime
from mofsim.schemas.simulations import (
    BulkModulusParameters,
    HeatCapacityParameters,
    InteractionEnergyParameters,
    OptimizationParameters,
    SinglePointParameters,
    StabilityParameters,
)
from mofsim.schemas.webhooks import Callback
from mofsim.vocabulary import (
    SIMULATIONS,
    AttemptOutcome,
    LogLevel,
    Preset,
    Priority,
    StopReason,
    TaskStatus,
    TaskType,
)


def parse_priority(value: Any) -> Priority:
    """NAME in any case, or the number."""
    names = ", ".join(p.name for p in Priority)
    try:
        return Priority[value.upper()] if isinstance(value, str) else Priority(value)
    except (KeyError, ValueError):
        raise ValueError(f"is not a priority; use one of {names}") from None


PriorityName = Annotated[
    Priority,
    BeforeValidator(parse_priority),
    PlainSerializer(lambda p: p.name, return_type=str),
    WithJsonSchema({"type": "string", "enum": [p.name for p in Priority]}),
]


class BuiltinStructure(Request):
    source: Literal["builtin"]
    name: str = Field(examples=["MOF-5"])


class UploadedStructure(Request):
    source: Literal["upload"]
    id: Id = Field(description="The id that uploading it gave")


class TaskStructure(Request):
    """The optimized structure of another task; this one waits for it."""

    source: Literal["task"]
    id: Id = Field(description="The id of an optimization")


StructureRef = Annotated[BuiltinStructure | UploadedStructure | TaskStructure, Field(discriminator="source")]


class TaskOptions(Request):
    priority: PriorityName = Field(Priority.NORMAL, json_schema_extra={"default": "NORMAL"})
    timeout_seconds: float | None = Field(
        None, gt=0, le=30 * 86400, allow_inf_nan=False, description="Running time; null: the server's default"
    )
    not_before: UtcTime | None = Field(None, description="Wait until then (UTC when no zone is given)")
    max_attempts: int | None = Field(None, ge=1, le=20, description="Tries when the infrastructure fails")
    reuse: bool = Field(
        False,
        description="Take a finished result, where one is there of the same structure, weights, parameters and preset",
    )
    callback: Callback | None = Field(None, description="Where to tell what becomes of the task")


class TaskSubmit(Request):
    """What every task type has in common."""

    model: str | None = Field(None, description="Null: the server's default model", examples=["7net-0"])
    structure: StructureRef
    preset: Preset = Preset.MOFSIMBENCH
    options: TaskOptions = Field(default_factory=TaskOptions)


class OptimizationSubmit(TaskSubmit):
    parameters: OptimizationParameters = Field(default_factory=OptimizationParameters)


class SinglePointSubmit(TaskSubmit):
    parameters: SinglePointParameters = Field(default_factory=SinglePointParameters)


class StabilitySubmit(TaskSubmit):
    parameters: StabilityParameters = Field(default_factory=StabilityParameters)


class BulkModulusSubmit(TaskSubmit):
    parameters: BulkModulusParameters = Field(default_factory=BulkModulusParameters)


class HeatCapacitySubmit(TaskSubmit):
    parameters: HeatCapacityParameters = Field(default_factory=HeatCapacityParameters)


class InteractionEnergySubmit(TaskSubmit):
    parameters: InteractionEnergyParameters = Field(default_factory=InteractionEnergyParameters)


class OptimizationItem(OptimizationSubmit):
    task_type: Literal[TaskType.OPTIMIZATION]


class SinglePointItem(SinglePointSubmit):
    task_type: Literal[TaskType.SINGLE_POINT]


class StabilityItem(StabilitySubmit):
    task_type: Literal[TaskType.STABILITY]


class BulkModulusItem(BulkModulusSubmit):
    task_type: Literal[TaskType.BULK_MODULUS]


class HeatCapacityItem(HeatCapacitySubmit):
    task_type: Literal[TaskType.HEAT_CAPACITY]


class InteractionEnergyItem(InteractionEnergySubmit):
    task_type: Literal[TaskType.INTERACTION_ENERGY]


AnySubmit = Annotated[
    OptimizationItem | SinglePointItem | StabilityItem | BulkModulusItem | HeatCapacityItem | InteractionEnergyItem,
    Field(discriminator="task_type"),
]

#: what POST /tasks/{task type} takes
SUBMIT: dict[TaskType, type[TaskSubmit]] = {
    TaskType.OPTIMIZATION: OptimizationSubmit,
    TaskType.SINGLE_POINT: SinglePointSubmit,
    TaskType.STABILITY: StabilitySubmit,
    TaskType.BULK_MODULUS: BulkModulusSubmit,
    TaskType.HEAT_CAPACITY: HeatCapacitySubmit,
    TaskType.INTERACTION_ENERGY: InteractionEnergySubmit,
}


#: Tasks of one batch.
MAX_BATCH = 10_000


class SetOfStructures(Request):
    """All structures of a named set."""

    source: Literal["set"]
    name: str = Field(examples=["main_set"])


def _simulation(task_type: TaskType) -> TaskType:
    if task_type not in SIMULATIONS:
        raise ValueError(f"must be one of {', '.join(SIMULATIONS)}")
    return task_type


class ProductType(Request):
    """A task type for every model and structure of a product."""

    task_type: Annotated[TaskType, AfterValidator(_simulation)]
    preset: Preset | None = Field(None, description="Null: that of the product")
    parameters: dict[str, Any] = Field(default_factory=dict, description="As a submit of this task type takes them")


class Product(Request):
    """Every task type for every structure with every model; what is named twice is computed once."""

    models: list[str] = Field(default_factory=list, max_length=100, description="None: the server's default model")
    structures: list[
        Annotated[BuiltinStructure | UploadedStructure | TaskStructure | SetOfStructures, Field(discriminator="source")]
    ] = Field(min_length=1, max_length=MAX_BATCH)
    task_types: list[ProductType] = Field(min_length=1, max_length=100)
    preset: Preset = Preset.MOFSIMBENCH
    options: TaskOptions = Field(default_factory=TaskOptions)


class BatchSubmit(Request):
    """A list of tasks, or a product."""

    name: str = Field("", max_length=200)
    tasks: list[AnySubmit] = Field(default_factory=list, max_length=MAX_BATCH)
    product: Product | None = Field(None, description="Instead of `tasks`")

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if bool(self.tasks) == (self.product is not None):
            raise ValueError("give either tasks, a list of at least one, or a product")
        return self


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
