"""What workers tell the widgets. A worker touches no widget: it posts one of these, and a handler acts on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from textual.message import Message

from mofsim.tui.news import News
from mofsim.tui.window import Fetch

if TYPE_CHECKING:
    from mofsim.schemas.alerts import AlertNotification, AlertRule
    from mofsim.schemas.envelope import Page
    from mofsim.schemas.estimates import Estimate
    from mofsim.schemas.resources import Alert, Health, Model, ModelDetail, Queue, Structure, Worker
    from mofsim.schemas.tasks import Explanation, LogLine, OutputFile, SeriesColumns, Task, TaskResult
    from mofsim.schemas.webhooks import Delivery
    from mofsim.tui.form import Question
    from mofsim.tui.history import Past


@dataclass
class Connected(Message):
    """The line to the server stands; `workers` are those that it knows, `alerts` those that hold."""

    health: Health
    workers: Sequence[Worker]
    alerts: Sequence[Alert]


@dataclass
class LineLost(Message):
    """No line; the next try is made in `retry_in` seconds."""

    reason: str
    retry_in: float
    #: the server is there, and does not take our key
    key_refused: bool = False


@dataclass
class Told(Message):
    """Events, oldest first."""

    news: Sequence[News]


@dataclass
class PageCame(Message):
    fetch: Fetch
    page: Page[Task]


@dataclass
class PageFailed(Message):
    fetch: Fetch
    reason: str


@dataclass
class TaskCame(Message):
    task: Task


@dataclass
class OpenTask(Message):
    """A task that was asked for by its id is there."""

    task: Task


@dataclass
class SelectionCame(Message):
    """All tasks that "select all" means; `more` when there are too many."""

    tasks: Sequence[Task]
    more: bool


@dataclass
class Selecting(Message):
    """So many of the tasks that "select all" means are read; `total` where it is known."""

    done: int
    total: int | None


@dataclass
class Working(Message):
    """How far a change to many things is; no words when it has ended."""

    done: int
    total: int
    words: str


@dataclass
class Counted(Message):
    queue: Queue


@dataclass
class ActiveAlertsCame(Message):
    """The alerts that hold."""

    alerts: Sequence[Alert]


@dataclass
class AlertsCame(Message):
    """The newest alerts, those that are over too."""

    alerts: Sequence[Alert]


@dataclass
class RulesCame(Message):
    rules: Sequence[AlertRule]


@dataclass
class AlertCame(Message):
    """An alert, and what channels were told of it."""

    alert: Alert
    told: Sequence[AlertNotification]


@dataclass
class Explained(Message):
    task_id: int
    explanation: Explanation


@dataclass
class SeriesCame(Message):
    task_id: int
    series: SeriesColumns


@dataclass
class LogCame(Message):
    """`earlier` lines stand before those that are known; they come from the start on, `from_start` with the last."""

    task_id: int
    lines: Sequence[LogLine]
    earlier: bool = False
    #: nothing is missing before those that are known
    from_start: bool = False


@dataclass
class ResultCame(Message):
    task_id: int
    result: TaskResult | None
    files: Sequence[OutputFile]


@dataclass
class OutcomeCame(Message):
    """The result of a task that is looked at in passing."""

    result: TaskResult


@dataclass
class PastCame(Message):
    """What happened to a task until now."""

    task_id: int
    past: Past


@dataclass
class InputsCame(Message):
    """What a task computes with; None where the server does not tell."""

    task_id: int
    structure: Structure | None
    model: ModelDetail | None
    told: Sequence[Delivery] | None


@dataclass
class CompareCame(Message):
    """What tasks found, and their curves, by id; None where there is none."""

    results: Mapping[int, TaskResult | None]
    series: Mapping[int, SeriesColumns | None]


@dataclass
class Saving(Message):
    """How far a file is that is being saved (its row in the list of files); no words when that has ended."""

    task_id: int
    row: str
    words: str


@dataclass
class Exporting(Message):
    """How far an export is, in tasks, and what comes just now."""

    done: int
    total: int
    words: str


@dataclass
class Exported(Message):
    """How an export ended; `failed` when nothing was written, `incomplete` when some tasks were left out."""

    text: str
    failed: bool = False
    incomplete: bool = False


@dataclass
class ChoicesCame(Message):
    """What the form offers."""

    structures: Sequence[Structure]
    models: Sequence[Model]


@dataclass
class Estimated(Message):
    """What the task that was asked about would need, or why the server would not take it."""

    question: Question
    estimate: Estimate | None
    refusal: str = ""


@dataclass
class Submitted(Message):
    task: Task


@dataclass
class SubmitRefused(Message):
    """`field` is the server's name of what is wrong, e.g. parameters.fmax_eV_per_A."""

    detail: str
    field: str | None


@dataclass
class Said(Message):
    """How something that was asked for ended, in words."""

    text: str
    severity: Literal["information", "warning", "error"] = "information"
