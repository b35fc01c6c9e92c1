"""The registry: what is connected, and who may look."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of the registry."""
    op.create_table(
        "revisions",
        sa.Column("topic", sa.Text, primary_key=True, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
    )
    _connected()
    _people()


def _connected() -> None:
    op.create_table(
        "products",
        *_named(),
        _text("title"),
        _text("base_url"),
        *_declared(),
    )
    op.create_table(
        "integrations",
        *_named(),
        _text("title"),
        _text("source_product"),
        _text("target_product"),
        _text("direction"),
        *_declared(),
        _to_product("source_product"),
        _to_product("target_product"),
        sa.CheckConstraint("direction IN ('one-way', 'two-way')", name="direction"),
    )
    op.create_table("customers", *_named(), _text("name"), _time("first_seen_at"), _time("archived_at", nullable=True))
    op.create_table(
        "sources",
        *_named(),
        _text("product"),
        _text("kind"),
        sa.Column("definition", sa.Text, nullable=False, server_default="{}"),
        *_declared(),
        _to_product("product"),
    )


def _people() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text, primary_key=True, nullable=False),
        _text("workspace"),
        _text("name"),
        _text("prefix"),
        sa.Column("hash", sa.LargeBinary, nullable=False, unique=True),
        _text("scopes"),
        _text("customer"),
        _time("created_at"),
        _time("last_used_at", nullable=True),
        _time("archived_at", nullable=True),
    )
    op.create_table(
        "members",
        sa.Column("id", sa.Text, primary_key=True, nullable=False),
        _text("workspace"),
        _text("email"),
        _text("password_hash"),
        _text("role"),
        _time("created_at"),
        _time("archived_at", nullable=True),
        sa.CheckConstraint("role IN ('admin', 'support', 'viewer')", name="role"),
    )
    in_use = sa.text("archived_at IS NULL")
    op.create_index("ix_members_email", "members", ["email"], unique=True, sqlite_where=in_use, postgresql_where=in_use)
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.LargeBinary, primary_key=True, nullable=False),
        sa.Column("member_id", sa.Text, nullable=False, index=True),
        _time("started_at"),
        sa.Column("expires_at", sa.BigInteger, nullable=False, index=True),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="member"),
    )
    op.create_table(
        "sign_in_links",
        sa.Column("token_hash", sa.LargeBinary, primary_key=True, nullable=False),
        _text("workspace"),
        sa.Column("member_id", sa.Text, nullable=True),
        _time("created_at"),
        _time("expires_at"),
        _time("used_at", nullable=True),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="member"),
    )


def _named() -> tuple[sa.Column[str], sa.Column[str]]:
    return (
        sa.Column("workspace", sa.Text, primary_key=True, nullable=False),
        sa.Column("key", sa.Text, primary_key=True, nullable=False),
    )


def _declared() -> tuple[sa.Column[bool], sa.Column[int], sa.Column[int]]:
    return (
        sa.Column("declared", sa.Boolean, nullable=False),
        _time("created_at"),
        _time("archived_at", nullable=True),
    )


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default="")


def _time(name: str, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def _to_product(column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["workspace", column], ["products.workspace", "products.key"], name=column)
