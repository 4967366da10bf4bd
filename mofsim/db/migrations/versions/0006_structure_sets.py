"""Named sets of structures."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "structure_sets",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("structure_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["structure_id"], ["structures.id"], name=op.f("fk_structure_sets_structure_id_structures")
        ),
        sa.PrimaryKeyConstraint("name", "structure_id", name=op.f("pk_structure_sets")),
    )
    op.create_index(op.f("ix_structure_sets_structure_id"), "structure_sets", ["structure_id"])
