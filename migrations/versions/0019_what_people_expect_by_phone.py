"""Let a caller mark a message as urgent.

The few that are urgent have indexes of their own, by which they are heard and shown before the others.

Safe while the version before runs: it writes messages that are not urgent, and orders all by their time.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "messages", sa.Column("urgent", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    urgent = sa.text("urgent")
    op.create_index(
        "ix_messages_urgent", "messages", ["mailbox_id", "received_at", "id"], postgresql_where=urgent
    )
    op.create_index(
        "ix_messages_urgent_of_tenant",
        "messages",
        ["tenant_id", "received_at", "id"],
        postgresql_where=urgent,
    )


def downgrade() -> None:
    """Take back; nothing is urgent then."""
    op.drop_index("ix_messages_urgent_of_tenant", table_name="messages")
    op.drop_index("ix_messages_urgent", table_name="messages")
    op.drop_column("messages", "urgent")
