"""Benchmarks: models × structures × task types, each with the task that computes it."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from mofsim.db.tables.base import Base, Json, utcnow


class Benchmark(Base):
    """What is computed the same for every model; its structures and models are those of its cells."""

    __tablename__ = "benchmarks"
    __table_args__ = (
        Index("uq_benchmarks_fingerprint", "fingerprint", unique=True),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    set_name: Mapped[str]
    preset: Mapped[str]
    #: {task_types: [{task_type, parameters}], guests}, as they were asked for
    definition: Mapped[Json]
    #: of its name, structures, preset and resolved parameters: who asks for the same gets the same benchmark
    fingerprint: Mapped[str]
    #: of its tasks, see schemas.submission.TaskOptions
    options: Mapped[Json]
    #: {items}: what is laid over the references of the built-in structures
    own_references: Mapped[Json]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    #: when it was last given something to compute, from where on its pace is measured
    resumed_at: Mapped[datetime] = mapped_column(default=utcnow)


class BenchmarkCell(Base):
    """One model with one structure and task type, and for an interaction energy one guest."""

    __tablename__ = "benchmark_cells"

    benchmark_id: Mapped[int] = mapped_column(ForeignKey("benchmarks.id", ondelete="CASCADE"), primary_key=True)
    model_name: Mapped[str] = mapped_column(primary_key=True)
    task_type: Mapped[str] = mapped_column(primary_key=True)
    #: "" where there is none
    guest: Mapped[str] = mapped_column(primary_key=True)
    structure_id: Mapped[int] = mapped_column(ForeignKey("structures.id"), primary_key=True, index=True)
    #: None: there is nothing to compute, or somebody deleted it
    task_id: Mapped[int | None] = mapped_column(ForeignKey("tasks.id", ondelete="SET NULL"), index=True)
    #: why the model can not compute it
    not_covered: Mapped[str | None] = mapped_column(Text)
