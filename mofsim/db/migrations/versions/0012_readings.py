"""What boxes and GPUs showed of late, who computes on a GPU, and how many tasks ended when."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("devices", sa.Column("processes", sa.JSON(none_as_null=True), nullable=True))
    op.create_table(
        "hosts",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("cores", sa.Integer(), nullable=False),
        sa.Column("load_1min", sa.Double(), nullable=True),
        sa.Column("busy_percent", sa.Double(), nullable=True),
        sa.Column("memory_total_MB", sa.Double(), nullable=True),
        sa.Column("memory_used_MB", sa.Double(), nullable=True),
        sa.Column("seen_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_hosts")),
    )
    op.create_table(
        "readings",
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("read_at", TIME, nullable=False),
        sa.Column("memory_used_MB", sa.Double(), nullable=True),
        sa.Column("utilisation_percent", sa.Double(), nullable=True),
        sa.Column("temperature_C", sa.Double(), nullable=True),
        sa.Column("power_W", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("subject", "read_at", name=op.f("pk_readings")),
    )
    op.create_table(
        "ended_tasks",
        sa.Column("begin", TIME, nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("begin", "status", name=op.f("pk_ended_tasks")),
    )
