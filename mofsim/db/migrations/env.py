"""Alembic's entry point; `mofsim.db.migrate` hands in an open connection."""

from alembic import context

from mofsim.db.tables import Base

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
context.run_migrations()
