"""What a submit sends: one task, or a batch of them."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from mofsim.schemas.base import Id, Request, UtcTime
from mofsim.schemas.priorities import PriorityName
from mofsim.schemas.simulations import (
    BulkModulusParameters,
    HeatCapacityParameters,
    InteractionEnergyParameters,
    OptimizationParameters,
    SinglePointParameters,
    StabilityParameters,
)
from mofsim.schemas.webhooks import Callback
from mofsim.vocabulary import SIMULATIONS, Preset, Priority, TaskType


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
