"""What models take of memory, workers that are drained, alerts about something, results used again."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "memory_needs",
        sa.Column("device", sa.String(length=16), nullable=False),
        sa.Column("model_name", sa.String(length=100), nullable=False),
        sa.Column("n_atoms", sa.Integer(), nullable=False),
        sa.Column("peak_MB", sa.Double(), nullable=True),
        sa.Column("too_little_MB", sa.Double(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("device", "model_name", "n_atoms", name=op.f("pk_memory_needs")),
    )
    op.add_column("workers", sa.Column("memory_MB", sa.Double(), nullable=True))
    op.add_column("workers", sa.Column("drain", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("alerts", sa.Column("subject", sa.String(length=200), nullable=False, server_default=""))
    op.add_column("tasks", sa.Column("reused_from", sa.Integer(), nullable=True))
    op.add_column("batches", sa.Column("idempotency_key", sa.String(length=200), nullable=True))
    op.add_column("batches", sa.Column("request_hash", sa.String(length=64), nullable=True))
    op.create_index("uq_batches_idempotency_key", "batches", ["idempotency_key"], unique=True)
