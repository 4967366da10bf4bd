"""What the server's events mean to the console, typed; made by the feed, taken in by the store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mofsim.schemas.alerts import AlertRule
    from mofsim.schemas.resources import Alert, Structure, Worker
    from mofsim.schemas.tasks import Task


@dataclass(frozen=True)
class TaskSeen:
    """A task as it is now."""

    task: Task
    new: bool = False


@dataclass(frozen=True)
class TaskMoved:
    """A running task made steps; `time` is the server's, in seconds."""

    task_id: int
    progress: dict[str, Any]
    time: float


@dataclass(frozen=True)
class TaskGone:
    task_id: int


@dataclass(frozen=True)
class WorkerSeen:
    worker: Worker


@dataclass(frozen=True)
class AlertSeen:
    """An alert as it is now."""

    alert: Alert


@dataclass(frozen=True)
class RuleSeen:
    """An alert rule as it is now."""

    rule: AlertRule


@dataclass(frozen=True)
class RuleGone:
    rule_id: int


@dataclass(frozen=True)
class StructureSeen:
    structure: Structure


@dataclass(frozen=True)
class StructureGone:
    structure_id: int


@dataclass(frozen=True)
class Missed:
    """Events were lost: what is shown must be read again."""


News = (
    TaskSeen
    | TaskMoved
    | TaskGone
    | WorkerSeen
    | AlertSeen
    | RuleSeen
    | RuleGone
    | StructureSeen
    | StructureGone
    | Missed
)
