"""Every word that crosses a border, once: database, wire, queue and screen all spell it as here."""

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from typing import Final

#: Behind the name of an output file that was compressed since; it can be asked for under its first name too.
COMPRESSED: Final = ".gz"


class TaskStatus(StrEnum):
    """Where a task is in its life."""

    #: accepted; waits for something named (a time, another task's structure)
    PENDING = "PENDING"
    #: waits for a device
    QUEUED = "QUEUED"
    #: a device worker holds it and loads the model
    ASSIGNED = "ASSIGNED"
    #: steps are made
    RUNNING = "RUNNING"
    #: ended with a result
    COMPLETED = "COMPLETED"
    #: ended with an error
    FAILED = "FAILED"
    #: ended by a person
    CANCELLED = "CANCELLED"
    #: ended by its time limit
    TIMEOUT = "TIMEOUT"

    @property
    def is_waiting(self) -> bool:
        return self in WAITING

    @property
    def is_active(self) -> bool:
        return self in ACTIVE

    @property
    def is_final(self) -> bool:
        return self in FINAL


WAITING = frozenset({TaskStatus.PENDING, TaskStatus.QUEUED})
ACTIVE = frozenset({TaskStatus.ASSIGNED, TaskStatus.RUNNING})
FINAL = frozenset({TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED, TaskStatus.TIMEOUT})


class Scope(StrEnum):
    """What a key allows."""

    #: see everything but keys and the audit
    READ = "read"
    #: submit, cancel and change tasks, structures and batches; and read
    SUBMIT = "submit"
    #: send and fetch the files of tasks that a worker holds, and nothing else
    WORKER = "worker"
    #: keys, models, workers and everything else
    ADMIN = "admin"

    def allows(self, needed: "Scope") -> bool:
        return needed is self or needed in _ALSO_ALLOWS[self]


_ALSO_ALLOWS: Mapping[Scope, frozenset[Scope]] = {
    Scope.READ: frozenset(),
    Scope.SUBMIT: frozenset({Scope.READ}),
    Scope.WORKER: frozenset(),
    Scope.ADMIN: frozenset(Scope),
}


class Priority(IntEnum):
    """Lower runs first."""

    CRITICAL = 0
    HIGH = 1
    NORMAL = 2
    LOW = 3


class TaskType(StrEnum):
    """What is computed; also the last part of the URL that submits it."""

    SINGLE_POINT = "single-point"
    OPTIMIZATION = "optimization"
    STABILITY = "stability"
    BULK_MODULUS = "bulk-modulus"
    HEAT_CAPACITY = "heat-capacity"
    INTERACTION_ENERGY = "interaction-energy"
    #: whether an uploaded model can be trusted; the server submits it by itself
    VALIDATION = "validation"


#: the task types that people submit
SIMULATIONS = tuple(task_type for task_type in TaskType if task_type is not TaskType.VALIDATION)
#: those that a benchmark scores
SCORED = tuple(task_type for task_type in SIMULATIONS if task_type is not TaskType.SINGLE_POINT)


class Preset(StrEnum):
    """A named set of parameters."""

    #: the protocol of the published benchmark, to the letter
    MOFSIMBENCH = "mofsimbench"
    #: the same algorithm with loose limits; never shown beside a published number
    QUICK = "quick"


class StructureSource(StrEnum):
    """Where the structure of a submitted task comes from."""

    BUILTIN = "builtin"
    UPLOAD = "upload"
    #: the optimized structure of another task
    TASK = "task"


class StructureFormat(StrEnum):
    """File formats that can be uploaded."""

    CIF = "cif"
    XYZ = "xyz"
    EXTXYZ = "extxyz"
    VASP = "vasp"


class StructureFile(StrEnum):
    """How the file of a structure can be had."""

    #: as it was uploaded
    UPLOADED = "uploaded"
    #: the extXYZ that simulations read, with every bit of its numbers
    NORMALISED = "normalised"
    #: the same as a CIF in P 1, rounded
    CIF = "cif"


class Frame(StrEnum):
    """Which atoms of a task."""

    #: as they were submitted
    INITIAL = "initial"
    #: as they ended, or while the task runs: as they are
    LATEST = "latest"


class Quantity(StrEnum):
    """What a reference value is of; the unit is in the word."""

    #: of the relaxed cell
    VOLUME = "volume_A3"
    BULK_MODULUS = "bulk_modulus_GPa"
    #: at 300 K
    HEAT_CAPACITY = "heat_capacity_J_per_gK"
    INTERACTION_ENERGY = "interaction_energy_eV"


class Verdict(StrEnum):
    """What a task of a benchmark says of its model."""

    #: it came to a result
    ANSWERED = "answered"
    #: it failed by itself, which counts against the model
    FAILED = "failed"
    #: a worker, a device, a disk or a person ended it, which says nothing of the model
    NOT_COUNTED = "not counted"
    #: it has not ended
    PENDING = "pending"


class CellState(StrEnum):
    """Where one model is with one structure and task type of a benchmark."""

    WAITING = "waiting"
    RUNNING = "running"
    #: with a result
    COMPLETED = "completed"
    #: it failed by itself, which counts against the model
    FAILED = "failed"
    #: a worker, a device or a disk ended it, which says nothing of the model; a retry tries again
    LOST = "lost"
    #: a person ended it; a retry tries again
    CANCELLED = "cancelled"
    #: somebody deleted its task; a retry submits it again
    DELETED = "deleted"
    #: the model does not know all of its elements, so that nothing is computed
    NOT_COVERED = "not covered"


#: what has not ended, and what ended without saying anything of the model
OPEN_CELLS = frozenset({CellState.WAITING, CellState.RUNNING})
SILENT_CELLS = frozenset({CellState.LOST, CellState.CANCELLED, CellState.DELETED})


class ReportFormat(StrEnum):
    """How the report of a benchmark can be had."""

    #: scores, outcomes, references and rows
    JSON = "json"
    #: one page with tables, plots and a section for each structure
    HTML = "html"
    TEXT = "text"
    #: a line for each score
    CSV = "csv"
    #: as CSV, a line for each task, beside its reference
    OUTCOMES = "outcomes"


class WorkerState(StrEnum):
    """What a device worker does."""

    STARTING = "STARTING"
    IDLE = "IDLE"
    BUSY = "BUSY"
    #: wants to work and can not; its note says why
    PAUSED = "PAUSED"
    #: finishes its task and takes no other one
    DRAINING = "DRAINING"
    #: a person let it finish its task; it waits until it is resumed
    DRAINED = "DRAINED"
    STOPPED = "STOPPED"
    #: its lease ran out without a goodbye
    LOST = "LOST"


class StopReason(StrEnum):
    """Why a running task is asked to stop before it is done."""

    CANCELLED = "cancelled"
    TIMEOUT = "timeout"
    SHUTDOWN = "shutdown"
    HELD = "held"


class AttemptOutcome(StrEnum):
    """How one try of a task ended."""

    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    TIMEOUT = "TIMEOUT"
    #: the worker or executor went away; the task may be tried again
    LOST = "LOST"
    #: the worker was stopped and gave the task back
    RELEASED = "RELEASED"
    #: the device had too little memory; a larger one may do it
    OUT_OF_MEMORY = "OUT_OF_MEMORY"


class LogLevel(StrEnum):
    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class AlertLevel(StrEnum):
    """How urgent an alert is; in this order."""

    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"

    @property
    def rank(self) -> int:
        return list(AlertLevel).index(self)


class AlertType(StrEnum):
    """What an alert is about; with its subject it is raised once, however often it is found."""

    #: a GPU can not be used until somebody does something; the subject is the worker
    GPU_FAULT = "gpu_fault"
    #: memory of a GPU is still held though the process that used it is dead; the subject is the worker
    GPU_MEMORY_HELD = "gpu_memory_held"
    #: tasks wait for room on the disk; the subject is the worker
    DISK_FULL = "disk_full"
    #: files of an old result can not be compressed or removed; the subject is the box
    RETENTION = "retention"
    #: the processes that compute do not start; the subject is the worker
    EXECUTOR_FAILS = "executor_fails"
    #: nothing is wrong: somebody tests a channel; the subject is the channel
    CHANNEL_TEST = "channel_test"


class RuleKind(StrEnum):
    """What an alert rule watches; it is also the type of the alerts that the rule raises."""

    #: the driver can not use a GPU any more; the subject of this and the next three is the GPU
    GPU_LOST = "gpu_lost"
    #: less memory of a GPU is free, in GB
    GPU_MEMORY_LOW = "gpu_memory_low"
    #: a GPU is hotter, in °C
    GPU_HOT = "gpu_hot"
    #: a GPU has had more memory errors that could not be corrected (ECC), or an error of the driver (XID)
    GPU_ERRORS = "gpu_errors"
    #: more tasks wait for a device
    QUEUE_LONG = "queue_long"
    #: so many tasks of a model failed in a row; the subject is the model
    MODEL_FAILING = "model_failing"
    #: less room is on the disk of the data folder, in GB; the subject is the box
    DISK_LOW = "disk_low"
    #: 1 % of the requests took longer until their answer began, in seconds; the subject is the server
    API_SLOW = "api_slow"
    #: a worker said nothing for so long, in seconds; the subject is the worker
    WORKER_LOST = "worker_lost"
    #: the energy jumped, in eV/atom, between two steps; the subject of this and the next three is the task
    ENERGY_EXPLOSION = "energy_explosion"
    #: the volume fell below this share of what it was at the start
    CELL_COLLAPSE = "cell_collapse"
    #: the largest force of a relaxation did not become smaller for so many steps
    NO_PROGRESS = "no_progress"
    #: the largest force of a relaxation grew to so many times what it was, over so many steps
    FMAX_RISING = "fmax_rising"


#: what is watched by the worker while a task runs
PHYSICS = frozenset({RuleKind.ENERGY_EXPLOSION, RuleKind.CELL_COLLAPSE, RuleKind.NO_PROGRESS, RuleKind.FMAX_RISING})


class AlertNews(StrEnum):
    """What a channel is told of an alert."""

    RAISED = "alert.raised"
    ESCALATED = "alert.escalated"
    RESOLVED = "alert.resolved"
    #: nothing happened: somebody wants to know whether the channel works
    TEST = "alert.test"


class Counted(StrEnum):
    """What is counted for good, whatever is deleted later; each by a label."""

    #: by how they ended
    ATTEMPTS = "attempts"
    #: by the status that they ended with
    TASKS_ENDED = "tasks_ended"
    #: tasks that were queued again because their worker was gone; by why
    RESCUES = "rescues"
    #: by the state that they came to
    WEBHOOKS = "webhooks"
    #: by type
    ALERTS = "alerts"
    #: what channels were told; by the state that it came to
    NOTIFICATIONS = "notifications"


class Duration(StrEnum):
    """What is measured of every attempt."""

    #: from when the task could have been taken until it was
    WAIT = "wait"
    #: from the first step to the end of the attempt
    RUN = "run"


class WebhookEvent(StrEnum):
    """What a task's receiver can be told."""

    #: the first step of an attempt; a task that is tried again starts again
    TASK_STARTED = "task.started"
    TASK_PROGRESS = "task.progress"
    TASK_COMPLETED = "task.completed"
    TASK_FAILED = "task.failed"
    TASK_CANCELLED = "task.cancelled"
    TASK_TIMEOUT = "task.timeout"


class DeliveryState(StrEnum):
    """Where an event is on its way to a task's receiver, or an alert to a channel."""

    #: waits for its first or next try
    PENDING = "PENDING"
    #: the receiver answered 2xx
    DELIVERED = "DELIVERED"
    #: every try failed
    GIVEN_UP = "GIVEN_UP"


class EventType(StrEnum):
    """Names of the events that `/events` streams."""

    TASK_CREATED = "task.created"
    #: the status changed; `data.task` is the task as it is now
    TASK_STATUS = "task.status"
    TASK_PROGRESS = "task.progress"
    #: a cancel was asked for, or the priority changed
    TASK_CHANGED = "task.changed"
    TASK_DELETED = "task.deleted"
    STRUCTURE_CREATED = "structure.created"
    STRUCTURE_DELETED = "structure.deleted"
    WORKER_STATE = "worker.state"
    #: `data.alert` is the alert as it is now
    ALERT_RAISED = "alert.raised"
    #: nobody acknowledged it in time: its level rose
    ALERT_ESCALATED = "alert.escalated"
    #: somebody acknowledged or silenced it, or gave its rule another level
    ALERT_CHANGED = "alert.changed"
    ALERT_RESOLVED = "alert.resolved"
    #: added, changed, silenced or reset; `data.rule` is the rule as it is now
    ALERT_RULE_CHANGED = "alert_rule.changed"
    #: `data.rule_id` is its id
    ALERT_RULE_DELETED = "alert_rule.deleted"
    #: the client is too far behind: read the lists again
    RESET = "reset"
