"""Alert rules and what becomes of their alerts; counters and histograms that are kept with each transition."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _rules()
    _alerts()
    _notifications()
    _numbers()
    op.add_column("devices", sa.Column("ecc_errors", sa.Integer(), nullable=True))
    op.add_column("devices", sa.Column("xid", sa.Integer(), nullable=True))
    op.add_column("devices", sa.Column("xid_at", TIME, nullable=True))


def _rules() -> None:
    # Nothing wrote a rule before: the defaults are for SQLite, which wants them.
    op.add_column("alert_rules", sa.Column("kind", sa.String(length=40), nullable=False, server_default=""))
    op.add_column("alert_rules", sa.Column("escalate_to", sa.String(length=10), nullable=True))
    op.add_column("alert_rules", sa.Column("escalate_after_seconds", sa.Double(), nullable=True))
    op.add_column("alert_rules", sa.Column("cooldown_seconds", sa.Double(), nullable=False, server_default="300"))
    op.add_column("alert_rules", sa.Column("channels", sa.JSON(), nullable=True))
    op.add_column("alert_rules", sa.Column("is_builtin", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("alert_rules", sa.Column("silenced_until", TIME, nullable=True))
    op.create_table(
        "alert_sightings",
        sa.Column("rule_id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("dismissed_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["rule_id"],
            ["alert_rules.id"],
            name=op.f("fk_alert_sightings_rule_id_alert_rules"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("rule_id", "subject", name=op.f("pk_alert_sightings")),
    )


def _alerts() -> None:
    for name in ("updated_at", "escalated_at", "acknowledged_at", "silenced_until", "told_at"):
        op.add_column("alerts", sa.Column(name, TIME, nullable=True))
    for name in ("acknowledged_by", "resolved_by"):
        op.add_column("alerts", sa.Column(name, sa.String(length=100), nullable=True))
    op.create_index(op.f("ix_alerts_alert_type_subject_id"), "alerts", ["alert_type", "subject", "id"])


def _notifications() -> None:
    op.create_table(
        "alert_notifications",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("alert_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=100), nullable=True),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", TIME, nullable=True),
        sa.Column("delivered_at", TIME, nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("last_attempt_at", TIME, nullable=True),
        sa.Column("response_status", sa.Integer(), nullable=True),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("lease_token", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alerts.id"], name=op.f("fk_alert_notifications_alert_id_alerts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_notifications")),
        sqlite_autoincrement=True,
    )
    for column in ("alert_id", "next_attempt_at"):
        op.create_index(op.f(f"ix_alert_notifications_{column}"), "alert_notifications", [column])


def _numbers() -> None:
    op.create_table(
        "model_streaks",
        sa.Column("model_name", sa.String(length=100), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_task_id", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(length=100), nullable=True),
        sa.PrimaryKeyConstraint("model_name", name=op.f("pk_model_streaks")),
    )
    op.create_table(
        "measurements",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("measured_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", "subject", name=op.f("pk_measurements")),
    )
    op.create_table(
        "counters",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", "label", name=op.f("pk_counters")),
    )
    op.create_table(
        "duration_buckets",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("task_type", sa.String(length=40), nullable=False),
        sa.Column("model_name", sa.String(length=100), nullable=False),
        sa.Column("at_most_seconds", sa.Double(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", "task_type", "model_name", "at_most_seconds", name=op.f("pk_duration_buckets")),
    )
