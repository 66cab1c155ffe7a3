"""Who may open the pages about what callers hear: admins, and of a mailbox also members who manage it."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import Depends, Path

from controlplane.domain.numbers import NumberKind
from controlplane.domain.rights import Right
from controlplane.services.access import check_mailbox
from controlplane.web.errors import Forbidden
from controlplane.web.portal.access import Anybody, AnybodyWithFiles
from controlplane.web.portal.visits import Visit

Owners = Annotated[Literal["mailboxes", "virtual-receptionists"], Path()]
KINDS: Final = {"mailboxes": NumberKind.MAILBOX, "virtual-receptionists": NumberKind.VIRTUAL_RECEPTIONIST}


async def who_manages(visit: Anybody, owners: Owners, number: str) -> Visit:
    """Return the visit of an admin, or of a member who manages the mailbox.

    Raises NotFound, NotAllowed, Forbidden.
    """
    await _check(visit, owners, number)
    return visit


async def who_manages_with_files(visit: AnybodyWithFiles, owners: Owners, number: str) -> Visit:
    """Do the same for who may send a form with files."""
    await _check(visit, owners, number)
    return visit


Managing = Annotated[Visit, Depends(who_manages)]
ManagingWithFiles = Annotated[Visit, Depends(who_manages_with_files)]


async def _check(visit: Visit, owners: str, number: str) -> None:
    if visit.member is not None and KINDS[owners] is not NumberKind.MAILBOX:
        raise Forbidden("This is for admins.", error_id="admins-only")
    await check_mailbox(
        visit.deps.db,
        tenant_id=visit.person.tenant_id,
        number=number.replace("\0", "\ufffd"),
        member=visit.member,
        right=Right.MANAGE,
    )
