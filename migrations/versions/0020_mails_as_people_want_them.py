"""Keep how mails about messages are to be: for whom without a recording, how large, and what follows.

Why: some recipients want the notice alone, mail servers differ in what they take, and a mailbox that is read
by mail need not be read a second time.

Safe while the version before runs: it knows nothing of the new columns, which have defaults.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_CHECKS = {
    "email_attachment_max_mb": "email_attachment_max_mb BETWEEN 1 AND 15",
    "after_mail": "after_mail IN ('keep', 'mark_read', 'trash')",
}


def upgrade() -> None:
    """Apply."""
    for column in (
        sa.Column("email_attachment_max_mb", sa.Integer, nullable=False, server_default=sa.text("15")),
        sa.Column("email_notice_only", ARRAY(sa.Text), nullable=False, server_default=sa.text("'{}'")),
        sa.Column("after_mail", sa.Text, nullable=False, server_default=sa.text("'keep'")),
    ):
        op.add_column("mailboxes", column)
    for name, rule in _CHECKS.items():
        op.create_check_constraint(op.f(f"ck_mailboxes_{name}"), "mailboxes", rule)


def downgrade() -> None:
    """Take back."""
    for name in _CHECKS:
        op.drop_constraint(op.f(f"ck_mailboxes_{name}"), "mailboxes")
    for column in ("email_attachment_max_mb", "email_notice_only", "after_mail"):
        op.drop_column("mailboxes", column)
