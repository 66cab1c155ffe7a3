"""Which constraint of the database an error comes from."""

from __future__ import annotations

import psycopg
from sqlalchemy.exc import IntegrityError


def constraint_of(error: IntegrityError) -> str | None:
    """Return the name of the constraint that was broken, if the database says so."""
    cause = error.orig
    return cause.diag.constraint_name if isinstance(cause, psycopg.Error) else None
