"""Values and files of namespaces, and files that tasks deleted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add three tables."""
    op.create_table(
        "gov_kv",
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("updated_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("namespace", "key", name="pk_gov_kv"),
    )
    op.create_table(
        "gov_namespace_files",
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("updated_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("namespace", "path", name="pk_gov_namespace_files"),
    )
    op.create_table(
        "gov_deleted_files",
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("execution_id", sa.Text(), nullable=False),
        sa.Column("deleted_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["execution_id"], ["gov_executions.id"], name="fk_gov_deleted_files_execution_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("uri", name="pk_gov_deleted_files"),
    )
    op.create_index("ix_gov_deleted_files_execution_id", "gov_deleted_files", ["execution_id"], unique=False)


def downgrade() -> None:
    """Refuse: history is not thrown away by a command."""
    raise NotImplementedError
