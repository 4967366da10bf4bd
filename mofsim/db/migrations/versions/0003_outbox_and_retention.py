"""Leases and outcomes of webhook deliveries; what retention did to the files of a result."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.add_column("webhook_deliveries", sa.Column("last_attempt_at", time, nullable=True))
    op.add_column("webhook_deliveries", sa.Column("response_status", sa.Integer(), nullable=True))
    op.add_column("webhook_deliveries", sa.Column("lease_until", time, nullable=True))
    op.add_column("webhook_deliveries", sa.Column("lease_token", sa.String(length=32), nullable=True))
    op.add_column("task_results", sa.Column("compressed_at", time, nullable=True))
    op.add_column("task_results", sa.Column("files_removed_at", time, nullable=True))
    _index("ix_task_results_uncompressed", "compressed_at IS NULL")
    _index("ix_task_results_with_files", "files_removed_at IS NULL")


def _index(name: str, condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, "task_results", ["created_at"], sqlite_where=where, postgresql_where=where)
