"""Mailboxes of a file. Their PINs are set where the file has them, and made where a new one has none."""

from __future__ import annotations

from functools import partial
from typing import Final, cast

from controlplane.apply.declaration import MailboxEntry
from controlplane.apply.pages import all_of
from controlplane.apply.resource import Applying, Form, Found, MadeSecret, Reading, differing
from controlplane.services.mailboxes import (
    MailboxChanges,
    MailboxDetails,
    NewMailbox,
    create_mailbox,
    delete_mailbox,
    list_mailboxes,
    update_mailbox,
)
from controlplane.web.api.schemas_mailboxes import MailboxOut

_POINTS: Final = "operator_number"
_OF_THE_PIN = {"pin", "pin_file"}
_NOT_SET = {"id", "prompt_language", "counts", "usage", "created_at", "updated_at"}


class Mailboxes:
    """The section `mailboxes`."""

    section = "mailboxes"
    words = "mailbox"
    can_be_removed = True

    async def present(self, of: Reading) -> dict[str, Found]:
        """Return all mailboxes, in pages."""
        pages = partial(list_mailboxes, of.db, tenant_id=of.tenant.id, q=None)
        return {
            one.mailbox.number: _found(one) async for one in all_of(pages, key=lambda one: one.mailbox.number)
        }

    def form(self, into: Applying, entry: MailboxEntry) -> Form:  # noqa: ARG002 (the protocol's)
        """Return all but the PIN."""
        return entry.model_dump(mode="json", exclude=_OF_THE_PIN)

    async def create(self, into: Applying, entry: MailboxEntry) -> None:
        """Make a mailbox with the operator that it names."""
        await self._make(into, entry, _settings(entry))

    async def create_bare(self, into: Applying, entry: MailboxEntry) -> None:
        """Make one that names no operator."""
        await self._make(into, entry, {**_settings(entry), _POINTS: None})

    async def point(self, into: Applying, entry: MailboxEntry) -> None:
        """Name the operator, once it is there."""
        await self._name(into, entry.number, entry.operator_number)

    async def bare(self, into: Applying, key: str) -> None:
        """Name no operator any more."""
        await self._name(into, key, None)

    def needs(self, entry: MailboxEntry) -> list[str]:
        """Return the number that an entry points at."""
        return [] if entry.operator_number is None else [entry.operator_number]

    async def _name(self, into: Applying, number: str, operator: str | None) -> None:
        await update_mailbox(
            into.db,
            into.jobs,
            into.hasher,
            into.pin_policy,
            tenant_id=into.tenant.id,
            number=number,
            changes={_POINTS: operator},
            by=into.by,
        )

    async def _make(self, into: Applying, entry: MailboxEntry, settings: dict[str, object]) -> None:
        is_made = entry.pin is None
        pin = into.new_pins[entry.number]
        await create_mailbox(
            into.db,
            into.jobs,
            into.hasher,
            into.pin_policy,
            tenant_id=into.tenant.id,
            new=NewMailbox(number=entry.number, pin=pin, **settings),  # type: ignore[arg-type]  # by name
            by=into.by,
        )
        into.secrets.touched[self.section, entry.number] = "pin made" if is_made else "pin set"
        if is_made:
            into.secrets.made.append(
                MadeSecret(words=self.words, key=entry.number, field="pin", secret=pin.reveal())
            )

    async def change(self, into: Applying, entry: MailboxEntry, found: Found) -> None:
        """Change the fields that differ, and the PIN if it is another one."""
        settings = _settings(entry)
        wanted = {name: settings[name] for name in differing(self.form(into, entry), found.form)}
        changes = cast("MailboxChanges", wanted)
        if entry.number in into.new_pins:
            changes["pin"] = into.new_pins[entry.number]
        if not changes:
            return
        await update_mailbox(
            into.db,
            into.jobs,
            into.hasher,
            into.pin_policy,
            tenant_id=into.tenant.id,
            number=entry.number,
            changes=changes,
            by=into.by,
            expected_version=found.version,
        )
        if "pin" in changes:
            into.secrets.touched[self.section, entry.number] = "pin changed"

    async def remove(self, into: Applying, key: str, found: Found) -> None:
        """Delete a mailbox; its messages are in the trash."""
        await delete_mailbox(
            into.db,
            into.jobs,
            tenant_id=into.tenant.id,
            number=key,
            by=into.by,
            expected_version=found.version,
        )


def _found(one: MailboxDetails) -> Found:
    form = MailboxOut.of(one).model_dump(mode="json", exclude=_NOT_SET)
    messages = one.counts.new + one.counts.saved
    holds = f"{messages} message{'' if messages == 1 else 's'} to the trash" if messages else None
    return Found(form=form, version=one.mailbox.version, holds=holds)


def _settings(entry: MailboxEntry) -> dict[str, object]:
    values = {
        name: getattr(entry, name)
        for name in type(entry).model_fields
        if name not in {"number", *_OF_THE_PIN}
    }
    values["source_greetings"] = [own.value() for own in entry.source_greetings]
    values["kind_greetings"] = [own.value() for own in entry.kind_greetings]
    return values
