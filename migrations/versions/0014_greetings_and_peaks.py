"""Keep what people record and write as greetings of mailboxes, and how loud a message is along its length.

Why: callers hear a recording or words of the mailbox's own instead of the standard sentence; whoever makes
one listens to it first; a player shows where somebody speaks. Pages show the messages that came by one
queue or number, of very many, and read them in their order.

Safe while the version before runs: it knows nothing of the new tables and columns, which have defaults, and
a trigger notes the ways of its messages too.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def _time(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())


_NUMBERS = """
CREATE FUNCTION numbers_on_the_way(reached_by jsonb) RETURNS SETOF text LANGUAGE sql IMMUTABLE AS $$
    SELECT number FROM (
        SELECT step ->> 'number' AS number
        FROM jsonb_array_elements(
            CASE jsonb_typeof(reached_by -> 'path') WHEN 'array' THEN reached_by -> 'path' ELSE '[]' END
        ) AS step
        UNION
        SELECT regexp_replace(reached_by ->> 'did', '[^0-9]', '', 'g')
    ) AS passed WHERE number <> ''
$$
"""
_TRIGGER = """
CREATE FUNCTION note_message_ways() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO message_ways (mailbox_id, number, received_at, message_id)
    SELECT mailbox_id, number, received_at, id
    FROM added CROSS JOIN LATERAL numbers_on_the_way(reached_by) AS number;
    RETURN NULL;
END
$$
"""


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
    op.create_table(
        "message_ways",
        sa.Column("mailbox_id", sa.Uuid, nullable=False),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("message_id", sa.Uuid, nullable=False),
        sa.PrimaryKeyConstraint("mailbox_id", "number", "received_at", "message_id", name="pk_message_ways"),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["messages.id"],
            name="fk_message_ways_message_id_messages",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_message_ways_message_id", "message_ways", ["message_id"])
    op.execute(_NUMBERS)
    op.execute(_TRIGGER)
    op.execute(
        "CREATE TRIGGER note_message_ways AFTER INSERT ON messages "
        "REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION note_message_ways()"
    )
    op.execute(
        "INSERT INTO message_ways (mailbox_id, number, received_at, message_id) "
        "SELECT mailbox_id, number, received_at, id "
        "FROM messages CROSS JOIN LATERAL numbers_on_the_way(reached_by) AS number"
    )


def downgrade() -> None:
    """Take back."""
    op.execute("DROP TRIGGER note_message_ways ON messages")
    op.execute("DROP FUNCTION note_message_ways()")
    op.execute("DROP FUNCTION numbers_on_the_way(jsonb)")
    for table in ("message_ways", "message_peaks", "spoken_texts", "greeting_drafts", "greeting_recordings"):
        op.drop_table(table)
    op.drop_column("users", "played_is_read")
    op.drop_column("mailboxes", "recorded_greetings")
    op.drop_column("mailboxes", "greeting")
