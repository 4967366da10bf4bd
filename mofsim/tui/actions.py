"""What an action is, and when it is possible: judged on a `Context`, a picture of the screen without widgets.

The list of all actions is in `registry`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from textual.binding import Binding

if TYPE_CHECKING:
    from mofsim.schemas.alerts import AlertRule
    from mofsim.schemas.benchmarks import Benchmark, BenchmarkCell
    from mofsim.schemas.resources import Alert, Structure, Worker
    from mofsim.schemas.tasks import Task
    from mofsim.tui.stock import ModelRow


class Scope(StrEnum):
    """Where a key works; in this order where two share a key."""

    LOG = "in a log"
    SYSTEM_LOG = "in the log of the processes"
    VIEW = "on the picture of a structure"
    MOVE = "moving"
    LIST = "in the list"
    DETAIL = "in a task"
    COMPARE = "comparing"
    TASK = "on tasks"
    ALERT = "on alerts and rules"
    DEVICE = "on workers and devices"
    DASHBOARD = "on the dashboard"
    MODEL = "on models"
    STRUCTURE = "on structures"
    FORM = "in the form"
    ONE = "in the form for one task"
    MANY = "in the form for many tasks"
    BENCHMARK = "on benchmarks"
    BENCHMARK_LIST = "in the list of benchmarks"
    MATRIX = "in the matrix of a benchmark"
    CONSOLE = "everywhere"


@dataclass(frozen=True)
class Context:
    """What an action is judged on; `tasks`, `compared`, `alerts`, `rule` and `workers` are those that it would take."""

    tasks: Sequence[Task] = ()
    #: those that would stand side by side
    compared: Sequence[Task] = ()
    alerts: Sequence[Alert] = ()
    rule: AlertRule | None = None
    workers: Sequence[Worker] = ()
    #: the task that runs on the device under the cursor
    runs: int | None = None
    #: there is something under the cursor
    chosen: bool = False
    model: ModelRow | None = None
    structure: Structure | None = None
    benchmark: Benchmark | None = None
    #: of its matrix, the one under the cursor
    cell: BenchmarkCell | None = None
    #: there is a picture of a structure to turn
    pictured: bool = False
    #: ids of workers that hold the model in memory
    holders: Sequence[str] = ()
    selected: int = 0
    online: bool = True
    #: the server is there, and does not take our key
    key_refused: bool = False
    filtered: bool = False
    mode: str = "tasks"
    pane: str = ""
    finding: bool = False
    #: the task that the line under the cursor is about
    task_of_line: int | None = None
    #: the process that wrote the line under the cursor; "": there is no line
    process_of_line: str = ""
    #: a cancel can be taken back
    undoable: bool = False


Refusal = Callable[[Context], str | None]


@dataclass(frozen=True)
class Action:
    """`refusal` says why it is not possible now; `applies` whether its key means this action at all."""

    id: str
    keys: str
    label: str
    help: str
    scope: Scope
    #: acts on the server, so that it needs one
    acts: bool = False
    refusal: Refusal = lambda context: None
    applies: Callable[[Context], bool] = lambda context: True
    #: place in the footer, where the lowest come first and stay longest; 0: not there
    footer: int = 0
    #: shows how many tasks it takes when some are selected
    counts: bool = False

    @property
    def handler(self) -> str:
        """Name of the method of a screen that does it."""
        return "do_" + self.id.replace(".", "_")

    @property
    def first_key(self) -> str:
        return self.keys.split(",")[0]

    def why_not(self, context: Context) -> str | None:
        if self.acts and context.key_refused:
            return "the server does not take the key any more; what to do is said above the keys"
        if self.acts and not context.online:
            return "the server does not answer; this works again as soon as it does"
        return self.refusal(context)

    def binding(self) -> Binding:
        action = f"do('{self.id}')"
        return Binding(self.keys, action, self.label, show=False, tooltip=self.help, id=self.id)
