"""Tasks, and what becomes of them."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from mofsim.db.tables.base import Base, Json, utcnow
from mofsim.db.tables.structures import Structure


class Batch(Base):
    __tablename__ = "batches"
    __table_args__ = (
        # No constraint: SQLite can not add one to a table that is there.
        Index("uq_batches_idempotency_key", "idempotency_key", unique=True),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(default="")
    n_tasks: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    idempotency_key: Mapped[str | None]
    #: of what was asked with that key
    request_hash: Mapped[str | None]


class Task(Base):
    """One simulation. Only `mofsim.core.lifecycle` writes `status`."""

    __tablename__ = "tasks"
    __table_args__ = (
        # The claim reads this index from its front; finished tasks are not in it.
        Index("ix_tasks_waiting", "priority", "queued_at", "id", sqlite_where=text("status = 'QUEUED'"),
              postgresql_where=text("status = 'QUEUED'")),
        Index("ix_tasks_awaiting", "parent_id", sqlite_where=text("awaits_parent = 1"),
              postgresql_where=text("awaits_parent")),
        # A list is read from one of these, newest first, whatever it is filtered by (core.pages).
        Index("ix_tasks_status_id", "status", "id"),
        Index("ix_tasks_model_name_id", "model_name", "id"),
        Index("ix_tasks_task_type_id", "task_type", "id"),
        Index("ix_tasks_priority_id", "priority", "id"),
        Index("ix_tasks_status_model_name_id", "status", "model_name", "id"),
        Index("ix_tasks_status_task_type_id", "status", "task_type", "id"),
        Index("ix_tasks_model_name_task_type_id", "model_name", "task_type", "id"),
        Index("ix_tasks_batch_id_id", "batch_id", "id"),
        # Half of all tasks may be of one structure: what it is filtered by is in the index, in the order of ids.
        Index("ix_tasks_structure_id_id", "structure_id", "id", "status", "model_name", "task_type", "priority"),
        {"sqlite_autoincrement": True},
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    task_type: Mapped[str]
    status: Mapped[str]
    priority: Mapped[int]
    model_name: Mapped[str]
    structure_id: Mapped[int] = mapped_column(ForeignKey("structures.id"))
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("batches.id"))
    preset: Mapped[str]
    #: every parameter of the simulation, resolved
    parameters: Mapped[Json]
    options: Mapped[Json] = mapped_column(default=dict)
    gpu_id: Mapped[str | None]
    worker_id: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow, index=True)
    not_before: Mapped[datetime | None]
    queued_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    callback_url: Mapped[str | None] = mapped_column(Text)
    callback_events: Mapped[list[str] | None]
    callback_secret: Mapped[str | None] = mapped_column(Text)
    error_type: Mapped[str | None]
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
    stop_requested: Mapped[str | None]
    #: see schemas.tasks.Progress
    progress: Mapped[Json] = mapped_column(default=dict)
    idempotency_key: Mapped[str | None] = mapped_column(unique=True)
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
    worker_id: Mapped[str]
    gpu_id: Mapped[str | None]
    assigned_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    reason: Mapped[str | None] = mapped_column(Text)
    #: the last step that it came to
    steps: Mapped[int] = mapped_column(default=0)
    #: the step of the checkpoint it went on from
    resumed_from_step: Mapped[int | None]


class TaskLog(Base):
    __tablename__ = "task_logs"
    __table_args__ = (Index("ix_task_logs_task_id_id", "task_id", "id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id", ondelete="CASCADE"))
    attempt: Mapped[int]
    time: Mapped[datetime] = mapped_column(default=utcnow)
    level: Mapped[str]
    logger: Mapped[str]
    message: Mapped[str] = mapped_column(Text)
    extra: Mapped[Json | None]


class TaskCount(Base):
    """How many tasks have a status; kept with each transition, because count(*) is slow at a million rows."""

    __tablename__ = "task_counts"

    status: Mapped[str] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(default=0)


class TaskKindCount(Base):
    """How many tasks are of a kind; only kinds that there are have a row.

    Triggers of the database keep it (migration 0010): it is right whoever writes a task, by whatever statement.
    """

    __tablename__ = "task_kind_counts"

    status: Mapped[str] = mapped_column(primary_key=True)
    task_type: Mapped[str] = mapped_column(primary_key=True)
    model_name: Mapped[str] = mapped_column(primary_key=True)
    priority: Mapped[int] = mapped_column(primary_key=True)
    n: Mapped[int]


class Event(Base):
    """Append-only; the SSE stream is read from here."""

    __tablename__ = "events"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012

    id: Mapped[int] = mapped_column(primary_key=True)
    time: Mapped[datetime] = mapped_column(default=utcnow, index=True)
    type: Mapped[str]
    task_id: Mapped[int | None] = mapped_column(index=True)
    data: Mapped[Json]
