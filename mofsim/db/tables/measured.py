"""Numbers that rules and Prometheus look at."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from mofsim.db.tables.base import Base


class Measurement(Base):
    """What a process measured of itself, for rules that are looked at elsewhere; it is gone with the process."""

    __tablename__ = "measurements"

    name: Mapped[str] = mapped_column(primary_key=True)
    #: who measured it
    subject: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[float]
    measured_at: Mapped[datetime]


class Counter(Base):
    """A number that only grows, kept in the transaction that makes it grow."""

    __tablename__ = "counters"

    name: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(BigInteger)


class EndedTasks(Base):
    """How many tasks ended in a stretch of time, by status; kept with each end, for some days."""

    __tablename__ = "ended_tasks"

    #: a whole number of stretches since 1970
    begin: Mapped[datetime] = mapped_column(primary_key=True)
    status: Mapped[str] = mapped_column(primary_key=True)
    n: Mapped[int]


class DurationBucket(Base):
    """How many attempts took at most `at_most_seconds`, as a histogram of Prometheus counts them."""

    __tablename__ = "duration_buckets"

    name: Mapped[str] = mapped_column(primary_key=True)
    task_type: Mapped[str] = mapped_column(primary_key=True)
    model_name: Mapped[str] = mapped_column(primary_key=True)
    #: infinite for all
    at_most_seconds: Mapped[float] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(BigInteger)
    #: what those of this bucket took together
    seconds: Mapped[float]
