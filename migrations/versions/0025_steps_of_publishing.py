"""Tell open pages of each step of publishing, as they are told of changes in mailboxes.

Why: the page that shows how far publishing is asked again and again; now it asks when there is something new.
What is told concerns all tenants, and names none: the id of no mailbox stands for it.

Safe while the version before runs: it listens for mailboxes, of which none has this id.
"""

from __future__ import annotations

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_FUNCTION = """
CREATE FUNCTION tell_publishing_goes_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('mailbox_changed', '00000000-0000-0000-0000-000000000000');
    RETURN NULL;
END
$$
"""
_TABLES = ("configuration_revisions", "publishing_modes")


def upgrade() -> None:
    """Apply."""
    op.execute(_FUNCTION)
    for table in _TABLES:
        op.execute(
            f"CREATE TRIGGER tell_publishing_goes_on AFTER INSERT OR UPDATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION tell_publishing_goes_on()"
        )


def downgrade() -> None:
    """Take back."""
    for table in _TABLES:
        op.execute(f"DROP TRIGGER tell_publishing_goes_on ON {table}")
    op.execute("DROP FUNCTION tell_publishing_goes_on()")
