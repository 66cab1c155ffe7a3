"""What `doctor` says of the keys of PINs."""

from __future__ import annotations

from sqlalchemy.exc import ProgrammingError

from controlplane.domain.errors import Unavailable
from controlplane.entrypoints.findings import Finding
from controlplane.services.pin_hashing import MalformedPinKeys, key_marks
from controlplane.settings import Settings
from controlplane.storage import pin_keys
from controlplane.storage.database import Database

_SECONDS = 5.0


async def check_pin_keys(settings: Settings) -> list[Finding]:
    """Every PIN can be verified: each key by which one is stored is set."""
    try:
        ours = list(key_marks(settings.pins.keys.get_secret_value()))
    except MalformedPinKeys as error:
        return [Finding(subject="PIN keys", found=str(error), remedy="Correct CONTROLPLANE_PINS__KEYS.")]
    database = Database(settings.sqlalchemy_url, pool_size=1, timeout_seconds=_SECONDS)
    try:
        async with database.transaction() as session:
            used = await pin_keys.in_use(session)
    except (Unavailable, ProgrammingError):
        return [
            Finding(
                subject="PIN keys",
                found="the database does not say which are in use",
                remedy="See the findings above.",
            )
        ]
    finally:
        await database.close()
    missing = {key: count for key, count in used.items() if key not in ours}
    if missing:
        mailboxes = sum(missing.values())
        return [
            Finding(
                subject="PIN keys",
                found=f"{mailboxes} PINs were stored with {', '.join(sorted(missing))}, which is not set",
                remedy="Put the key back into CONTROLPLANE_PINS__KEYS, below the newest one;"
                " if it is lost, set these PINs anew.",
            )
        ]
    return [Finding(subject="PIN keys", found=f"those of all PINs are set; the newest is {ours[0]}")]
