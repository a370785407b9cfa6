"""Alembic's entry: runs the revisions on the connection that ``migrations.run`` hands over."""

from __future__ import annotations

from alembic import context

from jupyter_gov.store.tables import VERSION_TABLE, Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    if connection.dialect.name == "postgresql":
        # Two hosts may start the upgrade at the same time.
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtextextended('jupyter_gov/schema', 0))")
    context.run_migrations()
