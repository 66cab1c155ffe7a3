"""Count by index what waits of a tenant.

Why: each page of the portal says how many changes wait.

Safe while the version before runs: it gains an index.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_index(
        "ix_configuration_changes_of_tenant",
        "configuration_changes",
        ["tenant_id", "kind", "name"],
        postgresql_where=sa.text("live_at IS NULL"),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_configuration_changes_of_tenant", table_name="configuration_changes")
