"""Keep who listens to which message now, by phone or in a browser, and tell who looks at the mailbox.

Why: people who share a mailbox see on its page, and hear by phone, that a colleague is at a message.

Safe while the version before runs: its calls are at no message, and its pages are told a little more often.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_FUNCTION = """
-- A player says again and again that it plays: that is no news.
CREATE FUNCTION tell_listener_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.message_id IS NOT DISTINCT FROM NEW.message_id THEN
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' AND OLD.message_id IS NOT NULL THEN
        PERFORM pg_notify('mailbox_changed', OLD.mailbox_id::text);
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.message_id IS NOT NULL THEN
        PERFORM pg_notify('mailbox_changed', NEW.mailbox_id::text);
    END IF;
    RETURN NULL;
END
$$
"""
_TABLES = ("present_calls", "present_players")


def upgrade() -> None:
    """Apply."""
    op.add_column("present_calls", sa.Column("message_id", sa.Uuid(), nullable=True))
    op.add_column("present_calls", sa.Column("message_since", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "present_players",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("mailbox_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_present_players_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_present_players")),
    )
    op.execute(_FUNCTION)
    for table in _TABLES:
        op.execute(
            f"CREATE TRIGGER tell_listener_changed AFTER INSERT OR UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION tell_listener_changed()"
        )


def downgrade() -> None:
    """Take back."""
    for table in _TABLES:
        op.execute(f"DROP TRIGGER tell_listener_changed ON {table}")
    op.execute("DROP FUNCTION tell_listener_changed()")
    op.drop_table("present_players")
    op.drop_column("present_calls", "message_since")
    op.drop_column("present_calls", "message_id")
