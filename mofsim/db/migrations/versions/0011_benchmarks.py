"""Benchmarks, and what each model has to compute for them."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "benchmarks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("set_name", sa.String(length=100), nullable=False),
        sa.Column("preset", sa.String(length=40), nullable=False),
        sa.Column("definition", sa.JSON(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("own_references", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resumed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_benchmarks")),
        sqlite_autoincrement=True,
    )
    op.create_index("uq_benchmarks_fingerprint", "benchmarks", ["fingerprint"], unique=True)
    op.create_table(
        "benchmark_cells",
        sa.Column("benchmark_id", sa.Integer(), nullable=False),
        sa.Column("model_name", sa.String(length=100), nullable=False),
        sa.Column("task_type", sa.String(length=40), nullable=False),
        sa.Column("guest", sa.String(length=100), nullable=False),
        sa.Column("structure_id", sa.Integer(), nullable=False),
        sa.Column("task_id", sa.Integer(), nullable=True),
        sa.Column("not_covered", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["benchmark_id"],
            ["benchmarks.id"],
            name=op.f("fk_benchmark_cells_benchmark_id_benchmarks"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["structure_id"], ["structures.id"], name=op.f("fk_benchmark_cells_structure_id_structures")
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], ["tasks.id"], name=op.f("fk_benchmark_cells_task_id_tasks"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint(
            "benchmark_id", "model_name", "task_type", "guest", "structure_id", name=op.f("pk_benchmark_cells")
        ),
    )
    op.create_index(op.f("ix_benchmark_cells_structure_id"), "benchmark_cells", ["structure_id"])
    op.create_index(op.f("ix_benchmark_cells_task_id"), "benchmark_cells", ["task_id"])
