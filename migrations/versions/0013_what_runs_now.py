"""Keep which processes run, and which calls they have in mailboxes now, for the people who look after them.

Safe while the version before runs: its processes are not seen, and do their work.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "running_processes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("faults", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.CheckConstraint(
            "kind IN ('web', 'calls', 'events', 'jobs')", name=op.f("ck_running_processes_kind")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_running_processes")),
    )
    op.create_table(
        "present_calls",
        sa.Column("process_id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("mailbox_id", sa.Uuid(), nullable=False),
        sa.Column("doing", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("doing IN ('leaving', 'listening')", name=op.f("ck_present_calls_doing")),
        sa.ForeignKeyConstraint(
            ["process_id"],
            ["running_processes.id"],
            name=op.f("fk_present_calls_process_id_running_processes"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("process_id", "call_id", name=op.f("pk_present_calls")),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("present_calls")
    op.drop_table("running_processes")
