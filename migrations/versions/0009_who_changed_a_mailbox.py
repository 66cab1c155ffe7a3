"""Note who changed a mailbox last, for whoever changes it at the same time.

Safe while the version before runs: it does not know the column, and leaves it as it is.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("mailboxes", sa.Column("updated_by", sa.Text(), nullable=True))


def downgrade() -> None:
    """Take back."""
    op.drop_column("mailboxes", "updated_by")
