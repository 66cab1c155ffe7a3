"""The pages of extensions: the account of a phone, its call forward rules, its password."""

from __future__ import annotations

from typing import Any, Final

from fastapi import Response

from controlplane.domain.errors import InvalidValue
from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.destination import ANYWHERE, DestinationAction
from controlplane.web.errors import status_of
from controlplane.web.portal.access import Inside
from controlplane.web.portal.destination_fields import ToByHours, destination_in_words
from controlplane.web.portal.extension_life import ExtensionLife
from controlplane.web.portal.form_fields import (
    Figure,
    FormField,
    Named,
    NumberOf,
    NumbersOf,
    Secret,
    Tick,
)
from controlplane.web.portal.object_form import entries_of
from controlplane.web.portal.object_kinds import ObjectPages, Owners
from controlplane.web.portal.object_page import secret_page, show
from controlplane.web.portal.object_routes import object_router
from controlplane.web.portal.words import Words
from controlplane.web.portal.wrongs import wrongs_of

LIFE: Final = ExtensionLife()
OR_RING: Final = ANYWHERE | {DestinationAction.RING}
_RULES: Final[dict[str, FormField]] = {
    "mailbox": NumberOf(kind=NumberKind.MAILBOX),
    "mwi_mailboxes": NumbersOf(kind=NumberKind.MAILBOX),
    "no_answer": ToByHours(own_voicemail=True),
    "no_answer_seconds": Figure(),
    "busy": ToByHours(own_voicemail=True),
    "not_registered": ToByHours(own_voicemail=True),
    "always": ToByHours(allowed=OR_RING, own_voicemail=True),
    "do_not_disturb": Tick(),
    "do_not_disturb_destination": ToByHours(own_voicemail=True),
    "office_hours": Named(),
}


def _mailbox(rules: Any, words: Words, owners: Owners) -> str:
    del words
    owner = owners.get(rules.mailbox or "")
    return "" if owner is None else f"{owner.display_name} ({owner.number})"


def _no_answer(rules: Any, words: Words, owners: Owners) -> str:
    return destination_in_words(rules.no_answer, words, owners)


EXTENSIONS: Final = ObjectPages(
    plural="extensions",
    word="extension",
    life=LIFE,
    fields={"sip_password": Secret(), **_RULES},
    known=(
        "sip_password",
        "mailbox",
        "no_answer",
        "no_answer_seconds",
        "busy",
        "not_registered",
        "always",
        "do_not_disturb",
    ),
    columns={"mailbox": _mailbox, "no_answer": _no_answer},
    template="extension.html",
    symbol="phone",
    only_new=frozenset({"sip_password"}),
    only_later=frozenset(_RULES),
)
router = object_router(EXTENSIONS)


@router.post(EXTENSIONS.route + "/{key}/password")
async def set_password(visit: Inside, key: str) -> Response:
    """Set another SIP password, typed or made by chance, and show it once."""
    typed = visit.form.text("sip_password").strip()
    details = await LIFE.get(visit, key.replace("\0", "\ufffd"))
    try:
        changed = await LIFE.set_password(visit, details.key, typed or None)
    except InvalidValue as error:
        entries = entries_of(EXTENSIONS.fields_of(details), details.values)
        return await show(
            visit, EXTENSIONS, details, entries, wrongs=wrongs_of(error), status=status_of(error)
        )
    return secret_page(visit, EXTENSIONS, changed)
