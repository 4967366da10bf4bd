"""Who silenced alerts and rules, and what people say when they look after an alert."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("alerts", "alert_rules"):
        op.add_column(table, sa.Column("silenced_by", sa.String(length=100), nullable=True))
        op.add_column(table, sa.Column("silenced_note", sa.String(length=500), nullable=True))
    for name in ("acknowledged_note", "resolved_note"):
        op.add_column("alerts", sa.Column(name, sa.String(length=500), nullable=True))
