"""What a task is expected to need, on the wire."""

from pydantic import ConfigDict, Field, RootModel

from mofsim.schemas.base import Response
from mofsim.schemas.submission import AnySubmit
from mofsim.schemas.tasks import Span, StructureBrief
from mofsim.vocabulary import Preset, TaskType


class EstimateRequest(RootModel[AnySubmit]):
    """A submit with its `task_type`, as in a batch."""

    model_config = ConfigDict(defer_build=True)


class MemoryEstimate(Response):
    """What a model takes for so many atoms on such a device, as was learnt from tasks that ran here."""

    device: str = Field(description="cuda or cpu")
    memory_MB: float | None = Field(None, description="Null: not known, or what was learnt proved to be too little")
    is_limit: bool = Field(False, description="It takes at most that: no task with so few atoms ran")
    known_too_little_MB: float | None = Field(None, description="The largest memory that was too little for it")
    learnt_from_atoms: list[int] = Field(description="The sizes of the tasks that it is taken from")
    how: str = Field(description="How it is taken from them, in words")


class TimeEstimate(Span):
    """Running time in seconds, from completed tasks of the same model, type and preset on the same kind of device.

    One of ten is faster than `low` and one slower than `high`; of less than ten, these are the fastest and the slowest.
    """

    tasks: int = Field(description="How many tasks it was learnt from")
    learnt_from_atoms: list[int] = Field(description="The sizes of those tasks")
    same_parameters: bool = Field(description="Whether their parameters were the same too")


class Estimate(Response):
    """What a task would need if it were submitted."""

    task_type: TaskType
    model: str
    preset: Preset
    structure: StructureBrief
    n_atoms: int
    reused_from: int | None = Field(None, description="The task whose result it would be given (options.reuse)")
    memory: list[MemoryEstimate] = Field(description="One for each kind of device")
    device: str | None = Field(None, description="The kind of device that is likely to run it; null: nobody knows")
    seconds: TimeEstimate | None = Field(None, description="On that kind of device; null: not known yet")
    fits: list[str] = Field(description="The workers that take tasks now and are large enough")
    why_none: str | None = Field(None, description="Why there is no such worker")
    known: bool = Field(description="Whether anything was learnt that `sentence` tells")
    sentence: str = Field(description="Memory and time, in words for a person")
