"""The tables. Status columns hold the words of `mofsim.vocabulary`; times are UTC."""

from mofsim.db.tables.access import ApiKey, Audit
from mofsim.db.tables.alerts import Alert, AlertRule, AlertSighting
from mofsim.db.tables.base import NAMING, Base, Json, UtcDateTime, utcnow
from mofsim.db.tables.benchmarks import Benchmark, BenchmarkCell
from mofsim.db.tables.machines import Device, Host, Reading, Turn, Worker
from mofsim.db.tables.measured import Counter, DurationBucket, EndedTasks, Measurement
from mofsim.db.tables.models import MemoryNeed, Model, ModelStreak
from mofsim.db.tables.outgoing import AlertNotification, Outgoing, WebhookDelivery
from mofsim.db.tables.structures import Structure, StructureSetMember
from mofsim.db.tables.tasks import Attempt, Batch, Event, Task, TaskCount, TaskKindCount, TaskLog, TaskResult

__all__ = [
    "NAMING",
    "Alert",
    "AlertNotification",
    "AlertRule",
    "AlertSighting",
    "ApiKey",
    "Attempt",
    "Audit",
    "Base",
    "Batch",
    "Benchmark",
    "BenchmarkCell",
    "Counter",
    "Device",
    "DurationBucket",
    "EndedTasks",
    "Event",
    "Host",
    "Json",
    "Measurement",
    "MemoryNeed",
    "Model",
    "ModelStreak",
    "Outgoing",
    "Reading",
    "Structure",
    "StructureSetMember",
    "Task",
    "TaskCount",
    "TaskKindCount",
    "TaskLog",
    "TaskResult",
    "Turn",
    "UtcDateTime",
    "WebhookDelivery",
    "Worker",
    "utcnow",
]
