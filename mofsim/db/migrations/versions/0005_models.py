"""What is known of a model besides its settings, its validation, and what people want loaded where."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("models", sa.Column("facts", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("models", sa.Column("validation", sa.JSON(), nullable=True))
    op.add_column("models", sa.Column("created_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("workers", sa.Column("model_wishes", sa.JSON(), nullable=False, server_default="{}"))
