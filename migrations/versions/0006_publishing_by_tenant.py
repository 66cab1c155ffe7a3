"""Let each tenant publish by itself or by hand, and keep what is published of those that wait.

Why: who reviews the changes of one tenant should hold back neither those of others nor less than all.
A mode that was chosen for the installation becomes that of each tenant; what waits at this moment then
counts as published, as route files of it were already: publish or take it back before.
Safe while the version before runs: it knows none of the new tables, and publishes for all as it did.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "publishing_modes",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("chosen_by", sa.Text(), nullable=True),
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("copied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("live_changes", sa.ARRAY(sa.BigInteger()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("next_changes", sa.ARRAY(sa.BigInteger()), nullable=True),
        sa.Column("failed_revision", sa.BigInteger(), nullable=True),
        sa.Column("files_wait", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("mode IN ('automatic', 'manual')", name=op.f("ck_publishing_modes_mode")),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenants.id"],
            name=op.f("fk_publishing_modes_tenant_id_tenants"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_publishing_modes")),
    )
    op.create_table(
        "published_objects",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("is_next", sa.Boolean(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("settings", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["publishing_modes.tenant_id"],
            name=op.f("fk_published_objects_tenant_id_publishing_modes"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "is_next", "kind", "key", name=op.f("pk_published_objects")),
    )
    op.create_index(
        "ix_published_objects_number", "published_objects", ["tenant_id", "is_next", "kind", "number"]
    )
    op.create_index(op.f("ix_published_objects_key"), "published_objects", ["key"])
    op.execute(
        "INSERT INTO publishing_modes (tenant_id, mode, chosen_by, chosen_at)"
        " SELECT tenants.id, mode, chosen_by, chosen_at FROM configuration_mode CROSS JOIN tenants"
    )
    op.execute("DELETE FROM configuration_mode")


def downgrade() -> None:
    """Take back; the mode is chosen anew, and what waited is published."""
    op.drop_table("published_objects")
    op.drop_table("publishing_modes")
