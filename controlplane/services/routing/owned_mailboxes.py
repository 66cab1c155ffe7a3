"""Mailboxes that extensions own: `forward_to_voicemail` must lead to one, as long as it is said.

Whoever changes an object locks it, then all extensions at once, then numbers: in another order two could
wait for each other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.errors import Conflict, InvalidValue
from controlplane.domain.routing.destination import DestinationAction, destinations_in
from controlplane.domain.routing.extension_rules import ExtensionRules
from controlplane.domain.routing.kinds import RoutingKind
from controlplane.services.routing.pointing import pointer_json
from controlplane.storage import extensions
from controlplane.storage.routing import pointers
from controlplane.storage.routing.documents import rules_from
from controlplane.storage.routing.pointers import PointingObject
from controlplane.storage.tables import ExtensionRow

_VOICEMAIL = DestinationAction.FORWARD_TO_VOICEMAIL


def owners_in(settings: object) -> set[str]:
    """Return the numbers of the extensions into whose voicemail an object's settings forward by number."""
    return {
        destination.number
        for _, destination in destinations_in(settings)
        if destination.action is _VOICEMAIL and destination.number is not None
    }


def owned_of(rows: Mapping[str, ExtensionRow]) -> dict[str, str | None]:
    """Return the mailboxes that extensions own, by their numbers."""
    return {number: rules_from(row.rules).mailbox for number, row in rows.items()}


async def lock_owners(session: AsyncSession, tenant_id: UUID, settings: object) -> dict[str, str | None]:
    """Return the mailboxes of the extensions into whose voicemail settings forward.

    Nobody takes them away until the transaction ends.
    """
    return owned_of(await extensions.by_numbers(session, tenant_id, owners_in(settings), lock=True))


def check_voicemails(
    settings: object,
    owned: Mapping[str, str | None],
    *,
    own_number: str | None = None,
    own_mailbox: str | None = None,
) -> None:
    """See that each `forward_to_voicemail` of an object's settings means an extension that owns a mailbox.

    `owned` are the mailboxes of the `owners_in` them. `own_number` and `own_mailbox` are those of the
    extension whose rules these are. Raises InvalidValue `no-mailbox-owned`, naming the field.
    """
    for slot, destination in destinations_in(settings):
        if destination.action is not _VOICEMAIL:
            continue
        number = destination.number or own_number
        if number is None:
            raise InvalidValue(
                "forward_to_voicemail needs the number of the extension whose mailbox is meant.",
                error_id="no-mailbox-owned",
                field=f"{slot}.number",
            )
        if (own_mailbox if number == own_number else owned.get(number)) is None:
            raise InvalidValue(
                f"{number} is no extension that owns a mailbox: give it one by `mailbox` in its rules, or "
                "forward to the number of a mailbox.",
                error_id="no-mailbox-owned",
                field=f"{slot}.{'action' if destination.number is None else 'number'}",
            )


async def voicemail_users(session: AsyncSession, *, tenant_id: UUID, number: str) -> list[PointingObject]:
    """Return what else forwards to the voicemail of an extension, a line for each field."""
    found = await pointers.pointing_at(session, tenant_id, number, limit=_ALL)
    settings = await pointers.settings_of(session, {one.object_id for one in found if one.number != number})
    meant = {
        (object_id, slot)
        for object_id, value in settings.items()
        for slot, destination in destinations_in(value)
        if destination.action is _VOICEMAIL and destination.number == number
    }
    return [one for one in found if (one.object_id, one.slot) in meant]


async def check_lengths(session: AsyncSession, users: Collection[PointingObject], *, tenant_id: UUID) -> None:
    """See that the exceptions of extensions that forward to a voicemail are not too long with its mailbox.

    `users` are those of `voicemail_users`. Raises InvalidValue `too-many`, naming the first of them.
    """
    ids = {one.object_id: one for one in users if one.slot.startswith("exceptions.")}
    for object_id, rules in (await pointers.settings_of(session, ids)).items():
        assert isinstance(rules, ExtensionRules)
        owned = owned_of(await extensions.by_numbers(session, tenant_id, owners_in(rules)))
        try:
            rules.check_length(owned)
        except InvalidValue as error:
            raise InvalidValue(
                "With the number of this mailbox the exceptions of the extension "
                f"{ids[object_id].number} are too long together. Change those first, or choose a mailbox "
                "with a shorter number.",
                error_id=error.error_id,
                field="mailbox",
            ) from error


def is_rendered(user: PointingObject) -> bool:
    """Say whether a destination into a voicemail is a part of a revision; others are read with each call."""
    return user.kind == RoutingKind.INBOUND_RULE.value


def still_forwarded(number: str, users: list[PointingObject]) -> Conflict:
    """Return the error that lists who forwards to a voicemail that is to go."""
    first = users[0]
    return Conflict(
        f"The voicemail of {number} is still in use: the {first.kind.replace('-', ' ')} "
        f"{first.number or first.name} forwards to it. Point it elsewhere first.",
        error_id="voicemail-in-use",
        details={"pointers": [pointer_json(one) for one in users]},
    )


_ALL = 1_000_000
