"""Let callers mark messages as urgent, go to an operator, and log in; and listeners forward messages.

The few that are urgent have indexes of their own, by which they are heard and shown before the others.

Safe while the version before runs: it writes messages that are not urgent, orders all by their time, and
knows neither operators nor log-ins. That a mailbox names its operator is in `pointers` as well: that version
does not let the number go either, and takes what points at it for an extension without a name.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_BEFORE = (
    "'added', 'changed', 'removed', 'heard', 'downloaded', 'marked_read', "
    "'marked_unread', 'deleted', 'restored', 'purged', 'logged_in', 'logged_out', 'retried', 'discarded'"
)


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "messages", sa.Column("urgent", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    _allow(f"{_BEFORE}, 'forwarded'")
    op.add_column(
        "message_mails", sa.Column("asked", sa.Integer(), server_default=sa.text("0"), nullable=False)
    )
    op.add_column("mailboxes", sa.Column("operator_number", sa.Text(), nullable=True))
    op.add_column(
        "mailboxes",
        sa.Column("log_in_from_greeting", sa.Boolean(), server_default=sa.text("false"), nullable=False),
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
    """Take back; nothing is urgent then, and no mailbox has an operator."""
    op.drop_column("message_mails", "asked")
    op.execute("SET LOCAL controlplane.retention = 'on'")
    op.execute("DELETE FROM audit_entries WHERE action = 'forwarded'")
    _allow(_BEFORE)
    op.execute("DELETE FROM pointers WHERE slot = 'operator_number'")
    op.drop_column("mailboxes", "log_in_from_greeting")
    op.drop_column("mailboxes", "operator_number")
    op.drop_index("ix_messages_urgent_of_tenant", table_name="messages")
    op.drop_index("ix_messages_urgent", table_name="messages")
    op.drop_column("messages", "urgent")


def _allow(actions: str) -> None:
    name = op.f("ck_audit_entries_action")
    op.drop_constraint(name, "audit_entries")
    op.create_check_constraint(name, "audit_entries", f"action IN ({actions})")
