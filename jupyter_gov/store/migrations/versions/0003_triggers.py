"""Triggers of flows, and what they have still to look at."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_WATCHING = sa.text("watches IS NOT NULL")


def upgrade() -> None:
    """Add two tables."""
    op.create_table(
        "gov_triggers",
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("flow_id", sa.Text(), nullable=False),
        sa.Column("trigger_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("run_as", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("off", sa.Integer(), nullable=False),
        sa.Column("disabled", sa.Integer(), nullable=False),
        sa.Column("concurrent", sa.Integer(), nullable=False),
        sa.Column("watches", sa.Text(), nullable=True),
        sa.Column("stops", sa.Text(), nullable=False),
        sa.Column("next_us", sa.BigInteger(), nullable=True),
        sa.Column("last_us", sa.BigInteger(), nullable=True),
        sa.Column("running", sa.Text(), nullable=True),
        sa.Column("windows", sa.Text(), nullable=False),
        sa.Column("backfill", sa.Text(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("namespace", "flow_id", "trigger_id", name="pk_gov_triggers"),
    )
    op.create_index("ix_gov_triggers_due", "gov_triggers", ["run_as", "next_us"], unique=False)
    op.create_index(
        "ix_gov_triggers_watching",
        "gov_triggers",
        ["namespace"],
        unique=False,
        sqlite_where=_WATCHING,
        postgresql_where=_WATCHING,
    )
    op.create_table(
        "gov_trigger_events",
        sa.Column("id", _ID, nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("flow_id", sa.Text(), nullable=False),
        sa.Column("trigger_id", sa.Text(), nullable=False),
        sa.Column("execution_id", sa.Text(), nullable=False),
        sa.Column("moment", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["execution_id"], ["gov_executions.id"], name="fk_gov_trigger_events_execution_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_gov_trigger_events"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_gov_trigger_events_trigger",
        "gov_trigger_events",
        ["namespace", "flow_id", "trigger_id", "id"],
        unique=False,
    )
    op.create_index("ix_gov_trigger_events_execution_id", "gov_trigger_events", ["execution_id"], unique=False)


def downgrade() -> None:
    """Refuse: history is not thrown away by a command."""
    raise NotImplementedError
