"""Extensions of a file: an account, which comes first, and rules, which point at others."""

from __future__ import annotations

import dataclasses
from functools import partial

from controlplane.apply.declaration import ExtensionEntry
from controlplane.apply.pages import all_of
from controlplane.apply.resource import Applying, Form, Found, MadeSecret, Reading
from controlplane.domain.errors import PreconditionFailed
from controlplane.domain.extension import a1_hash
from controlplane.domain.routing.extension_rules import NO_RULES, ExtensionRules
from controlplane.services.extensions import (
    ExtensionChanges,
    create_extension,
    delete_extension,
    list_extensions,
    update_extension,
)
from controlplane.services.routing.extension_rules import get_rules, put_rules
from controlplane.storage import extensions as storage
from controlplane.storage.routing import everything
from controlplane.web.api.schemas_extension_rules import ExtensionRulesOut

_SWITCHED = "do_not_disturb"
"""People switch it by phone: it stays where a file says nothing about it."""


class Extensions:
    """The section `extensions`: the accounts, and in `rules` what `ExtensionRulesOf` settles."""

    section = "extensions"
    words = "extension"
    can_be_removed = True

    async def present(self, of: Reading) -> dict[str, Found]:
        """Return all extensions with their rules."""
        async with of.db.transaction() as session:
            rules = {one.number: one.rules for one in await everything.extensions(session, of.tenant.id)}
        found: dict[str, Found] = {}
        pages = partial(list_extensions, of.db, tenant_id=of.tenant.id, q=None)
        async for one in all_of(pages, key=lambda one: one.number):
            form = {
                "number": str(one.number),
                "display_name": one.display_name,
                "rules": _rules_form(rules.get(one.number, NO_RULES)),
            }
            found[one.number] = Found(form=form, version=one.version)
        return found

    def form(self, into: Applying, entry: ExtensionEntry) -> Form:  # noqa: ARG002 (the protocol's)
        """Return the account and the rules, without the password."""
        form = entry.model_dump(mode="json", exclude={"sip_password"})
        if _SWITCHED not in entry.rules.model_fields_set:
            form["rules"].pop(_SWITCHED)
        return form

    async def create(self, into: Applying, entry: ExtensionEntry) -> None:
        """Make the account."""
        chosen = _password(entry)
        _, password = await create_extension(
            into.db,
            into.jobs,
            tenant_id=into.tenant.id,
            number=entry.number,
            display_name=entry.display_name,
            sip_password=chosen,
            realm=into.realm,
            by=into.by,
        )
        into.secrets.touched[self.section, entry.number] = f"sip_password {'set' if chosen else 'made'}"
        if chosen is None:
            into.secrets.made.append(
                MadeSecret(words=self.words, key=entry.number, field="sip_password", secret=password)
            )

    async def change(self, into: Applying, entry: ExtensionEntry, found: Found) -> None:
        """Change the account where it differs."""
        changes = ExtensionChanges()
        if entry.display_name != found.form["display_name"]:
            changes["display_name"] = entry.display_name
        if await self._has_another_password(into, entry):
            changes["sip_password"] = _password(entry)
        if not changes:
            return
        await update_extension(
            into.db,
            into.jobs,
            tenant_id=into.tenant.id,
            number=entry.number,
            changes=changes,
            realm=into.realm,
            by=into.by,
            expected_version=found.version,
        )
        if "sip_password" in changes:
            into.secrets.touched[self.section, entry.number] = "sip_password changed"

    async def remove(self, into: Applying, key: str, found: Found) -> None:  # noqa: ARG002 (its rules may have been emptied)
        """Remove an extension."""
        await delete_extension(into.db, into.jobs, tenant_id=into.tenant.id, number=key, by=into.by)

    async def settle(self, into: Applying, entry: ExtensionEntry, found: Found | None) -> None:
        """Set the rules, once what they point at is there; `found` None: of a new extension."""
        present, version = await get_rules(into.db, tenant_id=into.tenant.id, number=entry.number)
        if found is not None and _rules_form(present) != found.form["rules"]:
            raise PreconditionFailed(
                "The extension's rules were changed by somebody else since they were read."
            )
        rules = entry.rules.value()
        if _SWITCHED not in entry.rules.model_fields_set:
            rules = dataclasses.replace(rules, do_not_disturb=present.do_not_disturb)
        if rules != present:
            await self._put(into, entry.number, rules, version)

    async def own(self, into: Applying, entry: ExtensionEntry, found: Found | None) -> Found | None:
        """Let it own its mailbox before its other rules can be set: another object waits for that.

        Returns what `settle` finds then; None if there is nothing to do.
        """
        present, version = await get_rules(into.db, tenant_id=into.tenant.id, number=entry.number)
        mailbox = entry.rules.mailbox
        if mailbox is None or mailbox == present.mailbox:
            return None
        rules = dataclasses.replace(present, mailbox=mailbox)
        await self._put(into, entry.number, rules, version)
        form = {} if found is None else found.form
        return Found(form={**form, "rules": _rules_form(rules)}, version=None)

    async def bare(self, into: Applying, key: str) -> None:
        """Take all rules away."""
        await self._put(into, key, NO_RULES, None)

    async def _put(self, into: Applying, number: str, rules: ExtensionRules, version: int | None) -> None:
        await put_rules(
            into.db,
            into.jobs,
            tenant_id=into.tenant.id,
            number=number,
            rules=rules,
            by=into.by,
            expected_version=version,
        )

    async def _has_another_password(self, into: Applying, entry: ExtensionEntry) -> bool:
        password = _password(entry)
        if password is None:
            return False
        async with into.db.transaction() as session:
            row = await storage.by_number(session, into.tenant.id, entry.number)
        return row is None or row.sip_a1_hash != a1_hash(
            number=entry.number, realm=into.realm, password=password
        )


def _password(entry: ExtensionEntry) -> str | None:
    return None if entry.sip_password is None else entry.sip_password.get_secret_value()


def _rules_form(rules: ExtensionRules) -> Form:
    return ExtensionRulesOut.of(rules).model_dump(mode="json")
