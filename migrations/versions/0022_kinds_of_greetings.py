"""Give mailboxes greetings for what a moment is: busy, closed, holiday, or until a day; in several languages.

Their texts are documents beside those of sources, and their recordings lie beside the others under keys of
their own. A greeting that is tried knows for which of them it is.

Safe while the version before runs: it reads none of this, and shows a recording of a kind as one of a source.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_KINDS = "'temporary', 'holiday', 'closed', 'busy', 'standard'"


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "mailboxes", sa.Column("kind_greetings", JSONB, nullable=False, server_default=sa.text("'[]'"))
    )
    op.add_column(
        "greeting_drafts", sa.Column("kind", sa.Text, nullable=False, server_default=sa.text("'standard'"))
    )
    op.add_column("greeting_drafts", sa.Column("last_day", sa.Date, nullable=True))
    op.create_check_constraint(op.f("ck_greeting_drafts_kind"), "greeting_drafts", f"kind IN ({_KINDS})")


def downgrade() -> None:
    """Take back; what was recorded for kinds, and mailboxes' names, are forgotten."""
    op.drop_constraint(op.f("ck_greeting_drafts_kind"), "greeting_drafts")
    op.drop_column("greeting_drafts", "last_day")
    op.drop_column("greeting_drafts", "kind")
    op.execute(
        "UPDATE mailboxes SET recorded_greetings = (SELECT coalesce(jsonb_object_agg(key, value), '{}') "
        "FROM jsonb_each(recorded_greetings) WHERE key NOT LIKE '%/%' AND key <> 'name')"
    )
    # Its entries of the audit log are written now: a table with triggers that wait cannot be altered.
    op.execute("SET CONSTRAINTS ALL IMMEDIATE")
    op.drop_column("mailboxes", "kind_greetings")
