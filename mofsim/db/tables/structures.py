"""Structures, and named sets of them."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from mofsim.db.tables.base import Base, utcnow


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
    name: Mapped[str] = mapped_column(index=True)
    original_name: Mapped[str]
    file_path: Mapped[str]
    #: the extXYZ that executors read
    normalised_path: Mapped[str]
    file_size: Mapped[int]
    format: Mapped[str]
    checksum: Mapped[str] = mapped_column(index=True)
    n_atoms: Mapped[int]
    formula: Mapped[str]
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

    name: Mapped[str] = mapped_column(primary_key=True)
    structure_id: Mapped[int] = mapped_column(ForeignKey("structures.id"), primary_key=True, index=True)
