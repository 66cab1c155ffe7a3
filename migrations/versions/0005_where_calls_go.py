"""Keep what routes calls: rules of extensions, ring groups, queues, receptionists, inbound rules, hours.

Safe while the version before runs: it knows none of the new tables, and the new column has a default.
It may delete a number that something new points at: that is refused by the database, as an error. The
feature codes that are new are unknown to it, so that it publishes nothing any more; what is live stays live.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())


# What a tenant has from now on, unless it uses the code for something else already.
_FEATURE_CODES = {
    "*16": "closed-now",
    "*38": "queue-log-in",
    "*39": "queue-log-out",
    "*57": "check-own-mailbox",
    "*78": "do-not-disturb-on",
    "*79": "do-not-disturb-off",
}


def _add_feature_codes() -> None:
    op.add_column(
        "feature_codes", sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False)
    )
    for code, feature in _FEATURE_CODES.items():
        op.execute(
            sa.text(
                "INSERT INTO feature_codes (tenant_id, code, feature) SELECT id, :code, :feature FROM tenants"
                " WHERE NOT EXISTS (SELECT 1 FROM feature_codes WHERE tenant_id = tenants.id AND ("
                " starts_with(code, :code) OR starts_with(:code, code)))"
            ).bindparams(code=code, feature=feature)
        )


def upgrade() -> None:
    """Apply."""
    _add_feature_codes()
    op.add_column(
        "extensions",
        sa.Column("rules", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
    )
    op.add_column(
        "mailboxes",
        sa.Column("source_greetings", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
    )
    op.create_table(
        "routing_objects",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("settings", postgresql.JSONB(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        _moment("created_at"),
        _moment("updated_at"),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 64", name=op.f("ck_routing_objects_name")),
        sa.CheckConstraint(
            "(kind IN ('ring-group', 'call-queue', 'virtual-receptionist')) = (number IS NOT NULL)",
            name=op.f("ck_routing_objects_number"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_routing_objects_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_routing_objects")),
        sa.UniqueConstraint("tenant_id", "number", name=op.f("uq_routing_objects_tenant_id_number")),
    )
    op.create_index(
        "ix_routing_objects_named",
        "routing_objects",
        ["tenant_id", "kind", "name"],
        unique=True,
        postgresql_where=sa.text("number IS NULL"),
    )
    op.create_index(
        op.f("ix_routing_objects_tenant_id_kind_number"), "routing_objects", ["tenant_id", "kind", "number"]
    )
    op.create_table(
        "pointers",
        sa.Column("object_id", sa.Uuid(), nullable=False),
        sa.Column("slot", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "number"],
            ["numbers.tenant_id", "numbers.number"],
            name=op.f("fk_pointers_number"),
            deferrable=True,
            initially="IMMEDIATE",
        ),
        sa.PrimaryKeyConstraint("object_id", "slot", name=op.f("pk_pointers")),
    )
    op.create_index(op.f("ix_pointers_tenant_id_number"), "pointers", ["tenant_id", "number"])
    op.create_table(
        "recorded_greetings",
        sa.Column("object_id", sa.Uuid(), nullable=False),
        sa.Column("wav", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["object_id"],
            ["routing_objects.id"],
            name=op.f("fk_recorded_greetings_object_id_routing_objects"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("object_id", name=op.f("pk_recorded_greetings")),
    )
    op.create_table(
        "queue_agents",
        sa.Column("queue_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("logged_in", sa.Boolean(), nullable=False),
        _moment("changed_at"),
        sa.ForeignKeyConstraint(
            ["queue_id"],
            ["routing_objects.id"],
            name=op.f("fk_queue_agents_queue_id_routing_objects"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("queue_id", "number", name=op.f("pk_queue_agents")),
    )
    op.create_table(
        "reserved_numbers",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("first", sa.String(collation="C"), nullable=False),
        sa.Column("last", sa.String(collation="C"), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        _moment("created_at"),
        sa.CheckConstraint(
            "first ~ '^[0-9]{3,64}$' AND last ~ '^[0-9]{3,64}$' AND length(first) = length(last) "
            "AND first <= last",
            name=op.f("ck_reserved_numbers_range"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenants.id"],
            name=op.f("fk_reserved_numbers_tenant_id_tenants"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "first", name=op.f("pk_reserved_numbers")),
    )


def downgrade() -> None:
    """Take back; numbers of what is gone are free."""
    op.execute("DELETE FROM pointers")
    op.execute("DELETE FROM numbers WHERE kind NOT IN ('mailbox', 'extension')")
    for table in ("reserved_numbers", "queue_agents", "recorded_greetings", "pointers", "routing_objects"):
        op.drop_table(table)
    op.drop_column("mailboxes", "source_greetings")
    op.drop_column("extensions", "rules")
    for feature in _FEATURE_CODES.values():
        op.execute(sa.text("DELETE FROM feature_codes WHERE feature = :feature").bindparams(feature=feature))
    op.drop_column("feature_codes", "enabled")
