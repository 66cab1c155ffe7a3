"""Note in the audit log who logged agents of queues in and out, and who retried or discarded mails.

Whose extension and whose token it is stands there by number and name, which people can read, and no more
by an id.

Safe while the version before runs: it changes agents too, and reads none of the new deeds but in lists of
the log, which it cannot show then.
"""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_BEFORE = (
    "'added', 'changed', 'removed', 'heard', 'downloaded', 'marked_read', "
    "'marked_unread', 'deleted', 'restored', 'purged'"
)
_NEW = "'logged_in', 'logged_out', 'retried', 'discarded'"
_AGENT = """
CREATE FUNCTION audit_queue_agent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Without a row an agent is logged in.
    IF NEW.logged_in = (TG_OP = 'INSERT' OR OLD.logged_in) THEN
        RETURN NULL;
    END IF;
    INSERT INTO audit_entries (tenant_id, author, action, kind, object_key, subject, details)
    SELECT tenant_id, audit_author(NULL), CASE WHEN NEW.logged_in THEN 'logged_in' ELSE 'logged_out' END,
        kind, number, number, jsonb_build_object('secrets', '[]'::jsonb, 'before', '{}'::jsonb,
            'after', jsonb_build_object('agent', NEW.number))
    FROM routing_objects WHERE id = NEW.queue_id;
    RETURN NULL;
END
$$
"""
_NAMED = """
CREATE FUNCTION audit_named(facts jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT facts - '{extension_id,user_id}'::text[]
        || CASE WHEN facts ? 'extension_id' THEN jsonb_build_object('extension', CASE
            WHEN facts ->> 'extension_id' IS NOT NULL THEN coalesce(
                (SELECT number FROM extensions WHERE id = (facts ->> 'extension_id')::uuid), '?') END)
            ELSE '{}' END
        || CASE WHEN facts ? 'user_id' THEN jsonb_build_object('user', CASE
            WHEN facts ->> 'user_id' IS NOT NULL THEN coalesce(
                (SELECT user_name FROM users WHERE id = (facts ->> 'user_id')::uuid), '?') END)
            ELSE '{}' END
$$
"""
_FACTS = """
CREATE OR REPLACE FUNCTION audit_facts(line jsonb, hidden text[]) RETURNS jsonb LANGUAGE sql {kept} AS $$
    SELECT {begin}(line || coalesce(line -> 'settings', '{{}}') || coalesce(line -> 'rules', '{{}}')) - hidden
        - '{{id,tenant_id,object_id,version,created_at,updated_at,updated_by,deleted_at,chosen_by,chosen_at,
            settings,rules}}'::text[]{end}
$$
"""


def upgrade() -> None:
    """Apply."""
    _allow(f"{_BEFORE}, {_NEW}")
    op.execute(_NAMED)
    op.execute(_FACTS.format(kept="STABLE", begin="audit_named(", end=")"))
    op.execute(_AGENT)
    op.execute(
        "CREATE CONSTRAINT TRIGGER audit AFTER INSERT OR UPDATE ON queue_agents "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit_queue_agent()"
    )


def downgrade() -> None:
    """Take back; the entries that the version before cannot read go."""
    op.execute("DROP TRIGGER audit ON queue_agents")
    op.execute("DROP FUNCTION audit_queue_agent()")
    op.execute(_FACTS.format(kept="IMMUTABLE", begin="", end=""))
    op.execute("DROP FUNCTION audit_named(jsonb)")
    op.execute("SET LOCAL controlplane.retention = 'on'")
    op.execute(f"DELETE FROM audit_entries WHERE action IN ({_NEW})")  # noqa: S608 (our own words)
    _allow(_BEFORE)


def _allow(actions: str) -> None:
    name = op.f("ck_audit_entries_action")
    op.drop_constraint(name, "audit_entries")
    op.create_check_constraint(name, "audit_entries", f"action IN ({actions})")
