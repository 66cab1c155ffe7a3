"""The first tables, and the tenant `default` with the feature code `*56`.

Why: an empty database becomes one that an installation can start from.
Safe while the version before runs: there is none.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "configuration_revisions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("live_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'live', 'failed', 'superseded')",
            name=op.f("ck_configuration_revisions_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_configuration_revisions")),
    )
    op.create_table(
        "recordings_taken",
        sa.Column("recording_id", sa.Uuid(), nullable=False),
        sa.Column("mailbox_id", sa.Uuid(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("recording_id", name=op.f("pk_recordings_taken")),
    )
    op.create_index(op.f("ix_recordings_taken_taken_at"), "recordings_taken", ["taken_at"], unique=False)
    op.create_table(
        "tenants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sip_domain", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("name ~ '^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$'", name=op.f("ck_tenants_name")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenants")),
        sa.UniqueConstraint("name", name=op.f("uq_tenants_name")),
        sa.UniqueConstraint("sip_domain", name=op.f("uq_tenants_sip_domain")),
    )
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_api_tokens_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_api_tokens_token_sha256")),
    )
    op.create_table(
        "extensions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("sip_a1_hash", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("length(display_name) BETWEEN 1 AND 64", name=op.f("ck_extensions_display_name")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_extensions_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_extensions")),
        sa.UniqueConstraint("tenant_id", "number", name=op.f("uq_extensions_tenant_id_number")),
    )
    op.create_table(
        "feature_codes",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("feature", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "code ~ '^[*#]{1,3}[0-9]{0,4}$' AND length(code) BETWEEN 2 AND 7",
            name=op.f("ck_feature_codes_code"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_feature_codes_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "code", name=op.f("pk_feature_codes")),
    )
    op.create_table(
        "mailboxes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("pin_hash", sa.Text(), nullable=False),
        sa.Column(
            "pin_changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("pin_required", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("email_recipients", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("email_notification", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("email_attachment", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("email_attachment_format", sa.Text(), server_default=sa.text("'mp3'"), nullable=False),
        sa.Column("say_datetime", sa.Text(), server_default=sa.text("'off'"), nullable=False),
        sa.Column("review", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("min_message_seconds", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("max_message_seconds", sa.Integer(), server_default=sa.text("300"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "email_attachment_format IN ('mp3', 'wav')", name=op.f("ck_mailboxes_email_attachment_format")
        ),
        sa.CheckConstraint("say_datetime IN ('off', '12h', '24h')", name=op.f("ck_mailboxes_say_datetime")),
        sa.CheckConstraint("cardinality(email_recipients) <= 15", name=op.f("ck_mailboxes_email_recipients")),
        sa.CheckConstraint("length(display_name) BETWEEN 1 AND 64", name=op.f("ck_mailboxes_display_name")),
        sa.CheckConstraint(
            "min_message_seconds BETWEEN 0 AND 60 AND max_message_seconds BETWEEN 1 AND 3600 "
            "AND min_message_seconds < max_message_seconds",
            name=op.f("ck_mailboxes_message_seconds"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_mailboxes_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailboxes")),
    )
    op.create_index(
        op.f("ix_mailboxes_tenant_id_number"),
        "mailboxes",
        ["tenant_id", "number"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "numbers",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("number ~ '^[0-9]{3,64}$'", name=op.f("ck_numbers_number")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_numbers_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "number", name=op.f("pk_numbers")),
        sa.UniqueConstraint("object_id", name=op.f("uq_numbers_object_id")),
    )
    op.create_table(
        "pin_tries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("mailbox_id", sa.Uuid(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("correct", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_pin_tries_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pin_tries")),
    )
    op.create_index(
        op.f("ix_pin_tries_mailbox_id_tried_at"), "pin_tries", ["mailbox_id", "tried_at"], unique=False
    )
    op.create_index(
        op.f("ix_pin_tries_tenant_id_source_tried_at"),
        "pin_tries",
        ["tenant_id", "source", "tried_at"],
        unique=False,
    )
    op.create_index(op.f("ix_pin_tries_tried_at"), "pin_tries", ["tried_at"], unique=False)
    op.create_table(
        "idempotency_keys",
        sa.Column("token_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("request_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["token_id"],
            ["api_tokens.id"],
            name=op.f("fk_idempotency_keys_token_id_api_tokens"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("token_id", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index(op.f("ix_idempotency_keys_created_at"), "idempotency_keys", ["created_at"], unique=False)
    op.create_table(
        "messages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("mailbox_id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("caller_number", sa.Text(), nullable=False),
        sa.Column("caller_name", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'new'"), nullable=False),
        sa.Column("state_before", sa.Text(), nullable=True),
        sa.Column(
            "state_changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("state_changed_by", sa.Text(), nullable=True),
        sa.Column("reached_by", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "(state = 'deleted') = (state_before IS NOT NULL) AND state_before IS DISTINCT FROM 'deleted'",
            name=op.f("ck_messages_state_before"),
        ),
        sa.CheckConstraint("state IN ('new', 'saved', 'deleted')", name=op.f("ck_messages_state")),
        sa.ForeignKeyConstraint(
            ["mailbox_id"], ["mailboxes.id"], name=op.f("fk_messages_mailbox_id_mailboxes")
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_messages_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
    )
    op.create_index(
        op.f("ix_messages_mailbox_id_state_received_at_id"),
        "messages",
        ["mailbox_id", "state", "received_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_messages_tenant_id_received_at_id"),
        "messages",
        ["tenant_id", "received_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_messages_trash",
        "messages",
        ["state_changed_at"],
        unique=False,
        postgresql_where=sa.text("state = 'deleted'"),
    )
    op.create_table(
        "message_mails",
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'queued'"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("status IN ('queued', 'sent', 'failed')", name=op.f("ck_message_mails_status")),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["messages.id"],
            name=op.f("fk_message_mails_message_id_messages"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("message_id", "recipient", name=op.f("pk_message_mails")),
    )
    op.execute(
        "WITH tenant AS (INSERT INTO tenants (id, name, sip_domain, language, time_zone)"
        " VALUES (gen_random_uuid(), 'default', 'localhost', 'en', 'UTC') RETURNING id)"
        " INSERT INTO feature_codes (tenant_id, code, feature) SELECT id, '*56', 'check-messages' FROM tenant"
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("message_mails")
    op.drop_index("ix_messages_trash", table_name="messages", postgresql_where=sa.text("state = 'deleted'"))
    op.drop_index(op.f("ix_messages_tenant_id_received_at_id"), table_name="messages")
    op.drop_index(op.f("ix_messages_mailbox_id_state_received_at_id"), table_name="messages")
    op.drop_table("messages")
    op.drop_index(op.f("ix_idempotency_keys_created_at"), table_name="idempotency_keys")
    op.drop_table("idempotency_keys")
    op.drop_index(op.f("ix_pin_tries_tried_at"), table_name="pin_tries")
    op.drop_index(op.f("ix_pin_tries_tenant_id_source_tried_at"), table_name="pin_tries")
    op.drop_index(op.f("ix_pin_tries_mailbox_id_tried_at"), table_name="pin_tries")
    op.drop_table("pin_tries")
    op.drop_table("numbers")
    op.drop_index(
        op.f("ix_mailboxes_tenant_id_number"),
        table_name="mailboxes",
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.drop_table("mailboxes")
    op.drop_table("feature_codes")
    op.drop_table("extensions")
    op.drop_table("api_tokens")
    op.drop_table("tenants")
    op.drop_index(op.f("ix_recordings_taken_taken_at"), table_name="recordings_taken")
    op.drop_table("recordings_taken")
    op.drop_table("configuration_revisions")
