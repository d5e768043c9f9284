"""Alembic's entry: it runs on the connection that the control store hands it, inside that one transaction."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], target_metadata=None, render_as_batch=True)
context.run_migrations()
