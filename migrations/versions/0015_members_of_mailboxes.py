"""Keep members of mailboxes and their rights, teams, whose extension is whose, and tokens of users.

Safe while the version before runs: it makes no members, and its tokens belong to no user. Going back is
refused by the database while there are users with the role `member`, which that version does not know.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_NOW = sa.text("now()")


def _times() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
    )


def upgrade() -> None:
    """Apply."""
    op.add_column("users", sa.Column("extension_id", sa.Uuid(), nullable=True))
    op.add_column(
        "users", sa.Column("pin_spared", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.create_foreign_key(
        op.f("fk_users_extension_id_extensions"),
        "users",
        "extensions",
        ["extension_id"],
        ["id"],
        ondelete="SET NULL",
    )
    op.create_unique_constraint(op.f("uq_users_extension_id"), "users", ["extension_id"])
    op.create_check_constraint(
        op.f("ck_users_extension"), "users", "extension_id IS NULL OR tenant_id IS NOT NULL"
    )
    op.create_index(op.f("ix_users_tenant_id_user_name"), "users", ["tenant_id", "user_name"])
    op.drop_constraint(op.f("ck_users_role"), "users")
    op.create_check_constraint(
        op.f("ck_users_role"), "users", "role IN ('system_admin', 'tenant_admin', 'member')"
    )
    op.create_table(
        "teams",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        *_times(),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 64", name=op.f("ck_teams_name")),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_teams_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teams")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_teams_tenant_id_name")),
    )
    op.create_table(
        "team_people",
        sa.Column("team_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["team_id"], ["teams.id"], name=op.f("fk_team_people_team_id_teams"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_team_people_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("team_id", "user_id", name=op.f("pk_team_people")),
    )
    op.create_index(op.f("ix_team_people_user_id"), "team_people", ["user_id"])
    op.create_table(
        "mailbox_members",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("mailbox_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("team_id", sa.Uuid(), nullable=True),
        sa.Column("rights", sa.ARRAY(sa.Text()), nullable=False),
        *_times(),
        sa.CheckConstraint("(user_id IS NULL) <> (team_id IS NULL)", name=op.f("ck_mailbox_members_one")),
        sa.CheckConstraint(
            "cardinality(rights) > 0 AND rights <@ ARRAY['listen', 'download', 'delete', 'manage']",
            name=op.f("ck_mailbox_members_rights"),
        ),
        sa.ForeignKeyConstraint(
            ["mailbox_id"],
            ["mailboxes.id"],
            name=op.f("fk_mailbox_members_mailbox_id_mailboxes"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_mailbox_members_user_id_users"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["team_id"], ["teams.id"], name=op.f("fk_mailbox_members_team_id_teams"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailbox_members")),
        sa.UniqueConstraint("mailbox_id", "user_id", name=op.f("uq_mailbox_members_mailbox_id_user_id")),
        sa.UniqueConstraint("mailbox_id", "team_id", name=op.f("uq_mailbox_members_mailbox_id_team_id")),
    )
    op.create_index(op.f("ix_mailbox_members_user_id"), "mailbox_members", ["user_id"])
    op.create_index(op.f("ix_mailbox_members_team_id"), "mailbox_members", ["team_id"])
    op.add_column("api_tokens", sa.Column("user_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_api_tokens_user_id_users"), "api_tokens", "users", ["user_id"], ["id"], ondelete="CASCADE"
    )
    op.create_index(op.f("ix_api_tokens_user_id"), "api_tokens", ["user_id"])


def downgrade() -> None:
    """Take back."""
    op.drop_column("api_tokens", "user_id")
    for table in ("mailbox_members", "team_people", "teams"):
        op.drop_table(table)
    op.drop_constraint(op.f("ck_users_role"), "users")
    op.create_check_constraint(op.f("ck_users_role"), "users", "role IN ('system_admin', 'tenant_admin')")
    op.drop_index(op.f("ix_users_tenant_id_user_name"), "users")
    op.drop_column("users", "pin_spared")
    op.drop_column("users", "extension_id")
