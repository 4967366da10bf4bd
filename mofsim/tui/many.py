"""Every chosen task type for every chosen structure with every chosen model: how many tasks that is, which of them no
model covers, and what they would need together. Knows neither Textual nor HTTP.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from mofsim.schemas.submission import MAX_BATCH
from mofsim.tui import form, format
from mofsim.vocabulary import Preset, TaskType

if TYPE_CHECKING:
    from mofsim.schemas.estimates import Estimate
    from mofsim.schemas.resources import Model, Structure, StructureSet

#: Gaps that are named; of the rest the number is told.
NAMED: Final = 3


@dataclass(frozen=True)
class Gap:
    """A model that does not know these elements, which so many of the chosen structures have."""

    model: str
    elements: tuple[str, ...]
    n_structures: int

    @property
    def words(self) -> str:
        return f"{self.model} lacks {' '.join(self.elements)} ({self.n_structures})"


@dataclass(frozen=True)
class Product:
    """What was chosen; a structure counts once, also when a set that was chosen has it too."""

    structures: Sequence[Structure] = ()
    models: Sequence[Model] = ()
    task_types: Sequence[TaskType] = ()
    preset: Preset = Preset.QUICK

    @property
    def n_asked(self) -> int:
        return len(self.structures) * len(self.models) * len(self.task_types)

    @cached_property
    def covered(self) -> Mapping[str, Sequence[Structure]]:
        """The structures that each model can be used for, as far as anybody knows."""
        return {m.name: [s for s in self.structures if not form.unknown_elements(s, m)] for m in self.models}

    @property
    def n_tasks(self) -> int:
        return sum(map(len, self.covered.values())) * len(self.task_types)

    @cached_property
    def gaps(self) -> Sequence[Gap]:
        """Those that concern most structures first."""
        found = [
            Gap(model.name, elements, n)
            for model in self.models
            for elements, n in Counter(tuple(form.unknown_elements(s, model)) for s in self.structures).items()
            if elements
        ]
        return sorted(found, key=lambda gap: -gap.n_structures)

    @property
    def problem(self) -> str:
        """Why it can not be sent; empty when it can."""
        lacking = {"a structure": self.structures, "a model": self.models, "a task type": self.task_types}
        empty = [what for what, chosen in lacking.items() if not chosen]
        if empty:
            return f"choose {' and '.join(empty)}: space ticks a line, * all that are listed, - none of them"
        if not self.n_tasks:
            return "no model knows the elements of any of these structures"
        if self.n_tasks > MAX_BATCH:
            return f"a batch has at most {format.grouped(MAX_BATCH)} tasks; choose less, and send the rest as another"
        return ""

    def items(self) -> Iterator[tuple[str, TaskType, str | int]]:
        """Model, type and structure of each task; those of a model follow each other, so that it is loaded once."""
        for name, structures in self.covered.items():
            for task_type in self.task_types:
                for structure in structures:
                    yield name, task_type, form.Chosen(structure).reference

    def samples(self) -> Iterator[Sample]:
        """What to ask the server about, so that all else follows: time and memory grow with the atoms."""
        for name, structures in self.covered.items():
            by_size = sorted(structures, key=lambda structure: structure.n_atoms)
            picked = {s.id: s for s in (by_size[-1], by_size[(len(by_size) - 1) // 2])} if by_size else {}
            for task_type in self.task_types:
                for structure in picked.values():
                    options = {"model": name, "preset": self.preset, "parameters": {}}
                    question = form.Question(task_type, form.Chosen(structure).reference, options)
                    yield Sample(name, task_type, structure.n_atoms, question)


@dataclass(frozen=True)
class Sample:
    model: str
    task_type: TaskType
    n_atoms: int
    question: form.Question


@dataclass
class Needs:
    """What is known of the needs of a product, from the estimates that came so far."""

    product: Product
    n_asked: int
    refusal: str = ""
    n_came: int = 0
    why_none: str = ""
    _known: dict[tuple[str, TaskType], list[Estimate]] = field(default_factory=dict)

    def came(self, sample: Sample, estimate: Estimate) -> None:
        self.n_came += 1
        self.why_none = self.why_none or estimate.why_none or ""
        self._known.setdefault((sample.model, sample.task_type), []).append(estimate)

    @property
    def largest_memory_MB(self) -> float | None:
        """Of the tasks whose memory is known, on the device that is likely to run them."""
        found = [m.memory_MB for each in self._estimates() for m in each.memory if m.device == each.device]
        return max((MB for MB in found if MB is not None), default=None)

    def seconds(self) -> tuple[float, float, float, int]:
        """Median, low and high of all tasks whose time is known, one after the other; and of how many it is not."""
        total, unknown = [0.0, 0.0, 0.0], 0
        for name, structures in self.product.covered.items():
            for task_type in self.product.task_types:
                timed = [each for each in self._known.get((name, task_type), ()) if each.seconds]
                if not timed:
                    unknown += len(structures)
                    continue
                for structure in structures:
                    near = min(timed, key=lambda each: abs(each.n_atoms - structure.n_atoms))
                    assert near.seconds is not None
                    share = structure.n_atoms / near.n_atoms
                    values = (near.seconds.median, near.seconds.low, near.seconds.high)
                    total = [sum_ + share * value for sum_, value in zip(total, values, strict=True)]
        return total[0], total[1], total[2], unknown

    def _estimates(self) -> Iterator[Estimate]:
        return (each for found in self._known.values() for each in found)

    @property
    def words(self) -> str:
        """Time and memory together, in a sentence; what nobody knows yet is said too."""
        if self.n_came < self.n_asked:
            return f"estimating: {self.n_came} of {self.n_asked}"
        median, low, high, unknown = self.seconds()
        memory = self.largest_memory_MB
        parts = []
        if median:
            parts.append(f"about {format.rough(median)} on one device ({format.rough(low)} to {format.rough(high)})")
        if unknown:
            of_all = "time not known yet" if unknown == self.product.n_tasks else "of unknown time"
            parts.append(of_all if not median else f"and {format.grouped(unknown)} tasks {of_all}")
        parts.append(f"memory up to {format.size(memory * 1e6)}" if memory is not None else "memory not known yet")
        if self.why_none:
            parts.append(self.why_none)
        return ", ".join(parts)


def counted(product: Product) -> str:
    """`12 structures × 2 models × 1 type = 24 tasks`, in words of the right number."""
    parts = (
        _number(len(product.structures), "structure"),
        _number(len(product.models), "model"),
        _number(len(product.task_types), "type"),
    )
    total = _number(product.n_asked, "task")
    left_out = product.n_asked - product.n_tasks
    less = f", {format.grouped(left_out)} left out: {_named(product.gaps)}" if left_out else ""
    return f"{' × '.join(parts)} = {total}{less}"


def _named(gaps: Sequence[Gap]) -> str:
    more = f" and {len(gaps) - NAMED} more" if len(gaps) > NAMED else ""
    return "; ".join(gap.words for gap in gaps[:NAMED]) + more


def _number(n: int, what: str) -> str:
    return f"{format.grouped(n)} {what}{'s' * (n != 1)}"


@dataclass(frozen=True)
class Row:
    """A line to tick: what is ticked is known by its key."""

    key: str
    name: str
    note: str = ""


def structure_rows(structures: Iterable[Structure], sets: Iterable[StructureSet]) -> list[Row]:
    """Sets first: `@name` stands for its structures."""
    found = [Row(f"@{each.name}", f"@{each.name}", _number(len(each.structure_ids), "structure")) for each in sets]
    found += [Row(str(s.id), form.label(s), f"{s.n_atoms:>5} atoms  {s.formula}") for s in structures]
    return found


def model_rows(models: Iterable[Model]) -> list[Row]:
    return [Row(m.name, m.name, "default" if m.is_default else "") for m in models]


def chosen_structures(
    marked: Iterable[str], structures: Sequence[Structure], sets: Sequence[StructureSet]
) -> list[Structure]:
    """Those that were ticked, and the members of sets that were, each once, in the order of the list."""
    keys = set(marked)
    ids = {int(key) for key in keys if not key.startswith("@")}
    ids |= {id for each in sets if f"@{each.name}" in keys for id in each.structure_ids}
    return [structure for structure in structures if structure.id in ids]


def batch_items(product: Product, options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the client submits: one for each task that a model covers."""
    from mofsim.client import batch_item

    return [
        batch_item(task_type, reference, model=name, preset=product.preset, **options)
        for name, task_type, reference in product.items()
    ]
