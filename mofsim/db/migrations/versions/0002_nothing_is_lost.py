"""Holding, waiting for another task, taking a cancel back, going on from a checkpoint.

Columns are added in place. Rebuilding a table, as Alembic's batch mode does, would drop it and with foreign keys on
take every row that refers to it along.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("awaits_parent", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("clean_start", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
    ):
        op.add_column("tasks", column)
    op.create_index("ix_tasks_parent_id", "tasks", ["parent_id"])
    op.add_column("attempts", sa.Column("resumed_from_step", sa.Integer(), nullable=True))
    op.add_column("structures", sa.Column("origin_task_id", sa.Integer(), nullable=True))
    op.create_index("uq_structures_origin_task_id", "structures", ["origin_task_id"], unique=True)
