"""What Alembic runs to migrate: on the connection, and in the transaction, that `upgrade.py` gives it."""

from __future__ import annotations

import logging

from alembic import context

from clew.state.tables import METADATA

# It reports each step at INFO; an operator needs to hear only of what goes wrong.
logging.getLogger("alembic").setLevel(logging.WARNING)

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    # SQLite alters little: a batch copies the table.
    render_as_batch=True,
    # Alembic holds SQLite's DDL for untransactional, which is true of Python's driver only as it comes.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
