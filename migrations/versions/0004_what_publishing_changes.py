"""Note what each revision changes, who asked for it, and whether changes are published by themselves.

Why: people are to see what waits and what was published, and to publish over REST.
Safe while the version before runs: new columns may be empty or have a default, and it knows none
of the new tables. Its changes are published, and are shown by their files alone.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    default = None if nullable else sa.func.now()
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, server_default=default)


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "configuration_revisions",
        sa.Column("author", sa.Text(), server_default=sa.text("'system'"), nullable=False),
    )
    op.add_column("configuration_revisions", sa.Column("files", postgresql.JSONB(), nullable=True))
    op.add_column("configuration_revisions", sa.Column("put_back", sa.Boolean(), nullable=True))
    op.add_column("configuration_revisions", sa.Column("edited_copy", sa.Text(), nullable=True))
    op.create_table(
        "configuration_changes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("fields", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        _moment("changed_at"),
        _moment("live_at", nullable=True),
        sa.CheckConstraint(
            "action IN ('added', 'changed', 'removed')", name=op.f("ck_configuration_changes_action")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_configuration_changes")),
    )
    op.create_index(
        "ix_configuration_changes_waiting",
        "configuration_changes",
        ["id"],
        postgresql_where=sa.text("live_at IS NULL"),
    )
    op.create_table(
        "configuration_revision_changes",
        sa.Column("revision_id", sa.BigInteger(), nullable=False),
        sa.Column("change_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["revision_id"],
            ["configuration_revisions.id"],
            name=op.f("fk_configuration_revision_changes_revision"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["change_id"],
            ["configuration_changes.id"],
            name=op.f("fk_configuration_revision_changes_change"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("revision_id", "change_id", name=op.f("pk_configuration_revision_changes")),
    )
    op.create_index(
        op.f("ix_configuration_revision_changes_change_id"), "configuration_revision_changes", ["change_id"]
    )
    op.create_table(
        "configuration_mode",
        sa.Column("single", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("chosen_by", sa.Text(), nullable=False),
        _moment("chosen_at"),
        sa.CheckConstraint("single", name=op.f("ck_configuration_mode_single")),
        sa.CheckConstraint("mode IN ('automatic', 'manual')", name=op.f("ck_configuration_mode_mode")),
        sa.PrimaryKeyConstraint("single", name=op.f("pk_configuration_mode")),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("configuration_mode")
    op.drop_table("configuration_revision_changes")
    op.drop_table("configuration_changes")
    for column in ("edited_copy", "put_back", "files", "author"):
        op.drop_column("configuration_revisions", column)
