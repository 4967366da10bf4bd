"""The tables. Status columns hold the words of `mofsim.vocabulary`; times are UTC."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, ForeignKey, Index, Integer, MetaData, String, Text, text
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator

from mofsim.vocabulary import DeliveryState

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

Json = dict[str, Any]


def utcnow() -> datetime:
    return datetime.now(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time. SQLite keeps no time zone, so it is put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {datetime: UtcDateTime, Json: JSON, list[str]: JSON}  # noqa: RUF012


# SQLite fills only an INTEGER primary key by itself; PostgreSQL wants 64 bits.
BigId = BigInteger().with_variant(Integer, "sqlite")


class Structure(Base):
    """A structure that was checked and normalised; `file_path` is relative to the structures folder."""

    __tablename__ = "structures"
    __table_args__ = (
        Index("uq_structures_builtin_name", "name", unique=True, sqlite_where=text("is_builtin"),
              postgresql_where=text("is_builtin")),
        Index("uq_structures_origin_task_id", "origin_task_id", unique=True),
        {"sqlite_autoincrement": True},
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200), index=True)
    original_name: Mapped[str] = mapped_column(String(255))
    file_path: Mapped[str] = mapped_column(String(255))
    #: the extXYZ that executors read
    normalised_path: Mapped[str] = mapped_column(String(255))
    file_size: Mapped[int]
    format: Mapped[str] = mapped_column(String(16))
    checksum: Mapped[str] = mapped_column(String(64), index=True)
    n_atoms: Mapped[int]
    formula: Mapped[str] = mapped_column(String(200))
    elements: Mapped[list[str]]
    volume_A3: Mapped[float]
    is_builtin: Mapped[bool] = mapped_column(default=False)
    #: the task that made it, where it is the optimized structure of one
    origin_task_id: Mapped[int | None]
    description: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class StructureSetMember(Base):
    """A structure of a named set; a set is there as long as it has one."""

    __tablename__ = "structure_sets"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    structure_id: Mapped[int] = mapped_column(ForeignKey("structures.id"), primary_key=True, index=True)


class Model(Base):
    """A potential: from the settings, or uploaded (`is_custom`)."""

    __tablename__ = "models"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    framework: Mapped[str] = mapped_column(String(40))
    file_path: Mapped[str] = mapped_column(String(500))
    is_custom: Mapped[bool] = mapped_column(default=False)
    is_validated: Mapped[bool] = mapped_column(default=False)
    is_available: Mapped[bool] = mapped_column(default=True)
    #: elements, d3, dtype, python, options, licence
    config: Mapped[Json] = mapped_column(default=dict)
    description: Mapped[str] = mapped_column(Text, default="")
    #: what an executor told that loaded it: weights_sha256, elements, versions …
    facts: Mapped[Json] = mapped_column(default=dict)
    #: the checks of an uploaded model and how they ended; null before they were made
    validation: Mapped[Json | None]
    #: when it was uploaded; null for one from the settings
    created_at: Mapped[datetime | None]


class Batch(Base):
    __tablename__ = "batches"
    __table_args__ = (
        # No constraint: SQLite can not add one to a table that is there.
        Index("uq_batches_idempotency_key", "idempotency_key", unique=True),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200), default="")
    n_tasks: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    idempotency_key: Mapped[str | None] = mapped_column(String(200))
    #: of what was asked with that key
    request_hash: Mapped[str | None] = mapped_column(String(64))


class Task(Base):
    """One simulation. Only `mofsim.core.lifecycle` writes `status`."""

    __tablename__ = "tasks"
    __table_args__ = (
        # The claim reads this index from its front; finished tasks are not in it.
        Index("ix_tasks_waiting", "priority", "queued_at", "id", sqlite_where=text("status = 'QUEUED'"),
              postgresql_where=text("status = 'QUEUED'")),
        Index("ix_tasks_status_id", "status", "id"),
        Index("ix_tasks_model_name_id", "model_name", "id"),
        Index("ix_tasks_structure_id_id", "structure_id", "id"),
        Index("ix_tasks_batch_id_id", "batch_id", "id"),
        {"sqlite_autoincrement": True},
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    task_type: Mapped[str] = mapped_column(String(40))
    status: Mapped[str] = mapped_column(String(16))
    priority: Mapped[int]
    model_name: Mapped[str] = mapped_column(String(100))
    structure_id: Mapped[int] = mapped_column(ForeignKey("structures.id"))
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("batches.id"))
    preset: Mapped[str] = mapped_column(String(40))
    #: every parameter of the simulation, resolved
    parameters: Mapped[Json]
    options: Mapped[Json] = mapped_column(default=dict)
    gpu_id: Mapped[str | None] = mapped_column(String(80))
    worker_id: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    not_before: Mapped[datetime | None]
    queued_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    callback_url: Mapped[str | None] = mapped_column(Text)
    callback_events: Mapped[list[str] | None]
    callback_secret: Mapped[str | None] = mapped_column(Text)
    error_type: Mapped[str | None] = mapped_column(String(100))
    error_message: Mapped[str | None] = mapped_column(Text)

    attempt: Mapped[int] = mapped_column(default=0)
    #: attempts that were lost to infrastructure since the task was submitted or retried
    faults: Mapped[int] = mapped_column(default=0)
    max_attempts: Mapped[int] = mapped_column(default=3)
    timeout_seconds: Mapped[float]
    lease_until: Mapped[datetime | None] = mapped_column(index=True)
    #: queued, but not to be taken before then: the back-off after a fault
    retry_at: Mapped[datetime | None]
    #: waits until a person releases it
    held: Mapped[bool] = mapped_column(default=False)
    #: the task whose optimized structure this one takes …
    parent_id: Mapped[int | None] = mapped_column(index=True)
    #: … and has not got yet
    awaits_parent: Mapped[bool] = mapped_column(default=False)
    #: the next attempt begins anew, whatever checkpoint there is
    clean_start: Mapped[bool] = mapped_column(default=False)
    cancelled_at: Mapped[datetime | None]
    stop_requested: Mapped[str | None] = mapped_column(String(16))
    #: see schemas.tasks.Progress
    progress: Mapped[Json] = mapped_column(default=dict)
    idempotency_key: Mapped[str | None] = mapped_column(String(200), unique=True)
    #: the task whose result it was given instead of being computed
    reused_from: Mapped[int | None]

    structure: Mapped[Structure] = relationship(lazy="joined", innerjoin=True)


class TaskResult(Base):
    """The one published result of a task, whatever ended it."""

    __tablename__ = "task_results"
    __table_args__ = (
        # What retention has yet to do; what it has done is not in them.
        Index("ix_task_results_uncompressed", "created_at", sqlite_where=text("compressed_at IS NULL"),
              postgresql_where=text("compressed_at IS NULL")),
        Index("ix_task_results_with_files", "created_at", sqlite_where=text("files_removed_at IS NULL"),
              postgresql_where=text("files_removed_at IS NULL")),
    )  # fmt: skip

    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id", ondelete="CASCADE"), primary_key=True)
    attempt: Mapped[int]
    result_data: Mapped[Json]
    #: name → size in bytes, in results/<task>/<attempt>/
    output_files: Mapped[Json]
    metrics: Mapped[Json]
    provenance: Mapped[Json]
    duration_seconds: Mapped[float]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    #: since then the names in `output_files` end in .gz
    compressed_at: Mapped[datetime | None]
    #: since then there are no files any more, by the age that the settings give them
    files_removed_at: Mapped[datetime | None]


class Attempt(Base):
    """One try of a task: where it ran and how it ended."""

    __tablename__ = "attempts"

    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id", ondelete="CASCADE"), primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    worker_id: Mapped[str] = mapped_column(String(200))
    gpu_id: Mapped[str | None] = mapped_column(String(80))
    assigned_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(Text)
    #: the last step that it came to
    steps: Mapped[int] = mapped_column(default=0)
    #: the step of the checkpoint it went on from
    resumed_from_step: Mapped[int | None]


class TaskLog(Base):
    __tablename__ = "task_logs"
    __table_args__ = (Index("ix_task_logs_task_id_id", "task_id", "id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id", ondelete="CASCADE"))
    attempt: Mapped[int]
    time: Mapped[datetime] = mapped_column(default=utcnow)
    level: Mapped[str] = mapped_column(String(10))
    logger: Mapped[str] = mapped_column(String(100))
    message: Mapped[str] = mapped_column(Text)
    extra: Mapped[Json | None]


class TaskCount(Base):
    """How many tasks have a status; kept with each transition, because count(*) is slow at a million rows."""

    __tablename__ = "task_counts"

    status: Mapped[str] = mapped_column(String(16), primary_key=True)
    n: Mapped[int] = mapped_column(default=0)


class Event(Base):
    """Append-only; the SSE stream is read from here."""

    __tablename__ = "events"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    time: Mapped[datetime] = mapped_column(default=utcnow, index=True)
    type: Mapped[str] = mapped_column(String(40))
    task_id: Mapped[int | None] = mapped_column(index=True)
    data: Mapped[Json]


class Worker(Base):
    """A slot of a box: one device worker at a time holds it."""

    __tablename__ = "workers"

    id: Mapped[str] = mapped_column(String(200), primary_key=True)
    host: Mapped[str] = mapped_column(String(120))
    slot: Mapped[str] = mapped_column(String(40))
    pid: Mapped[int]
    #: differs with each start of the process, so that a dead one's tasks can be told apart
    incarnation: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(16))
    gpu_id: Mapped[str | None] = mapped_column(String(80))
    task_id: Mapped[int | None]
    loaded_models: Mapped[list[str]] = mapped_column(default=list)
    started_at: Mapped[datetime] = mapped_column(default=utcnow)
    heartbeat_at: Mapped[datetime] = mapped_column(default=utcnow)
    #: what a task can have of it; null where it is not known
    memory_MB: Mapped[float | None]
    #: model → "load" or "unload": what people asked for and it has not done yet
    model_wishes: Mapped[Json] = mapped_column(default=dict)
    #: a person wants it to take no more tasks, also after a restart
    drain: Mapped[bool] = mapped_column(default=False)
    #: why it does not take work, in words for a person
    note: Mapped[str] = mapped_column(Text, default="")


class Device(Base):
    """A GPU as NVML saw it last; a field that the driver refused is null ("not known"), never 0."""

    __tablename__ = "devices"

    #: NVML's UUID, e.g. GPU-…
    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    host: Mapped[str] = mapped_column(String(120))
    gpu_index: Mapped[int]
    name: Mapped[str | None] = mapped_column(String(120))
    memory_total_MB: Mapped[float | None]
    memory_used_MB: Mapped[float | None]
    utilisation_percent: Mapped[float | None]
    temperature_C: Mapped[float | None]
    power_W: Mapped[float | None]
    power_limit_W: Mapped[float | None]
    #: null when healthy; else what NVML said (GPU is lost, reset required …)
    fault: Mapped[str | None] = mapped_column(Text)
    #: errors of its memory that could not be corrected, since the driver was loaded
    ecc_errors: Mapped[int | None]
    #: the newest error (XID) that the driver told of it, and when
    xid: Mapped[int | None]
    xid_at: Mapped[datetime | None]
    seen_at: Mapped[datetime] = mapped_column(default=utcnow)


class MemoryNeed(Base):
    """What is known of the memory that a model takes for so many atoms."""

    __tablename__ = "memory_needs"

    #: "cuda" or "cpu"
    device: Mapped[str] = mapped_column(String(16), primary_key=True)
    model_name: Mapped[str] = mapped_column(String(100), primary_key=True)
    n_atoms: Mapped[int] = mapped_column(primary_key=True)
    #: the most that a task took that came to its end
    peak_MB: Mapped[float | None]
    #: the largest memory that was too little
    too_little_MB: Mapped[float | None]
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)


class AlertRule(Base):
    """What raises alerts, and whom they are told; the built-in ones can be changed, and reset."""

    __tablename__ = "alert_rules"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    kind: Mapped[str] = mapped_column(String(40))
    #: threshold, for_seconds, steps …: what its kind knows
    condition: Mapped[Json]
    level: Mapped[str] = mapped_column(String(10))
    #: the level that an alert rises to that nobody acknowledged for so long; both or none
    escalate_to: Mapped[str | None] = mapped_column(String(10))
    escalate_after_seconds: Mapped[float | None]
    #: an alert that comes back within this time is not told again
    cooldown_seconds: Mapped[float] = mapped_column(default=300.0)
    #: names of the channels that are told; null: all
    channels: Mapped[list[str] | None]
    enabled: Mapped[bool] = mapped_column(default=True)
    is_builtin: Mapped[bool] = mapped_column(default=False)
    silenced_until: Mapped[datetime | None]
    silenced_by: Mapped[str | None] = mapped_column(String(100))
    silenced_note: Mapped[str | None] = mapped_column(String(500))


class AlertSighting(Base):
    """A subject of a rule that is bad now: since when, and whether a person does not want to hear of it."""

    __tablename__ = "alert_sightings"

    rule_id: Mapped[int] = mapped_column(ForeignKey("alert_rules.id", ondelete="CASCADE"), primary_key=True)
    subject: Mapped[str] = mapped_column(String(200), primary_key=True)
    since: Mapped[datetime]
    #: somebody resolved its alert by hand: until it was well once, there is no other one
    dismissed_at: Mapped[datetime | None]


class Alert(Base):
    __tablename__ = "alerts"
    __table_args__ = (
        # When the one before was told, for the cooldown.
        Index("ix_alerts_alert_type_subject_id", "alert_type", "subject", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    #: null for those that no rule raised but the code that met the trouble
    rule_id: Mapped[int | None] = mapped_column(ForeignKey("alert_rules.id", ondelete="SET NULL"))
    level: Mapped[str] = mapped_column(String(10))
    alert_type: Mapped[str] = mapped_column(String(60))
    #: what it is about: the id of a worker, a device …
    subject: Mapped[str] = mapped_column(String(200), default="")
    message: Mapped[str] = mapped_column(Text)
    details: Mapped[Json] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    #: when message and details were written
    updated_at: Mapped[datetime | None]
    escalated_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    #: the name of the key that did it; the note has its own words
    acknowledged_by: Mapped[str | None] = mapped_column(String(100))
    acknowledged_note: Mapped[str | None] = mapped_column(String(500))
    #: until then no channel is told of it
    silenced_until: Mapped[datetime | None]
    silenced_by: Mapped[str | None] = mapped_column(String(100))
    silenced_note: Mapped[str | None] = mapped_column(String(500))
    #: when the channels were told of it, or will be next; null: not yet
    told_at: Mapped[datetime | None]
    resolved: Mapped[bool] = mapped_column(default=False, index=True)
    resolved_at: Mapped[datetime | None]
    #: who resolved it; null when its cause went away
    resolved_by: Mapped[str | None] = mapped_column(String(100))
    resolved_note: Mapped[str | None] = mapped_column(String(500))


class Outgoing:
    """The columns of what is sent at least once: tries, answers, and who is sending it."""

    #: tries that were begun
    attempts: Mapped[int] = mapped_column(default=0)
    #: null once it was delivered or given up
    next_attempt_at: Mapped[datetime | None] = mapped_column(index=True)
    delivered_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    last_attempt_at: Mapped[datetime | None]
    #: HTTP status of the last answer; null when there was none
    response_status: Mapped[int | None]
    #: while it lasts, the process that drew the token sends it, and nobody else
    lease_until: Mapped[datetime | None]
    lease_token: Mapped[str | None] = mapped_column(String(32))

    @property
    def state(self) -> DeliveryState:
        if self.next_attempt_at is not None:
            return DeliveryState.PENDING
        return DeliveryState.DELIVERED if self.delivered_at else DeliveryState.GIVEN_UP


class WebhookDelivery(Outgoing, Base):
    """An event on its way to the receiver of a task."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id", ondelete="CASCADE"), index=True)
    event: Mapped[str] = mapped_column(String(40))
    payload: Mapped[Json]


class AlertNotification(Outgoing, Base):
    """What became of an alert, on its way to a channel."""

    __tablename__ = "alert_notifications"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012

    id: Mapped[int] = mapped_column(primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alerts.id", ondelete="CASCADE"), index=True)
    #: its name in the settings; null until it was looked up there whom to tell
    channel: Mapped[str | None] = mapped_column(String(100))
    event: Mapped[str] = mapped_column(String(40))
    payload: Mapped[Json]


class ModelStreak(Base):
    """How many tasks of a model failed since one of them was completed."""

    __tablename__ = "model_streaks"

    model_name: Mapped[str] = mapped_column(String(100), primary_key=True)
    failures: Mapped[int]
    last_task_id: Mapped[int]
    last_error: Mapped[str | None] = mapped_column(String(100))


class Measurement(Base):
    """What a process measured of itself, for rules that are looked at elsewhere; it is gone with the process."""

    __tablename__ = "measurements"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    #: who measured it
    subject: Mapped[str] = mapped_column(String(200), primary_key=True)
    value: Mapped[float]
    measured_at: Mapped[datetime]


class Counter(Base):
    """A number that only grows, kept in the transaction that makes it grow."""

    __tablename__ = "counters"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    label: Mapped[str] = mapped_column(String(100), primary_key=True)
    n: Mapped[int] = mapped_column(BigInteger)


class DurationBucket(Base):
    """How many attempts took at most `at_most_seconds`, as a histogram of Prometheus counts them."""

    __tablename__ = "duration_buckets"

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    task_type: Mapped[str] = mapped_column(String(40), primary_key=True)
    model_name: Mapped[str] = mapped_column(String(100), primary_key=True)
    #: infinite for all
    at_most_seconds: Mapped[float] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(BigInteger)
    #: what those of this bucket took together
    seconds: Mapped[float]


class ApiKey(Base):
    """Who may use the server; see mofsim.core.keys."""

    __tablename__ = "api_keys"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    #: SHA-256 of the secret part; the secret itself is kept nowhere
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class Audit(Base):
    """A request that was to change something, by whom it was, and what became of it."""

    __tablename__ = "audit"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    time: Mapped[datetime] = mapped_column(default=utcnow, index=True)
    #: null where the server asks nobody for a key
    key_id: Mapped[int | None] = mapped_column(index=True)
    #: what the key was called then
    key_name: Mapped[str] = mapped_column(String(100))
    address: Mapped[str] = mapped_column(String(100))
    method: Mapped[str] = mapped_column(String(10))
    #: the template of the path
    route: Mapped[str] = mapped_column(String(200))
    #: what it was about, as a path below /api/v1, e.g. tasks/7
    subject: Mapped[str] = mapped_column(String(300))
    status: Mapped[int]
    request_id: Mapped[str] = mapped_column(String(100))
