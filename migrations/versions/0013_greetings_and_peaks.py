"""Keep what people record and write as greetings of mailboxes, and how loud a message is along its length.

Why: callers hear a recording or words of the mailbox's own instead of the standard sentence; whoever makes
one listens to it first; a player shows where somebody speaks.

Safe while the version before runs: it knows nothing of the new tables and columns, which have defaults.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0013"
down_revision = "0010"
branch_labels = None
depends_on = None


def _time(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())


def upgrade() -> None:
    """Apply."""
    op.add_column("mailboxes", sa.Column("greeting", sa.Text))
    op.add_column(
        "mailboxes",
        sa.Column("recorded_greetings", JSONB, nullable=False, server_default=sa.text("'{}'")),
    )
    op.add_column(
        "users", sa.Column("played_is_read", sa.Boolean, nullable=False, server_default=sa.text("true"))
    )
    op.create_table(
        "greeting_recordings",
        sa.Column("mailbox_id", sa.Uuid, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("wav", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("mailbox_id", "digest", name="pk_greeting_recordings"),
        sa.ForeignKeyConstraint(
            ["mailbox_id"],
            ["mailboxes.id"],
            name="fk_greeting_recordings_mailbox_id_mailboxes",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_greeting_recordings_digest", "greeting_recordings", ["digest"])
    op.create_table(
        "greeting_drafts",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("object_id", sa.Uuid, nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        _time("made_at"),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("wav", sa.LargeBinary),
        sa.Column("text", sa.Text),
        sa.Column("language", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_greeting_drafts"),
        sa.CheckConstraint("(wav IS NULL) <> (text IS NULL)", name="ck_greeting_drafts_wav"),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name="fk_greeting_drafts_tenant_id_tenants", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_greeting_drafts_made_at", "greeting_drafts", ["made_at"])
    op.create_table(
        "spoken_texts",
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("sentences", ARRAY(sa.Text), nullable=False),
        sa.Column("wav", sa.LargeBinary),
        sa.Column("failed", sa.Boolean, nullable=False, server_default=sa.text("false")),
        _time("made_at"),
        sa.PrimaryKeyConstraint("digest", name="pk_spoken_texts"),
    )
    op.create_index("ix_spoken_texts_made_at", "spoken_texts", ["made_at"])
    op.create_table(
        "message_peaks",
        sa.Column("message_id", sa.Uuid, nullable=False),
        sa.Column("peaks", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("message_id", name="pk_message_peaks"),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["messages.id"],
            name="fk_message_peaks_message_id_messages",
            ondelete="CASCADE",
        ),
    )


def downgrade() -> None:
    """Take back."""
    for table in ("message_peaks", "spoken_texts", "greeting_drafts", "greeting_recordings"):
        op.drop_table(table)
    op.drop_column("users", "played_is_read")
    op.drop_column("mailboxes", "recorded_greetings")
    op.drop_column("mailboxes", "greeting")
