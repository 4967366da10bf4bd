"""What workers tell the screens of models and structures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from mofsim.schemas.envelope import Page
    from mofsim.schemas.resources import Model, ModelDetail, Structure, StructureSet
    from mofsim.schemas.tasks import Task
    from mofsim.tui.molecule import Molecule


@dataclass
class ModelsCame(Message):
    models: Sequence[Model]


@dataclass
class ModelCame(Message):
    """One model with all that is known of it."""

    detail: ModelDetail


@dataclass
class ModelsChanged(Message):
    """Somebody here changed models: the list is to be read again."""


@dataclass
class TasksOfCame(Message):
    """The newest tasks of a model or a structure, by its name or id."""

    of: str | int
    tasks: Page[Task]


@dataclass
class StructuresCame(Message):
    structures: Sequence[Structure]
    sets: Sequence[StructureSet]


@dataclass
class StructuresChanged(Message):
    """Sets changed, of which no event tells: the list is to be read again."""


@dataclass
class MoleculeCame(Message):
    """The atoms of a structure, or why there are none."""

    structure_id: int
    molecule: Molecule | None
    problem: str = ""


@dataclass
class TaskMoleculesCame(Message):
    """The atoms of a task as they were submitted and as they are; None where there are none yet, or any more."""

    task_id: int
    initial: Molecule | None
    latest: Molecule | None
    #: what changed, in lines
    facts: Sequence[str]
    #: nothing else will come
    is_final: bool
    problem: str = ""


@dataclass
class UploadRefused(Message):
    """`field` is the server's name of what is wrong."""

    detail: str
    field: str | None


@dataclass
class Uploaded(Message):
    """A form's file is there; of several, perhaps not all: `refused` tells which, and why."""

    text: str
    refused: Sequence[str] = ()
