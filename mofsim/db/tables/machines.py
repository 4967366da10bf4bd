"""Workers, the boxes and GPUs that they are on, and what these showed of late."""

from datetime import datetime

from sqlalchemy import JSON, Text
from sqlalchemy.orm import Mapped, mapped_column

from mofsim.db.tables.base import Base, Json, utcnow


class Worker(Base):
    """A slot of a box: one device worker at a time holds it."""

    __tablename__ = "workers"

    id: Mapped[str] = mapped_column(primary_key=True)
    host: Mapped[str]
    slot: Mapped[str]
    pid: Mapped[int]
    #: differs with each start of the process, so that a dead one's tasks can be told apart
    incarnation: Mapped[str]
    state: Mapped[str]
    gpu_id: Mapped[str | None]
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
    #: it stops by itself then; null: it is there for good
    ends_at: Mapped[datetime | None]
    #: why it does not take work, in words for a person
    note: Mapped[str] = mapped_column(Text, default="")


class Device(Base):
    """A GPU as NVML saw it last; a field that the driver refused is null ("not known"), never 0."""

    __tablename__ = "devices"

    #: NVML's UUID, e.g. GPU-…
    id: Mapped[str] = mapped_column(primary_key=True)
    host: Mapped[str]
    gpu_index: Mapped[int]
    name: Mapped[str | None]
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
    #: who computes on it, see schemas.machines.GpuProcess; null where the driver does not tell
    processes: Mapped[list[Json] | None] = mapped_column(JSON(none_as_null=True))
    seen_at: Mapped[datetime] = mapped_column(default=utcnow)


class Host(Base):
    """A box as its chores saw it last; what its system does not tell is null."""

    __tablename__ = "hosts"

    name: Mapped[str] = mapped_column(primary_key=True)
    #: that processes may use there
    cores: Mapped[int]
    #: processes that run or want to, over the last minute
    load_1min: Mapped[float | None]
    #: of the time of all cores, since the reading before
    busy_percent: Mapped[float | None]
    memory_total_MB: Mapped[float | None]
    memory_used_MB: Mapped[float | None]
    seen_at: Mapped[datetime] = mapped_column(default=utcnow)


class Turn(Base):
    """Which box does chores that are nobody's own, and until when; see core.turns."""

    __tablename__ = "turns"

    chores: Mapped[str] = mapped_column(primary_key=True)
    box: Mapped[str]
    until: Mapped[datetime]


class Reading(Base):
    """What a GPU or a box showed at one moment; kept for some hours."""

    __tablename__ = "readings"

    #: NVML's UUID of a GPU, or the name of a box
    subject: Mapped[str] = mapped_column(primary_key=True)
    read_at: Mapped[datetime] = mapped_column(primary_key=True)
    memory_used_MB: Mapped[float | None]
    utilisation_percent: Mapped[float | None]
    temperature_C: Mapped[float | None]
    power_W: Mapped[float | None]
