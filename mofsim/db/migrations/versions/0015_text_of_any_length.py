"""On PostgreSQL text has the length that it has, as on SQLite.

Where only one of both has a limit, what is fine in the tests of the other is an error of the server.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

LIMITED = """
    SELECT c.table_name, string_agg(format('ALTER COLUMN %I TYPE text', c.column_name), ', ')
    FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
    WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE' AND c.table_name = ANY(:tables)
      AND c.character_maximum_length IS NOT NULL
    GROUP BY c.table_name
"""
#: PostgreSQL changes no column that a trigger watches.
WATCHING = """
    SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'tasks'::regclass AND NOT tgisinternal
"""
TABLES = (
    "alert_notifications", "alert_rules", "alert_sightings", "alerts", "api_keys", "attempts", "audit", "batches",
    "benchmark_cells", "benchmarks", "counters", "devices", "duration_buckets", "ended_tasks", "events", "hosts",
    "measurements", "memory_needs", "model_streaks", "models", "readings", "structure_sets", "structures",
    "task_counts", "task_kind_counts", "task_logs", "task_results", "tasks", "webhook_deliveries", "workers",
)  # fmt: skip


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    triggers = connection.execute(sa.text(WATCHING)).all()
    for name, _ in triggers:
        op.execute(f'DROP TRIGGER "{name}" ON tasks')
    # Only the catalogue changes: no row is written, and no index made anew.
    for table, changes in connection.execute(sa.text(LIMITED), {"tables": list(TABLES)}).all():
        op.execute(f'ALTER TABLE "{table}" {changes}')
        # It forgets what it knew of the columns, and would choose wrong indexes until it looks by itself.
        op.execute(f'ANALYZE "{table}"')
    for _, definition in triggers:
        op.execute(definition)
