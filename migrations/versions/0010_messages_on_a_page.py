"""Read the messages of a mailbox without the trash in order, and tell who looks at them of each change.

Why: a page of a mailbox with very many messages must not read them all; and an open page shows what
colleagues, phones and callers do. One notification a mailbox and statement, whatever it changes.

Safe while the version before runs: it gains the index, and its changes are told as well.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_FUNCTION = """
CREATE FUNCTION tell_mailbox_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('mailbox_changed', mailbox_id::text)
    FROM (SELECT DISTINCT mailbox_id FROM changed) AS mailboxes;
    RETURN NULL;
END
$$
"""
_TRIGGERS = {"insert": "NEW", "update": "NEW", "delete": "OLD"}


def upgrade() -> None:
    """Apply."""
    op.create_index(
        "ix_messages_kept",
        "messages",
        ["mailbox_id", "received_at", "id"],
        postgresql_where=sa.text("state <> 'deleted'"),
    )
    op.execute(_FUNCTION)
    for change, rows in _TRIGGERS.items():
        op.execute(
            f"CREATE TRIGGER tell_mailbox_changed_by_{change} AFTER {change.upper()} ON messages "
            f"REFERENCING {rows} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tell_mailbox_changed()"
        )


def downgrade() -> None:
    """Take back."""
    for change in _TRIGGERS:
        op.execute(f"DROP TRIGGER tell_mailbox_changed_by_{change} ON messages")
    op.execute("DROP FUNCTION tell_mailbox_changed()")
    op.drop_index("ix_messages_kept", table_name="messages")
