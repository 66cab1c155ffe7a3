"""Keep by which extension a call listens apart from what its caller says of themselves.

Why: a caller from outside who logs in may send the number of an extension, and must not be told as it.

Safe while the version before runs: who listens by it is told as somebody from outside until it is replaced.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("present_calls", sa.Column("extension", sa.Text, nullable=True))


def downgrade() -> None:
    """Take back."""
    op.drop_column("present_calls", "extension")
