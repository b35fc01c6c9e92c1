"""Connections, who changed what, what is logged, and saved views."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add to customers what pages say of them, and make the tables."""
    op.add_column("customers", _flag("is_test"))
    op.add_column("customers", sa.Column("last_active_at", sa.BigInteger, nullable=True))
    _connections()
    _people()


def _connections() -> None:
    op.create_table(
        "connections",
        _key("workspace"),
        _key("key"),
        _text("name"),
        _text("customer"),
        _text("integration"),
        sa.Column("state", sa.Text, nullable=False, server_default="connected"),
        _text("error"),
        _flag("is_test"),
        _time("first_seen_at"),
        _time("changed_at"),
        _time("last_active_at", nullable=True),
        _time("archived_at", nullable=True),
        sa.CheckConstraint("state IN ('connected', 'disconnected')", name="state"),
    )
    op.create_index("ix_connections_customer", "connections", ["workspace", "customer"])


def _people() -> None:
    op.create_table(
        "audit",
        _key("id"),
        _text("workspace"),
        _time("time"),
        _text("actor"),
        _text("action"),
        _text("subject_kind"),
        _text("subject"),
        sa.Column("before", sa.Text, nullable=False, server_default="{}"),
        sa.Column("after", sa.Text, nullable=False, server_default="{}"),
    )
    op.create_index("ix_audit_workspace", "audit", ["workspace", "id"])
    op.create_table(
        "switches",
        _key("workspace"),
        _key("name"),
        sa.Column("enabled", sa.Boolean, nullable=False),
        _text("changed_by"),
        _time("changed_at"),
    )
    op.create_table(
        "views",
        _key("id"),
        _text("workspace"),
        _text("path"),
        _text("name"),
        _text("query"),
        _text("created_by"),
        _time("created_at"),
        sa.UniqueConstraint("workspace", "path", "name", name="uq_views_name"),
    )


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=True, nullable=False)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default="")


def _time(name: str, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False, server_default=sa.false())
