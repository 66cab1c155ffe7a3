"""Let a test mail be one of the tenant: of the words that mailboxes without words of their own have.

Why: who sets a tenant's words sees a mail with them in a real mail program, also before there is a mailbox.

Safe while the version before runs: it makes test mails of mailboxes, finds them by their mailbox, and takes
one of a tenant for one that ended.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "mail_trials", sa.Column("tenant_id", sa.Uuid, sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    )
    op.alter_column("mail_trials", "mailbox_id", nullable=True)
    op.create_check_constraint(
        op.f("ck_mail_trials_owner"), "mail_trials", "num_nonnulls(mailbox_id, tenant_id) = 1"
    )
    op.create_index("ix_mail_trials_tenant_id", "mail_trials", ["tenant_id"])


def downgrade() -> None:
    """Take back; test mails of tenants are forgotten."""
    op.execute("DELETE FROM mail_trials WHERE mailbox_id IS NULL")
    op.drop_constraint(op.f("ck_mail_trials_owner"), "mail_trials")
    op.drop_column("mail_trials", "tenant_id")
    op.alter_column("mail_trials", "mailbox_id", nullable=False)
