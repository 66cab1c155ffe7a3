"""What `controlplane doctor` says of the portal: whether anybody may sign in."""

from __future__ import annotations

from typing import Final

from controlplane.domain.errors import Unavailable
from controlplane.entrypoints.findings import Finding
from controlplane.settings import Settings
from controlplane.storage import users
from controlplane.storage.database import Database

_SUBJECT: Final = "portal"
_SECONDS: Final = 15.0


async def check_portal(settings: Settings) -> list[Finding]:
    """Somebody manages the installation in the portal; where `up` runs it, its link makes the first one."""
    database = Database(settings.sqlalchemy_url, pool_size=1, timeout_seconds=_SECONDS)
    try:
        async with database.transaction() as session:
            admin = await users.oldest_system_admin(session)
    except Unavailable as error:
        found = f"its users cannot be read: {error}"
        return [Finding(subject=_SUBJECT, found=found, remedy="See the finding about the database.")]
    finally:
        await database.close()
    if admin is not None:
        return [Finding(subject=_SUBJECT, found="a system admin can sign in")]
    if settings.private:
        return [Finding(subject=_SUBJECT, found="nobody has opened the link that `controlplane up` printed")]
    # REST and the phones need none: nothing is wrong yet.
    found = "nobody can sign in yet; `controlplane create-admin NAME` makes the first system admin"
    return [Finding(subject=_SUBJECT, found=found)]
