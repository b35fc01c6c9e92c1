"""What people pinned, and what retention removed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "pins",
        sa.Column("workspace", sa.Text, primary_key=True, nullable=False),
        sa.Column("record_id", sa.Text, primary_key=True, nullable=False),
        sa.Column("trace_id", sa.Text, nullable=False, server_default=""),
        sa.Column("title", sa.Text, nullable=False, server_default=""),
        sa.Column("pinned_by", sa.Text, nullable=False, server_default=""),
        sa.Column("pinned_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "removals",
        sa.Column("day", sa.BigInteger, primary_key=True, nullable=False, autoincrement=False),
        sa.Column("what", sa.Text, primary_key=True, nullable=False),
        sa.Column("reason", sa.Text, nullable=False, server_default=""),
        sa.Column("records", sa.BigInteger, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("removed_at", sa.BigInteger, nullable=False),
        sa.CheckConstraint("reason IN ('age', 'budget')", name="reason"),
    )
