"""Note on the mailbox when its PIN was tried too often.

Why: the refusal holds until the PIN is changed, longer than the tries that led to it are kept.
Safe while the version before runs: the column may be empty, and it does not write it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("mailboxes", sa.Column("pin_refused_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Take back."""
    op.drop_column("mailboxes", "pin_refused_at")
