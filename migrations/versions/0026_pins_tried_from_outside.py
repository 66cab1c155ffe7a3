"""Note apart that a mailbox's PIN was tried too often from outside, which refuses it to those callers only.

Why: somebody who guesses from outside must not shut out the phones of the company.

Safe while the version before runs: it counts all wrong tries together, and notes no refusal here. What it
noted before the upgrade refuses the PIN to all, as it did, until it is changed.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_BEFORE = "pin_hash,pin_refused_at"


def upgrade() -> None:
    """Apply."""
    op.add_column("mailboxes", sa.Column("pin_refused_outside_at", sa.DateTime(timezone=True), nullable=True))
    _audit(f"{_BEFORE},pin_refused_outside_at")


def downgrade() -> None:
    """Take back; who calls from outside may try again."""
    _audit(_BEFORE)
    op.drop_column("mailboxes", "pin_refused_outside_at")


def _audit(left_out: str) -> None:
    """Let the audit log tell of all columns but these; a PIN's hash changes by itself with a new key."""
    op.execute("DROP TRIGGER audit ON mailboxes")
    op.execute(
        "CREATE CONSTRAINT TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON mailboxes "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
        f"EXECUTE FUNCTION audit_change('mailbox', 'number', '{left_out}', 'pin_changed_at=pin')"
    )
