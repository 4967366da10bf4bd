"""On PostgreSQL the server is told of new events and lines of logs; of SQLite's file it asks a counter."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# What clients follow. Once for each statement; several of one transaction are told once, at its commit.
FOLLOWED = ("events", "task_logs")


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute(
        "CREATE FUNCTION mofsim_changed() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_notify('mofsim_changed', ''); RETURN NULL; END $$"
    )
    for table in FOLLOWED:
        op.execute(
            f"CREATE TRIGGER {table}_changed AFTER INSERT ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION mofsim_changed()"
        )
