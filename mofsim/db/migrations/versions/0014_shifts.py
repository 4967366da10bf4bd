"""Workers that are there for a while only say when they end."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workers", sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True))
