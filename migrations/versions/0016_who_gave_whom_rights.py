"""Note in the audit log who gave whom which rights, and who put whom into a team.

Why: rights decide who hears messages. What goes with a mailbox, a team or a user that is deleted is not
noted beside that.

Safe while the version before runs: what it changes is noted too.
"""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_MEMBERS = """
CREATE FUNCTION audit_member() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    line jsonb := CASE WHEN TG_OP = 'DELETE' THEN to_jsonb(OLD) ELSE to_jsonb(NEW) END;
    who text;
BEGIN
    -- At the commit: whose rights went with somebody or something that is gone has no name any more.
    SELECT user_name INTO who FROM users WHERE id = (line ->> 'user_id')::uuid;
    IF who IS NULL THEN
        SELECT name INTO who FROM teams WHERE id = (line ->> 'team_id')::uuid;
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.rights = NEW.rights THEN
        RETURN NULL;
    END IF;
    INSERT INTO audit_entries (tenant_id, author, action, kind, object_key, subject, details)
    SELECT tenant_id, audit_author(NULL), 'changed', 'mailbox', number, number,
        jsonb_build_object('secrets', '[]'::jsonb,
            'before', CASE WHEN TG_OP = 'INSERT' THEN '{}' ELSE jsonb_build_object('members',
                who || ': ' || array_to_string(OLD.rights, ', ')) END,
            'after', CASE WHEN TG_OP = 'DELETE' THEN '{}' ELSE jsonb_build_object('members',
                who || ': ' || array_to_string(NEW.rights, ', ')) END)
    FROM mailboxes WHERE id = (line ->> 'mailbox_id')::uuid AND deleted_at IS NULL AND who IS NOT NULL;
    RETURN NULL;
END
$$
"""
_PEOPLE = """
CREATE FUNCTION audit_team_person() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    line jsonb := CASE WHEN TG_OP = 'DELETE' THEN to_jsonb(OLD) ELSE to_jsonb(NEW) END;
    what text := CASE WHEN TG_OP = 'DELETE' THEN 'before' ELSE 'after' END;
BEGIN
    INSERT INTO audit_entries (tenant_id, author, action, kind, object_key, subject, details)
    SELECT teams.tenant_id, audit_author(NULL), 'changed', 'team', name, name,
        jsonb_build_object('secrets', '[]'::jsonb, 'before', '{}'::jsonb, 'after', '{}'::jsonb)
            || jsonb_build_object(what, jsonb_build_object('people', user_name))
    FROM teams, users
    WHERE teams.id = (line ->> 'team_id')::uuid AND users.id = (line ->> 'user_id')::uuid;
    RETURN NULL;
END
$$
"""
_TRIGGERS = {
    "mailbox_members": ("INSERT OR UPDATE OR DELETE", "audit_member()"),
    "team_people": ("INSERT OR DELETE", "audit_team_person()"),
    "teams": ("INSERT OR UPDATE OR DELETE", "audit_change('team', 'name', '', '')"),
}


def upgrade() -> None:
    """Apply."""
    op.execute(_MEMBERS)
    op.execute(_PEOPLE)
    for table, (changes, function) in _TRIGGERS.items():
        op.execute(
            f"CREATE CONSTRAINT TRIGGER audit AFTER {changes} ON {table} "
            f"DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {function}"
        )


def downgrade() -> None:
    """Take back."""
    for table in _TRIGGERS:
        op.execute(f"DROP TRIGGER audit ON {table}")
    op.execute("DROP FUNCTION audit_team_person()")
    op.execute("DROP FUNCTION audit_member()")
