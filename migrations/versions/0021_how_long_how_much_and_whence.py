"""Say how long messages are kept and how many there may be, of a tenant and of a mailbox, and trace them.

Of a tenant: messages are kept for 30 days, as telephone systems of this kind do, then they go to the trash,
from which they can still be restored; 0 keeps them for ever. NULL of a mailbox is what its tenant says,
NULL of the trash's days what the settings say.

A message has the Call-ID of its INVITE. `restored_at` begins its time anew when somebody takes it out of the
trash. `quota_warnings` has the mailboxes whose recipients were told that they are almost full.

Safe while the version before runs: it writes none of these columns, whose defaults are what it does; it does
not move old messages to the trash.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_RANGES = {
    "retain_days": "BETWEEN 0 AND 3650",
    "trash_days": "BETWEEN 1 AND 3650",
    "max_messages": "BETWEEN 0 AND 100000",
    "max_total_seconds": "BETWEEN 0 AND 36000000",
}
_OF_TENANTS = {"retain_days": "30", "max_messages": "0", "max_total_seconds": "0"}


def upgrade() -> None:
    """Apply."""
    for table in ("tenants", "mailboxes"):
        for name, allowed in _RANGES.items():
            default = _OF_TENANTS.get(name) if table == "tenants" else None
            op.add_column(
                table,
                sa.Column(
                    name,
                    sa.Integer(),
                    nullable=default is None,
                    server_default=None if default is None else sa.text(default),
                ),
            )
            op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, f"{name} {allowed}")
    # Nobody's old messages go to the trash by an upgrade: who has some says first how long they are kept.
    op.execute(
        "UPDATE tenants SET retain_days = 0 WHERE id IN"
        " (SELECT tenant_id FROM messages WHERE received_at < now() - interval '30 days')"
    )
    op.add_column("messages", sa.Column("restored_at", sa.DateTime(timezone=True)))
    op.add_column("messages", sa.Column("trace_id", sa.Text()))
    op.create_table(
        "quota_warnings",
        sa.Column("mailbox_id", sa.Uuid(), nullable=False),
        sa.Column("warned_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mailbox_id"],
            ["mailboxes.id"],
            ondelete="CASCADE",
            name=op.f("fk_quota_warnings_mailbox_id_mailboxes"),
        ),
        sa.PrimaryKeyConstraint("mailbox_id", name=op.f("pk_quota_warnings")),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("quota_warnings")
    op.drop_column("messages", "trace_id")
    op.drop_column("messages", "restored_at")
    for table in ("mailboxes", "tenants"):
        for name in _RANGES:
            op.drop_column(table, name)
