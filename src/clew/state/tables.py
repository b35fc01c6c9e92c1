"""The tables of the state store: what it looks like now. How it came to look so is in `migrations/`.

A test holds the two together. Times are milliseconds since the epoch, UTC. Text is never NULL, empty stands for
"none"; `archived_at` is NULL for what is in use. Nothing here is SQLite's alone: PostgreSQL is to hold the same tables.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

REVISION = "0005"
"""The newest migration, so that opening a database that has it needs not load Alembic (half a second)."""

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)


def _key(name: str) -> Column[str]:
    return Column(name, Text, primary_key=True, nullable=False)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default="")


def _time(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _time_or_null(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=True)


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False, server_default=false())


def _to_product(column: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["workspace", column], ["products.workspace", "products.key"], name=column)


revisions = Table(
    "revisions",
    METADATA,
    _key("topic"),
    Column("revision", BigInteger, nullable=False),
)
"""How often each topic was changed: what `Snapshot` looks at to see another process's changes."""

products = Table(
    "products",
    METADATA,
    _key("workspace"),
    _key("key"),
    _text("title"),
    _text("base_url"),
    Column("declared", Boolean, nullable=False),
    _time("created_at"),
    _time_or_null("archived_at"),
)

integrations = Table(
    "integrations",
    METADATA,
    _key("workspace"),
    _key("key"),
    _text("title"),
    _text("source_product"),
    _text("target_product"),
    _text("direction"),
    Column("declared", Boolean, nullable=False),
    _time("created_at"),
    _time_or_null("archived_at"),
    _to_product("source_product"),
    _to_product("target_product"),
    CheckConstraint("direction IN ('one-way', 'two-way')", name="direction"),
)

customers = Table(
    "customers",
    METADATA,
    _key("workspace"),
    _key("key"),
    _text("name"),
    _time("first_seen_at"),
    _time_or_null("archived_at"),
    _flag("is_test"),
    _time_or_null("last_active_at"),
)

connections = Table(
    "connections",
    METADATA,
    _key("workspace"),
    _key("key"),
    _text("name"),
    _text("customer"),
    _text("integration"),
    Column("state", Text, nullable=False, server_default="connected"),
    # Why it is disconnected.
    _text("error"),
    _flag("is_test"),
    _time("first_seen_at"),
    # Since when it is in its state.
    _time("changed_at"),
    _time_or_null("last_active_at"),
    _time_or_null("archived_at"),
    CheckConstraint("state IN ('connected', 'disconnected')", name="state"),
)
Index("ix_connections_customer", connections.c.workspace, connections.c.customer)

sources = Table(
    "sources",
    METADATA,
    _key("workspace"),
    _key("key"),
    _text("product"),
    _text("kind"),
    # The declaration as JSON, for display. It is not read back into a working source: code is the truth for that.
    Column("definition", Text, nullable=False, server_default="{}"),
    Column("declared", Boolean, nullable=False),
    _time("created_at"),
    _time_or_null("archived_at"),
    _to_product("product"),
)

api_keys = Table(
    "api_keys",
    METADATA,
    _key("id"),
    _text("workspace"),
    _text("name"),
    _text("prefix"),
    Column("hash", LargeBinary, nullable=False, unique=True),
    # Names joined by spaces, as OAuth writes scopes.
    _text("scopes"),
    _text("customer"),
    _time("created_at"),
    _time_or_null("last_used_at"),
    _time_or_null("archived_at"),
)

members = Table(
    "members",
    METADATA,
    _key("id"),
    _text("workspace"),
    _text("email"),
    _text("password_hash"),
    _text("role"),
    _time("created_at"),
    _time_or_null("archived_at"),
    CheckConstraint("role IN ('admin', 'support', 'viewer')", name="role"),
)
# One member an e-mail in the whole installation, as it is all that a sign-in names; who left may come back.
Index(
    "ix_members_email",
    members.c.email,
    unique=True,
    sqlite_where=text("archived_at IS NULL"),
    postgresql_where=text("archived_at IS NULL"),
)

sessions = Table(
    "sessions",
    METADATA,
    Column("token_hash", LargeBinary, primary_key=True, nullable=False),
    Column("member_id", Text, nullable=False, index=True),
    _time("started_at"),
    Column("expires_at", BigInteger, nullable=False, index=True),
    ForeignKeyConstraint(["member_id"], ["members.id"], name="member"),
)

sign_in_links = Table(
    "sign_in_links",
    METADATA,
    Column("token_hash", LargeBinary, primary_key=True, nullable=False),
    _text("workspace"),
    # NULL: for the first member, who does not exist yet.
    Column("member_id", Text, nullable=True),
    _time("created_at"),
    _time("expires_at"),
    _time_or_null("used_at"),
    ForeignKeyConstraint(["member_id"], ["members.id"], name="member"),
)

flow_runs = Table(
    "flow_runs",
    METADATA,
    _key("id"),
    _text("workspace"),
    _text("flow"),
    # Who comes first: runs of one lane start in this order.
    Column("place", BigInteger, nullable=False),
    _text("state"),
    _time("queued_at"),
    # What the run was launched with, as JSON.
    Column("launch", Text, nullable=False),
    CheckConstraint("state IN ('queued', 'stopping', 'refused')", name="state"),
)
"""Runs that are open. What their nodes have done is in their records; a row goes when the run's own record is written
and the dispatcher can no longer meet its event again."""

flow_settings = Table(
    "flow_settings",
    METADATA,
    _key("workspace"),
    _key("flow"),
    Column("enabled", Boolean, nullable=False),
    _text("changed_by"),
    _time("changed_at"),
)
"""What people decided about flows. A flow without a row is as its code says."""

flow_schedules = Table(
    "flow_schedules",
    METADATA,
    _key("workspace"),
    _key("flow"),
    _time("due_at"),
)
"""The latest moment at which a schedule's run was launched or passed over."""

audit = Table(
    "audit",
    METADATA,
    _key("id"),
    _text("workspace"),
    _time("time"),
    _text("actor"),
    _text("action"),
    _text("subject_kind"),
    _text("subject"),
    # What differs, as JSON objects: empty before for what is new.
    Column("before", Text, nullable=False, server_default="{}"),
    Column("after", Text, nullable=False, server_default="{}"),
)
"""Who changed which part of the configuration, from what to what. Rows are added and never changed."""
Index("ix_audit_workspace", audit.c.workspace, audit.c.id)

switches = Table(
    "switches",
    METADATA,
    _key("workspace"),
    _key("name"),
    Column("enabled", Boolean, nullable=False),
    _text("changed_by"),
    _time("changed_at"),
)
"""What people decided about what is logged. A switch without a row is on."""

views = Table(
    "views",
    METADATA,
    _key("id"),
    _text("workspace"),
    _text("path"),
    _text("name"),
    _text("query"),
    _text("created_by"),
    _time("created_at"),
    UniqueConstraint("workspace", "path", "name", name="uq_views_name"),
)
"""Pages as somebody filtered them, under a name."""

answered_requests = Table(
    "answered_requests",
    METADATA,
    # Digests of who asked under which Idempotency-Key, and of what was asked.
    Column("key", LargeBinary, primary_key=True, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    # The answer, sealed: only who asks again can open it. NULL while the request is being answered.
    Column("answer", LargeBinary, nullable=True),
    _time("created_at"),
)
"""Requests of the API that come with an Idempotency-Key, for as long as it is recognised."""
Index("ix_answered_requests_created_at", answered_requests.c.created_at)

pins = Table(
    "pins",
    METADATA,
    _key("workspace"),
    _key("record_id"),
    _text("trace_id"),
    # What the record is called, for lists.
    _text("title"),
    _text("pinned_by"),
    _time("pinned_at"),
)
"""Records that retention leaves alone, each with its trace."""

removals = Table(
    "removals",
    METADATA,
    Column("day", BigInteger, primary_key=True, nullable=False, autoincrement=False),
    _key("what"),
    _text("reason"),
    Column("records", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    _time("removed_at"),
    CheckConstraint("reason IN ('age', 'budget')", name="reason"),
)
"""What retention removed of each day (since the epoch) of the log, written before it goes."""
