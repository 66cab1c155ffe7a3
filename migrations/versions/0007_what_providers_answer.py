"""Keep what providers answer to our registrations.

Safe while the version before runs: it does not know the table, whose rows go with their trunks.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "trunk_registrations",
        sa.Column("trunk_id", sa.Uuid(), nullable=False),
        sa.Column("registered", sa.Boolean(), nullable=False),
        sa.Column("sip_code", sa.Integer(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["trunk_id"],
            ["routing_objects.id"],
            name=op.f("fk_trunk_registrations_trunk_id_routing_objects"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("trunk_id", name=op.f("pk_trunk_registrations")),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("trunk_registrations")
