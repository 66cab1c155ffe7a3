"""Keep how mails about messages are to be: their words, for whom without a recording, and what follows.

Why: an admin greets the recipients in words of the company's own, and sees which of them could not be used;
some recipients want the notice alone, mail servers differ in what they take, and a mailbox that is read by
mail need not be read a second time.

Safe while the version before runs: it knows nothing of the new tables and columns, which have defaults.
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


_WORDS = ("email_subject", "email_introduction")


def _time(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())


def upgrade() -> None:
    """Apply."""
    for table in ("tenants", "mailboxes"):
        for name in _WORDS:
            op.add_column(table, sa.Column(name, sa.Text))
    op.create_table(
        "mail_template_faults",
        sa.Column("owner_id", sa.Uuid, primary_key=True),
        sa.Column("field", sa.Text, primary_key=True),
        sa.Column("tenant_id", sa.Uuid, sa.ForeignKey("tenants.id", ondelete="CASCADE"), nullable=False),
        sa.Column("mailbox_id", sa.Uuid, sa.ForeignKey("mailboxes.id", ondelete="CASCADE")),
        sa.Column("sentence", sa.Text, nullable=False),
        sa.Column("mails", sa.Integer, nullable=False, server_default=sa.text("1")),
        _time("first_at"),
        _time("last_at"),
        sa.CheckConstraint(
            "field IN ('email_subject', 'email_introduction')", name=op.f("ck_mail_template_faults_field")
        ),
    )
    op.create_index("ix_mail_template_faults_tenant_id", "mail_template_faults", ["tenant_id"])
    op.create_index("ix_mail_template_faults_mailbox_id", "mail_template_faults", ["mailbox_id"])
    op.create_table(
        "mail_trials",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("mailbox_id", sa.Uuid, sa.ForeignKey("mailboxes.id", ondelete="CASCADE"), nullable=False),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        _time("made_at"),
        sa.Column("status", sa.Text, nullable=False, server_default=sa.text("'queued'")),
        sa.Column("error", sa.Text),
        sa.CheckConstraint("status IN ('queued', 'sent', 'failed')", name=op.f("ck_mail_trials_status")),
    )
    op.create_index("ix_mail_trials_mailbox_id", "mail_trials", ["mailbox_id"])
    op.create_index("ix_mail_trials_made_at", "mail_trials", ["made_at"])
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
    op.drop_table("mail_trials")
    op.drop_table("mail_template_faults")
    for table in ("tenants", "mailboxes"):
        for name in _WORDS:
            op.drop_column(table, name)
    for name in _CHECKS:
        op.drop_constraint(op.f(f"ck_mailboxes_{name}"), "mailboxes")
    for column in ("email_attachment_max_mb", "email_notice_only", "after_mail"):
        op.drop_column("mailboxes", column)
