"""What a phone needs to register as an extension, and signed links by which it fetches that itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from itsdangerous import BadData, TimestampSigner, URLSafeTimedSerializer

from controlplane.domain.audit import AuditAction
from controlplane.domain.errors import NotFound
from controlplane.domain.extension import Extension
from controlplane.storage import audit, extensions, tenants
from controlplane.storage.database import Database

VALID_MINUTES: Final = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneAccount:
    """An extension as a phone registers with it. `a1_hash` is as good as the password for this realm."""

    extension: Extension
    sip_domain: str
    a1_hash: str


class PhoneLinks:
    """Makes and reads the token of a link that sets a phone up; nothing is stored for it.

    It names the extension, its version and who made it: once the extension is changed it ends.
    """

    __slots__ = ("_serializer",)

    def __init__(self, key: str, *, clock: Callable[[], float] = time.time) -> None:
        class Signer(TimestampSigner):
            def get_timestamp(self) -> int:
                return int(clock())

        self._serializer = URLSafeTimedSerializer(key, salt="phone-set-up", signer=Signer)

    def make(self, extension: Extension, *, by: str) -> str:
        """Return a token that is safe in a URL."""
        return str(self._serializer.dumps([extension.id.hex, extension.version, by]))

    def read(self, token: str) -> tuple[UUID, int, str]:
        """Return extension, version and author; raises NotFound `link-used`."""
        try:
            name, version, by = self._serializer.loads(token, max_age=VALID_MINUTES * 60)
            return UUID(hex=str(name)), int(version), str(by)
        except (BadData, ValueError, TypeError) as error:
            raise _ended() from error


async def phone_account(db: Database, *, tenant_id: UUID, number: str) -> PhoneAccount:
    """Return what a phone of an extension needs; raises NotFound `no-such-extension`."""
    async with db.transaction() as session:
        row = await extensions.by_number(session, tenant_id, number)
        tenant = await tenants.get(session, tenant_id)
        if row is None or tenant is None:
            raise NotFound("There is no extension with this number.", error_id="no-such-extension")
        return PhoneAccount(
            extension=extensions.extension_values(row),
            sip_domain=tenant.sip_domain,
            a1_hash=row.sip_a1_hash,
        )


async def account_of_link(db: Database, links: PhoneLinks, token: str) -> PhoneAccount:
    """Return the account that a link names, and note that it was fetched; raises NotFound `link-used`."""
    extension_id, version, by = links.read(token)
    async with db.transaction() as session:
        row = await extensions.get(session, extension_id)
        tenant = None if row is None else await tenants.get(session, row.tenant_id)
        if row is None or tenant is None or row.version != version:
            raise _ended()
        await audit.note_done(
            session, row.tenant_id, action=AuditAction.DOWNLOADED, kind="extension", key=row.number, by=by
        )
        return PhoneAccount(
            extension=extensions.extension_values(row),
            sip_domain=tenant.sip_domain,
            a1_hash=row.sip_a1_hash,
        )


def _ended() -> NotFound:
    return NotFound("This link was used, has expired, or was replaced by another one.", error_id="link-used")
