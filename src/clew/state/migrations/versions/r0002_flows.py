"""Flows: the runs that are open, what people decided about flows, and how far their schedules have come."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of flows."""
    op.create_table(
        "flow_runs",
        _key("id"),
        _text("workspace"),
        _text("flow"),
        sa.Column("place", sa.BigInteger, nullable=False),
        _text("state"),
        sa.Column("queued_at", sa.BigInteger, nullable=False),
        sa.Column("launch", sa.Text, nullable=False),
        sa.CheckConstraint("state IN ('queued', 'stopping', 'refused')", name="state"),
    )
    op.create_table(
        "flow_settings",
        _key("workspace"),
        _key("flow"),
        sa.Column("enabled", sa.Boolean, nullable=False),
        _text("changed_by"),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "flow_schedules", _key("workspace"), _key("flow"), sa.Column("due_at", sa.BigInteger, nullable=False)
    )


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=True, nullable=False)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default="")
