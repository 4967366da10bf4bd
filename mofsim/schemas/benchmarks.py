"""Benchmarks on the wire: what is asked for, how far it is, and what it would cost."""

from collections import Counter
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from mofsim.schemas import notebook
from mofsim.schemas.base import Request, Response
from mofsim.schemas.guests import GUESTS
from mofsim.schemas.priorities import PriorityName
from mofsim.schemas.scores import Column, NotCovered, Outcome
from mofsim.schemas.tasks import Span, StructureBrief
from mofsim.vocabulary import SCORED, CellState, Preset, Priority, Quantity, TaskType

#: The set that is always there: the built-in structures.
ESSENTIAL = "essential"
#: What is bound where nobody says otherwise.
GUESTS_ASKED = ("CO2", "H2O")
#: Of one benchmark: as many as tasks of a batch.
MAX_CELLS = 10_000

_Finite = Annotated[float, Field(allow_inf_nan=False)]


def _scored(task_type: TaskType) -> TaskType:
    if task_type not in SCORED:
        raise ValueError(f"must be one of {', '.join(SCORED)}")
    return task_type


def _known_guest(name: str) -> str:
    if name not in GUESTS:
        near = next((known for known in GUESTS if known.lower() == name.lower()), None)
        raise ValueError(f"{name[:40]!r} is no molecule of ASE; write {near or 'CO2, H2O, CH4, N2, … as ASE does'}")
    return name


class BenchmarkType(Request):
    """A task type that every model does for every structure."""

    task_type: Annotated[TaskType, AfterValidator(_scored)]
    parameters: dict[str, Any] = Field(
        default_factory=dict, description="As a submit takes them; a guest here stands instead of `guests`"
    )


class BenchmarkOptions(Request):
    """Of the tasks of a benchmark."""

    priority: PriorityName = Field(Priority.NORMAL, json_schema_extra={"default": "NORMAL"})
    timeout_seconds: float | None = Field(
        None, gt=0, le=30 * 86400, allow_inf_nan=False, description="Running time of each; null: the server's default"
    )
    max_attempts: int | None = Field(None, ge=1, le=20, description="Tries when the infrastructure fails")
    reuse: bool = Field(True, description="Take finished results of the same structure, weights and parameters")


class OwnReference(Request):
    """A value to compare with, over that of the built-in structures and of earlier ones of the same name."""

    structure: str = Field(min_length=1, max_length=200, examples=["MOF-5"])
    quantity: Quantity
    value: float = Field(allow_inf_nan=False, description="In the unit of the quantity; a volume is that of one cell")
    guest: str | None = Field(None, max_length=100, description="Of an interaction energy")
    n_atoms: int | None = Field(None, ge=1, le=10_000_000, description="Atoms of the cell that a volume belongs to")
    source: str = Field("", max_length=500)
    note: str | None = Field(None, max_length=1000)
    volumes_A3: list[_Finite] | None = Field(None, max_length=200, description="Points of a bulk modulus")
    energies_eV: list[_Finite] | None = Field(None, max_length=200, description="Their energies, of the same cell")


Models = Annotated[
    list[Annotated[str, Field(max_length=100)]], Field(min_length=1, max_length=100, examples=[["7net-0"]])
]


class BenchmarkModels(Request):
    models: Models


class BenchmarkSubmit(Request):
    """Every task type for every structure of a set with every model.

    Who asks for the same again gets the same benchmark, and only what it lacks is computed.
    """

    name: str = Field("", max_length=200, description='"": after set and preset. Another name is another benchmark')
    models: Models
    set: str = Field(
        ESSENTIAL, min_length=1, max_length=100, description=f"A named set of structures; {ESSENTIAL}: the built-in"
    )
    preset: Preset = Preset.MOFSIMBENCH
    task_types: list[BenchmarkType] = Field(
        default_factory=lambda: [BenchmarkType(task_type=each) for each in SCORED],
        min_length=1,
        max_length=100,
        description="Without it all that are scored",
    )
    guests: list[Annotated[str, Field(max_length=40), AfterValidator(_known_guest)]] = Field(
        default_factory=lambda: list(GUESTS_ASKED),
        min_length=1,
        max_length=20,
        description="One interaction energy for each",
        examples=[["CO2"]],
    )
    options: BenchmarkOptions = Field(default_factory=BenchmarkOptions)
    own_references: list[OwnReference] | None = Field(
        None, max_length=10_000, description="Null: those that the benchmark has"
    )


class Benchmark(Response):
    """What it is of, and how far it is."""

    id: int
    name: str
    set: str
    preset: Preset
    task_types: list[TaskType]
    guests: list[str] = Field(description="Of its interaction energies")
    models: list[str]
    n_structures: int
    n_own_references: int
    n_cells: int = Field(description="Models × structures × task types; each guest of an interaction energy counts")
    counts: dict[CellState, int]
    percent: float | None = Field(description="How much has ended, tasks that run in part; null with nothing to do")
    eta_seconds: float | None = Field(description="At the pace until now; null before a task has ended")
    created_at: datetime
    resumed_at: datetime = Field(description="When it was last given something to compute")


class BenchmarkCell(Response):
    """One model with one structure and task type."""

    model: str
    task_type: TaskType
    guest: str | None
    structure_id: int
    state: CellState
    task_id: int | None
    percent: float | None = Field(None, description="Of a task that runs, as far as it tells")
    reused_from: int | None = Field(None, description="The task whose result it was given")
    reason: str | None = Field(None, description="Why it failed, does not count or is not covered")


class AskedType(Response):
    """A task type of a benchmark, with its parameters as they were asked for."""

    task_type: TaskType
    parameters: dict[str, Any]


class BenchmarkDetail(Benchmark):
    """With its matrix, ordered by model, task type, guest and structure."""

    parameters: list[AskedType] = Field(description="What is not as the preset has it, by task type")
    structures: list[StructureBrief]
    cells: list[BenchmarkCell]

    def _repr_html_(self) -> str:
        """How far it is, and how many cells of each model and task type are in which state."""
        kinds = dict.fromkeys((cell.model, cell.task_type) for cell in self.cells)
        states = {kind: Counter(c.state for c in self.cells if (c.model, c.task_type) == kind) for kind in kinds}
        matrix = [{"model": kind[0], "task type": kind[1], **found} for kind, found in states.items()]
        return notebook.record(Benchmark.model_validate(self)) + notebook.listing(matrix, None)


class BenchmarkChanged(Response):
    """What came of a change to a benchmark."""

    benchmark: Benchmark
    is_new: bool = Field(False, description="Whether nobody had asked for it before")
    n_submitted: int = Field(0, description="Cells that have a new task")
    n_reused: int = Field(0, description="Those of them that were given a finished result")
    n_retried: int = Field(0, description="Tasks that wait again")
    n_cancelled: int = Field(0, description="Tasks that end, or are asked to")
    left_out: list[str] = Field(
        default_factory=list, description="Models that can not be used any more, so that nothing was tried again"
    )


class PlanCost(Response):
    """What new tasks of one model and task type take on one kind of device."""

    model: str
    task_type: TaskType
    n_tasks: int
    device: str | None = Field(description="cuda or cpu; null: nobody knows where it would run")
    seconds: Span | None = Field(description="Of all whose time is known; null: of none")
    n_unknown_time: int = Field(description="Tasks like which none has ended here")
    learnt_from: int = Field(description="Tasks that the times are taken from")
    same_parameters: bool = Field(description="Whether their parameters were the same")
    memory_MB: float | None = Field(description="Of the largest whose memory is known")
    n_unknown_memory: int
    too_large: list[str] = Field(description="Structures that need more memory than any worker here has")


class BenchmarkPlan(Response):
    """What a benchmark would compute; nothing was submitted."""

    benchmark_id: int | None = Field(description="The benchmark that is there already")
    n_structures: int
    n_cells: int
    n_there: int = Field(description="Cells that the benchmark has already")
    n_reused: int = Field(description="Results that would be taken from finished tasks elsewhere")
    n_new: int = Field(description="Tasks that would be computed")
    not_covered: list[NotCovered]
    device_seconds: dict[str, Span] = Field(description="By kind of device, of the tasks whose time is known")
    n_unknown_time: int
    n_unknown_memory: int
    largest_memory_MB: float | None = Field(description="Of those that are known")
    disk_MB: float | None = Field(description="Files of the results, by those of results here; null: not known")
    n_unknown_disk: int
    costs: list[PlanCost]


class BenchmarkStructure(Response):
    """What all models say of one structure, side by side."""

    structure: StructureBrief
    columns: list[Column]
    outcomes: list[Outcome]
    cells: list[BenchmarkCell]
