"""The job queue's schema, as procrastinate 3.10 brings it.

Why: frozen here as a file, so that a later version of the library cannot change what this step did.
Safe while the version before runs: yes, nothing of ours refers to it.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_SCHEMA = Path(__file__).parents[1] / "procrastinate-3.10.sql"


def upgrade() -> None:
    """Apply."""
    # The schema has `%` and `:name` of its own, so it goes past SQLAlchemy's parameters.
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(_SCHEMA.read_bytes())


def downgrade() -> None:
    """Take back."""
    op.execute(
        """
        DO $$
        DECLARE thing record;
        BEGIN
            FOR thing IN SELECT tablename AS name FROM pg_tables
                WHERE schemaname = current_schema() AND tablename LIKE 'procrastinate%'
            LOOP EXECUTE format('DROP TABLE IF EXISTS %I CASCADE', thing.name); END LOOP;
            FOR thing IN SELECT p.oid::regprocedure AS name FROM pg_proc p
                JOIN pg_namespace n ON n.oid = p.pronamespace
                WHERE n.nspname = current_schema() AND p.proname LIKE 'procrastinate%'
            LOOP EXECUTE format('DROP FUNCTION IF EXISTS %s CASCADE', thing.name); END LOOP;
            FOR thing IN SELECT t.typname AS name FROM pg_type t
                JOIN pg_namespace n ON n.oid = t.typnamespace
                WHERE n.nspname = current_schema() AND t.typname LIKE 'procrastinate%'
                    AND t.typtype IN ('e', 'c')
            LOOP EXECUTE format('DROP TYPE IF EXISTS %I CASCADE', thing.name); END LOOP;
        END $$
        """
    )
