"""Potentials, and what was learnt of them."""

from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from mofsim.db.tables.base import Base, Json, utcnow


class Model(Base):
    """A potential: from the settings, or uploaded (`is_custom`)."""

    __tablename__ = "models"

    name: Mapped[str] = mapped_column(primary_key=True)
    framework: Mapped[str]
    file_path: Mapped[str]
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


class MemoryNeed(Base):
    """What is known of the memory that a model takes for so many atoms."""

    __tablename__ = "memory_needs"

    #: "cuda" or "cpu"
    device: Mapped[str] = mapped_column(primary_key=True)
    model_name: Mapped[str] = mapped_column(primary_key=True)
    n_atoms: Mapped[int] = mapped_column(primary_key=True)
    #: the most that a task took that came to its end
    peak_MB: Mapped[float | None]
    #: the largest memory that was too little
    too_little_MB: Mapped[float | None]
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)


class ModelStreak(Base):
    """How many tasks of a model failed since one of them was completed."""

    __tablename__ = "model_streaks"

    model_name: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int]
    last_task_id: Mapped[int]
    last_error: Mapped[str | None]
