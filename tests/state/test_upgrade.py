import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from clew.core.errors import SettingsError
from clew.core.settings import Settings
from clew.state import upgrade as upgrade_module
from clew.state.database import Database, open_database
from clew.state.tables import METADATA, REVISION, customers
from clew.state.upgrade import MIGRATIONS, migrations_config


def statements(path: Path) -> dict[str, str]:
    """The SQL of every table and index in the file, by name."""
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    connection.close()
    return {name: " ".join(sql.split()) for name, sql in rows if name != "alembic_version"}


def test_the_migrated_schema_is_that_of_the_tables(database: Database, settings: Settings, tmp_path: Path) -> None:
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
    fresh = sa.create_engine(f"sqlite:///{tmp_path / 'fresh.db'}")
    METADATA.create_all(fresh)
    fresh.dispose()
    # Defaults, constraints and partial indexes too, which the comparison above does not see.
    assert statements(Path(settings.data_dir) / "state.db") == statements(tmp_path / "fresh.db")


def test_the_revisions_are_one_line_that_ends_where_the_tables_say() -> None:
    script = ScriptDirectory.from_config(migrations_config())
    assert script.get_heads() == [REVISION]
    assert script.get_bases() == ["0001"]
    assert all(revision.doc for revision in script.walk_revisions())


def test_a_database_of_a_newer_version_is_refused_and_left_alone(settings: Settings, database: Database) -> None:
    with database.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    before = statements(Path(settings.data_dir) / "state.db")
    with pytest.raises(SettingsError, match=rf"newer version of Clew: its schema is 9999.*{REVISION}") as refused:
        open_database(settings)
    assert "backup" in refused.value.hint
    assert statements(Path(settings.data_dir) / "state.db") == before


def test_a_migration_that_fails_halfway_changes_nothing(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = tmp_path / "migrations" / "versions"
    versions.mkdir(parents=True)
    (versions.parent / "env.py").write_text((MIGRATIONS / "env.py").read_text())
    (versions / "broken.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n"
        "revision = '0001'\ndown_revision = None\n"
        "def upgrade():\n"
        "    op.create_table('half', sa.Column('id', sa.Text))\n"
        "    op.execute('INSERT INTO half VALUES (1)')\n"
        "    raise ZeroDivisionError\n"
    )
    monkeypatch.setattr(upgrade_module, "MIGRATIONS", versions.parent)
    with pytest.raises(ZeroDivisionError):
        open_database(settings)
    assert statements(Path(settings.data_dir) / "state.db") == {}


def test_opening_says_nothing(
    settings: Settings, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    open_database(settings).close()
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


def test_customers_of_before_the_views_are_kept_and_nobody_is_a_test(settings: Settings) -> None:
    path = Path(settings.data_dir) / "state.db"
    path.parent.mkdir()
    old = sa.create_engine(f"sqlite:///{path}")
    with old.begin() as connection:
        command.upgrade(migrations_config(connection), "0002")
        row = "('w', 'acme', 'Acme', 5, NULL)"
        connection.execute(
            sa.text(f"INSERT INTO customers (workspace, key, name, first_seen_at, archived_at) VALUES {row}")
        )
    old.dispose()
    database = open_database(settings)
    with database.read() as connection:
        found = connection.execute(sa.select(customers)).mappings().one()
    database.close()
    assert dict(found) == {
        "workspace": "w",
        "key": "acme",
        "name": "Acme",
        "first_seen_at": 5,
        "archived_at": None,
        "is_test": False,
        "last_active_at": None,
    }
