"""Scores of a benchmark: what models answered, what the references say, and how far the two are apart."""

from datetime import datetime
from html import escape
from typing import Any

from pydantic import Field

from mofsim.schemas import notebook
from mofsim.schemas.base import Response
from mofsim.schemas.batches import BatchRow
from mofsim.vocabulary import Preset, Quantity, TaskStatus, TaskType, Verdict


class Reference(Response):
    """A value that a model is compared with."""

    structure: str
    quantity: Quantity
    value: float = Field(description="In the unit of the quantity; a volume is that of one cell")
    guest: str | None = Field(None, description="Of an interaction energy")
    n_atoms: int | None = Field(None, description="Atoms of the cell that a volume belongs to, where that is known")
    source: str = ""
    note: str | None = Field(None, description="What must be known of the value")
    volumes_A3: list[float] | None = Field(None, description="The points that a bulk modulus was fitted to")
    energies_eV: list[float] | None = Field(None, description="Their energies, of the same cell")


class Column(Response):
    """What may be put together: results of one model with one preset, precision and dispersion."""

    id: str
    label: str
    model: str
    model_sha256: str | None = Field(description="Of the weights; null where no task came so far as to tell")
    preset: Preset
    dtype: str | None
    d3: bool | None
    d3_settings: dict[str, Any] | None
    changed: dict[str, Any] = Field(description="Parameters that are not those of the preset, by type and name")
    is_published_protocol: bool = Field(description="Whether its numbers may be compared with published ones")
    devices: list[str]
    mofsim: list[str] = Field(description="Versions of mofsim that computed it")
    n_tasks: int


class Outcome(Response):
    """A task, what it answered, and what the reference says. A volume is in the reference's cell."""

    column: str
    task_type: TaskType
    structure: str
    guest: str | None
    task_id: int
    formula: str
    n_atoms: int
    metals: list[str]
    status: TaskStatus
    verdict: Verdict
    reason: str | None = Field(description="Why it failed or does not count")
    converged: bool | None
    value: float | None
    excluded: str | None = Field(description="Why the value of a task that answered is not compared")
    reference: float | None
    reference_source: str | None
    reference_missing: str | None = Field(description="Why there is no reference")
    cells: str | None = Field(description="How the cell relates to that of the reference")
    scale: float | None = Field(description="What a volume of this cell is multiplied with for the reference's")
    error: float | None = Field(description="Value minus reference")
    error_percent: float | None
    baseline: float | None = Field(description="What is answered without any model")
    input_volume_A3: float | None
    device: str | None
    atom_steps_per_second: float | None
    facts: dict[str, Any] = Field(description="Further results that are scored, by their names in the row")


class NotCovered(Response):
    """What a model can not compute, because it does not know an element. It is no failure."""

    model: str
    structure: str
    task_type: TaskType
    guest: str | None = None
    reason: str


class Score(Response):
    """A number for a column: the mean or median of one number for each structure that takes part."""

    column: str
    task_type: TaskType
    metric: str
    title: str
    unit: str
    statistic: str
    higher_is_better: bool | None = Field(description="Null where neither is better")
    device: str | None = Field(None, description="Of a speed: where it was measured")
    value: float | None
    low: float | None = Field(description="Of the bootstrap interval; null for fewer than two structures")
    high: float | None
    n: int = Field(description="Structures that take part")
    baseline: float | None = Field(description="The same, of what is answered without any model")
    baseline_n: int
    failures: int = Field(description="Tasks that failed by themselves, in this column and task type")
    unconverged: int
    excluded: int
    not_counted: int
    pending: int
    without_reference: int


class Place(Response):
    """`mean_rank` is over structures; a failure is last on its structure."""

    column: str
    rank: float
    mean_rank: float


class Ranking(Response):
    """Columns in one order, by structures that all of them were tried on; presets and devices are never mixed."""

    task_type: TaskType
    by: str
    preset: Preset
    device: str | None = None
    n_structures: int
    places: list[Place]


class MetalErrors(Response):
    """Errors of a column over the structures that have a metal; a structure with two metals is in both."""

    column: str
    task_type: TaskType
    metal: str
    n: int
    mean_absolute_error: float | None
    unit: str
    failures: int


class Scores(Response):
    """All that a report is made of. `rows` and `references` are enough to compute everything else again."""

    title: str
    made_at: datetime | None = None
    mofsim: str
    seed: int
    resamples: int
    confidence_percent: float
    columns: list[Column]
    scores: list[Score]
    rankings: list[Ranking]
    by_metal: list[MetalErrors]
    outcomes: list[Outcome]
    not_covered: list[NotCovered] = Field(default_factory=list, description="What was not computed, and is no failure")
    references: list[Reference] = Field(description="Those that were compared with")
    notes: list[str] = Field(description="What a reader must know")
    rows: list[BatchRow]

    def _repr_html_(self) -> str:
        """What a reader must know, and the scores; the rest is for programs and reports."""
        labels = {column.id: column.label for column in self.columns}
        shown = [
            {"model": labels[each.column], "task type": each.task_type, "score": each.title, "unit": each.unit}
            | each.model_dump(include={"value", "low", "high", "n", "baseline", "failures", "device"})
            for each in self.scores
        ]
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        return f"<p><b>{escape(self.title)}</b></p>{notes}{notebook.listing(shown, None)}"


class Change(Response):
    """Something that is not the same in two runs of a model."""

    column: str
    structure: str
    guest: str | None
    task_type: TaskType
    name: str
    before: Any
    after: Any


class RunComparison(Response):
    """Two benchmarks of the same model: what was computed otherwise, and what came out otherwise."""

    before: str
    after: str
    n_compared: int
    settings: list[Change]
    results: list[Change]
    scores: list[Change]
    only_before: list[str]
    only_after: list[str]
