"""The state store: one transactional database, opened, brought up to date, and kept right.

SQLite in the data directory, or what `CLEW_STATE_URL` names. Every commit is on disk when it returns. Readers do not
wait for the writer nor it for them (WAL); writers take turns, for at most `BUSY_S`.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    IntegrityError,
    NoSuchModuleError,
    OperationalError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from clew.core.errors import SettingsError, Unavailable
from clew.core.settings import Settings
from clew.state.tables import REVISION, revisions
from clew.state.write_ahead_log import use_write_ahead_log

FILE = "state.db"
BUSY_S = 5
"""How long a writer waits for another. Ours take milliseconds: whoever holds it longer is stuck."""
UPGRADE_BUSY_S = 60
"""How long a start waits for another that brings the database up to date."""
CONNECTIONS = 16
"""The most at once. A connection waits only for the disk, so more of them would not be faster."""


class Database:
    """The open state store. Any thread may use it; a transaction belongs to the thread that began it."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction that sees one state of the database and changes nothing.

        Raises `Unavailable` where the database does not answer.
        """
        with self._answering(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self, *topics: str) -> Iterator[sa.Connection]:
        """A transaction that is on disk when the block ends, or rolled back whole when it raises.

        `topics` are announced as changed to every `Snapshot` of them, in this process and others.
        Raises `Unavailable` where the database does not answer, is full, or another writer holds it for `BUSY_S`.
        """
        with (
            self._answering(),
            self.engine.connect().execution_options(clew_writes=True) as connection,
            connection.begin(),
        ):
            yield connection
            for topic in topics:
                self._announce(connection, topic)

    def insert_new(self, connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert the rows whose key is not there yet; the others stay as they are."""
        if rows:
            connection.execute(self._insert(table).on_conflict_do_nothing(), [dict(row) for row in rows])

    def upsert(
        self, connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]], keep: frozenset[str]
    ) -> None:
        """Insert the rows; where the primary key is there, every column given is set but those in `keep`."""
        for row in rows:
            insert = self._insert(table).values(**row)
            fixed = keep | set(table.primary_key.columns.keys())
            changed = {name: insert.excluded[name] for name in row if name not in fixed}
            connection.execute(
                insert.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=changed)
            )

    def revision(self, connection: sa.Connection, topic: str) -> int:
        """How often the topic was changed."""
        found = connection.scalar(sa.select(revisions.c.revision).where(revisions.c.topic == topic))
        return found or 0

    def check(self) -> None:
        """Raise `Unavailable` where nothing can be written."""
        with self.write():
            pass

    def close(self) -> None:
        """Let go of the files. Closing twice changes nothing."""
        self.engine.dispose()

    def _insert(self, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
        return postgresql.insert(table) if self.engine.dialect.name == "postgresql" else sqlite.insert(table)

    def _announce(self, connection: sa.Connection, topic: str) -> None:
        insert = self._insert(revisions).values(topic=topic, revision=1)
        connection.execute(
            insert.on_conflict_do_update(
                index_elements=[revisions.c.topic], set_={"revision": revisions.c.revision + 1}
            )
        )

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except (OperationalError, PoolTimeout) as error:
            reason = error.orig if isinstance(error, OperationalError) else error
            raise Unavailable(
                f"The state database does not answer: {reason}.",
                hint="Look at the disk of the data directory: its room, its rights, who else holds the file.",
            ) from error


def open_database(settings: Settings) -> Database:
    """Open the state store of these settings, made on first sight and upgraded to the schema of this version.

    Raises `SettingsError` for a URL or directory that cannot be used, a file that is no database, and a database that
    a newer version wrote.
    """
    url = _url(settings)
    engine = _engine(url)
    if url.get_backend_name() == "sqlite":
        _prepare(Path(url.database or ""))
    try:
        _upgrade(engine)
    except (DatabaseError, SettingsError) as error:
        engine.dispose()
        if isinstance(error, SettingsError | IntegrityError | ProgrammingError):
            raise
        raise SettingsError(
            f"The state database {engine.url.render_as_string()} cannot be opened: {error.orig}.",
            hint="Check CLEW_DATA_DIR and CLEW_STATE_URL, the rights of the files there, and the room on the disk.",
        ) from error
    return Database(engine)


def sqlite_file(settings: Settings) -> Path | None:
    """The file of the state store, or None where it is in a database server. Raises `SettingsError` as opening does."""
    url = _url(settings)
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def _url(settings: Settings) -> sa.URL:
    if not settings.state_url:
        return sa.URL.create("sqlite", database=str(Path(settings.data_dir).expanduser() / FILE))
    try:
        url = sa.make_url(settings.state_url)
    except ArgumentError as error:
        # The URL may hold a password: it is not repeated here.
        raise SettingsError("CLEW_STATE_URL is no database URL.", hint=_URL_HINT) from error
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise SettingsError(f"CLEW_STATE_URL names a {url.get_backend_name()!r} database.", hint=_URL_HINT)
    if url.get_backend_name() == "sqlite" and (not url.database or url.database == ":memory:"):
        # Every connection would have a database of its own.
        raise SettingsError("CLEW_STATE_URL names a SQLite database without a file.", hint=_URL_HINT)
    return url


_URL_HINT = "It is like sqlite:////var/lib/clew/state.db or postgresql+psycopg://user:password@host/clew."


def _prepare(path: Path) -> None:
    """Make the file, readable by its owner alone: it holds hashes of keys and passwords."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise SettingsError(
            f"The state database {str(path)!r} cannot be opened: {error.strerror}.",
            hint="Check CLEW_DATA_DIR and the rights of the directory.",
        ) from error


def _engine(url: sa.URL) -> sa.Engine:
    try:
        if url.get_backend_name() == "sqlite":
            return _sqlite_engine(url)
        return sa.create_engine(url, pool_size=CONNECTIONS, max_overflow=0, pool_timeout=BUSY_S, pool_pre_ping=True)
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise SettingsError(
            f"CLEW_STATE_URL names the driver {url.drivername!r}, which is not installed: {error}.", hint=_URL_HINT
        ) from error


def _sqlite_engine(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(
        url, connect_args={"timeout": BUSY_S}, pool_size=CONNECTIONS, max_overflow=0, pool_timeout=BUSY_S
    )

    def prepare_connection(connection: sqlite3.Connection, _: object) -> None:
        # Python's sqlite3 begins transactions by guessing from the statement; ours are begun below, by intent.
        connection.isolation_level = None
        use_write_ahead_log(connection, BUSY_S)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    def begin(connection: sa.Connection) -> None:
        # A writer takes the write lock at once: a reader that turns writer halfway cannot wait for it, it fails.
        options = connection.get_execution_options()
        if not options.get("clew_upgrades"):
            connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("clew_writes") else "BEGIN")
            return
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {UPGRADE_BUSY_S * 1000}")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_S * 1000:.0f}")

    sa.event.listen(engine, "connect", prepare_connection)
    sa.event.listen(engine, "begin", begin)
    return engine


def _upgrade(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        if _revision(connection) == REVISION:
            return
    # Alembic takes half a second to load, which every command would pay for a moment once a release.
    from clew.state.upgrade import upgrade  # noqa: PLC0415

    # Under the write lock, so that of two processes that start together one upgrades and the other finds it done.
    with engine.connect().execution_options(clew_upgrades=True) as connection, connection.begin():
        upgrade(connection)


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return revision
