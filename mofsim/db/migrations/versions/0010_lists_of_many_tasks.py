"""Indexes for each way in which a list of tasks is filtered, and counts of tasks by kind that triggers keep.

A later migration that makes the table of tasks anew (`batch_alter_table`) loses its triggers, and what SQLite was told
of its indexes: it must give both again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_tasks_created_at": ["created_at"],
    "ix_tasks_task_type_id": ["task_type", "id"],
    "ix_tasks_priority_id": ["priority", "id"],
    "ix_tasks_status_model_name_id": ["status", "model_name", "id"],
    "ix_tasks_status_task_type_id": ["status", "task_type", "id"],
    "ix_tasks_model_name_task_type_id": ["model_name", "task_type", "id"],
    "ix_tasks_structure_id_id": ["structure_id", "id", "status", "model_name", "task_type", "priority"],
}

#: What SQLite is told of the indexes: their rows, and how many have the same first column, first two columns …
#: Without it, it takes ten for one value of any column, and sorts all tasks of a status rather than walk along the
#: index that has them sorted. The true means would be no better: most of a million have completed, and ten run.
STATISTICS = {
    "ix_tasks_waiting": "10000 5000 2 1",
    "ix_tasks_status_id": "1000000 10000 1",
    "ix_tasks_model_name_id": "1000000 10000 1",
    "ix_tasks_task_type_id": "1000000 10000 1",
    "ix_tasks_priority_id": "1000000 10000 1",
    "ix_tasks_status_model_name_id": "1000000 10000 5000 1",
    "ix_tasks_status_task_type_id": "1000000 10000 5000 1",
    "ix_tasks_model_name_task_type_id": "1000000 10000 5000 1",
    "ix_tasks_structure_id_id": "1000000 1000 1 1 1 1 1",
    "ix_tasks_batch_id_id": "1000000 200 1",
    "ix_tasks_created_at": "1000000 1",
    "ix_tasks_parent_id": "1000000 2",
    "ix_tasks_awaiting": "1000 2",
    "ix_tasks_lease_until": "1000000 2",
}

KIND = ("status", "task_type", "model_name", "priority")
COLUMNS = ", ".join(KIND)
ONE_MORE = f"""
    INSERT INTO task_kind_counts ({COLUMNS}, n) VALUES ({", ".join(f"NEW.{name}" for name in KIND)}, 1)
    ON CONFLICT ({COLUMNS}) DO UPDATE SET n = task_kind_counts.n + 1;
"""
OF_OLD_KIND = " AND ".join(f"{name} = OLD.{name}" for name in KIND)
ONE_LESS = f"""
    UPDATE task_kind_counts SET n = n - 1 WHERE {OF_OLD_KIND};
    DELETE FROM task_kind_counts WHERE {OF_OLD_KIND} AND n = 0;
"""
CHANGED = " OR ".join(f"OLD.{name} <> NEW.{name}" for name in KIND)
#: when, and what happens to the counts then
TRIGGERS = {
    "tasks_counted_insert": ("AFTER INSERT ON tasks", "", ONE_MORE),
    "tasks_counted_delete": ("AFTER DELETE ON tasks", "", ONE_LESS),
    "tasks_counted_update": (f"AFTER UPDATE OF {COLUMNS} ON tasks", f"WHEN ({CHANGED})", ONE_LESS + ONE_MORE),
}


def upgrade() -> None:
    op.drop_index("ix_tasks_structure_id_id", "tasks")
    for name, columns in INDEXES.items():
        op.create_index(name, "tasks", columns)
    op.create_index("ix_tasks_awaiting", "tasks", ["parent_id"], sqlite_where=sa.text("awaits_parent = 1"),
                    postgresql_where=sa.text("awaits_parent"))  # fmt: skip
    op.create_table(
        "task_kind_counts",
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("task_type", sa.String(length=40), nullable=False),
        sa.Column("model_name", sa.String(length=100), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(*KIND, name=op.f("pk_task_kind_counts")),
    )
    op.execute(f"INSERT INTO task_kind_counts ({COLUMNS}, n) SELECT {COLUMNS}, count(*) FROM tasks GROUP BY {COLUMNS}")
    if op.get_bind().dialect.name == "sqlite":
        for name, (event, when, steps) in TRIGGERS.items():
            op.execute(f"CREATE TRIGGER {name} {event} {when} BEGIN {steps} END")
        _tell_sqlite()
    else:
        for name, (event, when, steps) in TRIGGERS.items():
            body = f"BEGIN {steps} RETURN NULL; END"
            op.execute(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$")
            op.execute(f"CREATE TRIGGER {name} {event} FOR EACH ROW {when} EXECUTE FUNCTION {name}()")


def _tell_sqlite() -> None:
    # Makes the table of statistics where there is none; it is read once more when somebody connects.
    op.execute("ANALYZE alembic_version")
    op.execute("DELETE FROM sqlite_stat1 WHERE tbl = 'tasks'")
    statistics = sa.table("sqlite_stat1", sa.column("tbl"), sa.column("idx"), sa.column("stat"))
    op.bulk_insert(statistics, [{"tbl": "tasks", "idx": name, "stat": stat} for name, stat in STATISTICS.items()])
