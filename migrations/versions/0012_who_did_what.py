"""Keep who heard, downloaded, deleted and changed what, with before and after.

Why by triggers: whatever changes a row, by whichever way, is noted in the same transaction, and a new kind
of object needs one line here and none in the services. They run at the commit, when it is known who
changes it: a transaction says so once (`controlplane.author`). Messages say it in their rows.
See docs/adr/0025-audit-by-triggers.md.

Safe while the version before runs: what it changes is noted too, by `system` where it does not say who.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_FUNCTIONS = """
CREATE FUNCTION audit_author(named text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(nullif(current_setting('controlplane.author', true), ''), named, 'system')
$$;

-- What a row says: its columns but those that are no business of readers, and the fields of its documents.
CREATE FUNCTION audit_facts(line jsonb, hidden text[]) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT (line || coalesce(line -> 'settings', '{}') || coalesce(line -> 'rules', '{}')) - hidden
        - '{id,tenant_id,object_id,version,created_at,updated_at,updated_by,deleted_at,chosen_by,chosen_at,
            settings,rules}'::text[]
$$;

-- Arguments: the kind (empty: the column `kind`), the columns of the key (the first that is set),
-- columns that are left out, and `column=name` of secrets, of which only that they changed is noted.
CREATE FUNCTION audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    hidden text[] := string_to_array(TG_ARGV[2], ',');
    old_line jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    new_line jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    line jsonb := coalesce(new_line, old_line);
    what text := CASE TG_OP WHEN 'INSERT' THEN 'added' WHEN 'UPDATE' THEN 'changed' ELSE 'removed' END;
    object_kind text := coalesce(nullif(TG_ARGV[0], ''), line ->> 'kind');
    object_key text;
    owner uuid := (line ->> 'tenant_id')::uuid;
    secrets text[] := '{}';
    pair text;
    before jsonb;
    after jsonb;
BEGIN
    IF coalesce(old_line ->> 'deleted_at', old_line ->> 'revoked_at') IS NOT NULL THEN
        RETURN NULL;  -- It was removed already; only its row goes now.
    END IF;
    IF TG_OP = 'UPDATE' AND coalesce(new_line ->> 'deleted_at', new_line ->> 'revoked_at') IS NOT NULL THEN
        what := 'removed';
        new_line := NULL;
    END IF;
    SELECT line ->> name INTO object_key FROM unnest(string_to_array(TG_ARGV[1], ',')) AS name
        WHERE line ->> name IS NOT NULL LIMIT 1;
    FOREACH pair IN ARRAY string_to_array(TG_ARGV[3], ',') LOOP
        hidden := hidden || split_part(pair, '=', 1);
        IF what <> 'removed' AND audit_facts(coalesce(new_line, '{}'), '{}') -> split_part(pair, '=', 1)
            IS DISTINCT FROM audit_facts(coalesce(old_line, '{}'), '{}') -> split_part(pair, '=', 1)
            AND (what <> 'added'
                OR audit_facts(new_line, '{}') ->> split_part(pair, '=', 1) IS NOT NULL)
        THEN
            secrets := secrets || split_part(pair, '=', 2);
        END IF;
    END LOOP;
    before := audit_facts(coalesce(old_line, '{}'), hidden);
    after := audit_facts(coalesce(new_line, '{}'), hidden);
    IF what = 'changed' THEN
        SELECT coalesce(jsonb_object_agg(key, before -> key), '{}'),
                coalesce(jsonb_object_agg(key, after -> key), '{}')
            INTO before, after
            FROM jsonb_object_keys(before || after) AS key
            WHERE before -> key IS DISTINCT FROM after -> key;
        IF before = '{}' AND after = '{}' AND secrets = '{}' THEN
            RETURN NULL;
        END IF;
    ELSE
        before := jsonb_strip_nulls(before);
        after := jsonb_strip_nulls(after);
    END IF;
    IF object_kind = 'tenant' AND what = 'changed' THEN
        owner := (line ->> 'id')::uuid;
    ELSIF object_kind = 'publishing' THEN
        SELECT name INTO object_key FROM tenants WHERE id = owner;
    END IF;
    INSERT INTO audit_entries (tenant_id, author, action, kind, object_key, subject, details)
    VALUES (owner, audit_author(coalesce(line ->> 'updated_by', line ->> 'chosen_by')), what, object_kind,
        coalesce(object_key, '?'), coalesce(object_key, '?'),
        jsonb_build_object('before', before, 'after', after, 'secrets', secrets));
    RETURN NULL;
END
$$;

-- A statement at once, as many messages may be changed together. Their rows say who did it.
CREATE FUNCTION audit_messages_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_entries (tenant_id, author, action, kind, object_key, subject, details)
    SELECT was.tenant_id, coalesce(becomes.state_changed_by, audit_author(NULL)),
        CASE WHEN becomes.state = 'deleted' THEN 'deleted' WHEN was.state = 'deleted' THEN 'restored'
            WHEN becomes.state = 'saved' THEN 'marked_read' ELSE 'marked_unread' END,
        'message', was.id, coalesce(mailboxes.number, '?'),
        jsonb_build_object('caller', was.caller_number, 'received_at', was.received_at,
            'before', jsonb_build_object('state', was.state),
            'after', jsonb_build_object('state', becomes.state))
    FROM was JOIN becomes ON becomes.id = was.id LEFT JOIN mailboxes ON mailboxes.id = was.mailbox_id
    WHERE becomes.state <> was.state;
    RETURN NULL;
END
$$;

-- Who purges says so before.
CREATE FUNCTION audit_messages_purged() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_entries (tenant_id, author, action, kind, object_key, subject, details)
    SELECT was.tenant_id, audit_author(NULL), 'purged', 'message', was.id, coalesce(mailboxes.number, '?'),
        jsonb_build_object('caller', was.caller_number, 'received_at', was.received_at,
            'before', jsonb_build_object('state', was.state), 'after', '{}'::jsonb)
    FROM was LEFT JOIN mailboxes ON mailboxes.id = was.mailbox_id;
    RETURN NULL;
END
$$;

CREATE FUNCTION audit_recorded_greeting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_entries (tenant_id, author, action, kind, object_key, subject, details)
    SELECT tenant_id, audit_author(NULL), 'changed', kind, coalesce(number, name), coalesce(number, name),
        jsonb_build_object('before', jsonb_build_object('recorded_greeting', TG_OP <> 'INSERT'),
            'after', jsonb_build_object('recorded_greeting', TG_OP <> 'DELETE'))
    FROM routing_objects WHERE id = CASE WHEN TG_OP = 'DELETE' THEN OLD.object_id ELSE NEW.object_id END;
    RETURN NULL;
END
$$;

CREATE FUNCTION audit_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('controlplane.retention', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'Entries of the audit log stay as they are.'
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;
"""

_AUDITED = {
    "mailboxes": (
        "mailbox",
        "number",
        "pin_hash,pin_refused_at",
        # A PIN's hash changes by itself when there is a new key.
        "pin_changed_at=pin",
    ),
    "extensions": ("extension", "number", "", "sip_a1_hash=sip_password"),
    "routing_objects": ("", "number,name", "kind", "password=password"),
    "tenants": ("tenant", "name", "", ""),
    "feature_codes": ("feature-code", "code", "", ""),
    "reserved_numbers": ("reserved-numbers", "first", "", ""),
    "publishing_modes": (
        "publishing",
        "tenant_id",
        "copied_at,live_changes,next_changes,failed_revision,files_wait",
        "",
    ),
    "api_tokens": ("token", "name", "token_sha256", ""),
    "users": ("user", "user_name", "last_signed_in_at", "password_hash=password"),
}
_DEFERRED = "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=True),
        sa.Column("happened_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("details", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.CheckConstraint(
            "action IN ('added', 'changed', 'removed', 'heard', 'downloaded', 'marked_read', "
            "'marked_unread', 'deleted', 'restored', 'purged')",
            name=op.f("ck_audit_entries_action"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
    )
    for columns in (
        ["tenant_id", "happened_at", "id"],
        ["tenant_id", "object_key", "happened_at", "id"],
        ["tenant_id", "subject", "happened_at", "id"],
        ["tenant_id", "author", "happened_at", "id"],
        ["happened_at"],
    ):
        op.create_index(op.f(f"ix_audit_entries_{'_'.join(columns)}"), "audit_entries", columns)
    for function in _FUNCTIONS.split("\n\n"):
        op.execute(function)
    op.execute(
        "CREATE TRIGGER audit_is_kept BEFORE UPDATE OR DELETE ON audit_entries "
        "FOR EACH ROW EXECUTE FUNCTION audit_is_kept()"
    )
    for table, arguments in _AUDITED.items():
        quoted = ", ".join(f"'{argument}'" for argument in arguments)
        op.execute(
            f"CREATE CONSTRAINT TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON {table} {_DEFERRED} "
            f"EXECUTE FUNCTION audit_change({quoted})"
        )
    op.execute(
        "CREATE TRIGGER audit_changed AFTER UPDATE ON messages "
        "REFERENCING OLD TABLE AS was NEW TABLE AS becomes "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_messages_changed()"
    )
    op.execute(
        "CREATE TRIGGER audit_purged AFTER DELETE ON messages REFERENCING OLD TABLE AS was "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_messages_purged()"
    )
    op.execute(
        f"CREATE CONSTRAINT TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON recorded_greetings {_DEFERRED} "
        "EXECUTE FUNCTION audit_recorded_greeting()"
    )


def downgrade() -> None:
    """Take back."""
    for table in (*_AUDITED, "recorded_greetings"):
        op.execute(f"DROP TRIGGER audit ON {table}")
    for trigger in ("audit_changed", "audit_purged"):
        op.execute(f"DROP TRIGGER {trigger} ON messages")
    op.drop_table("audit_entries")
    for function in ("change", "messages_changed", "messages_purged", "recorded_greeting", "is_kept"):
        op.execute(f"DROP FUNCTION audit_{function}()")
    op.execute("DROP FUNCTION audit_facts(jsonb, text[])")
    op.execute("DROP FUNCTION audit_author(text)")
