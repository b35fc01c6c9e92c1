"""Bringing a state database to the schema of this version, by the migrations of `migrations/versions/`."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from clew.core.errors import SettingsError

MIGRATIONS = Path(__file__).parent / "migrations"


def migrations_config(connection: sa.Connection | None = None) -> Config:
    """Alembic's configuration, without a file: where the migrations are, and the connection they run on."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def upgrade(connection: sa.Connection) -> None:
    """Run what is missing, inside the transaction of `connection`: all of it or nothing.

    Raises `SettingsError` for a database whose revision this version does not know.
    """
    config = migrations_config(connection)
    script = ScriptDirectory.from_config(config)
    found = MigrationContext.configure(connection).get_current_revision()
    known = {revision.revision for revision in script.walk_revisions()}
    if found is not None and found not in known:
        raise SettingsError(
            f"The state database was written by a newer version of Clew: its schema is {found}, "
            f"the newest that this version knows is {script.get_current_head()}.",
            hint="Start the newer version, or bring back the backup made before it was started.",
        )
    command.upgrade(config, "head")
