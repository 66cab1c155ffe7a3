"""Extensions as rows, with their rules. Passwords are never written; a new extension gets one."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from controlplane.domain.errors import InvalidValue, NotFound
from controlplane.domain.routing.extension_rules import ExtensionRules
from controlplane.services.extensions import (
    ExtensionChanges,
    create_extension,
    get_extension,
    update_extension,
)
from controlplane.services.routing.extension_rules import get_rules, put_rules
from controlplane.services.transfer.cells import (
    columns_of,
    read_by_hours,
    read_exceptions,
    read_integer,
    read_words,
    read_yes,
    write_by_hours,
    write_exceptions,
    write_words,
    write_yes,
)
from controlplane.services.transfer.resource import Applied, Importing, Outcome, changed
from controlplane.storage.database import Database
from controlplane.storage.routing import everything

_RULES: Final = ("always", "do_not_disturb_destination", "busy", "no_answer", "not_registered")


class Extensions:
    """The rows of `extensions`."""

    columns = (
        "number",
        "display_name",
        "sip_password",
        "mailbox",
        "mwi_mailboxes",
        "office_hours",
        "exceptions",
        "do_not_disturb",
        "no_answer_seconds",
        *(column for rule in _RULES for column in columns_of(rule)),
    )
    key = "number"

    async def rows(self, db: Database, tenant_id: UUID) -> AsyncIterator[Mapping[str, str]]:
        """Yield the cells of all extensions."""
        async with db.transaction() as session:
            found = await everything.extensions(session, tenant_id)
        for one in sorted(found, key=lambda extension: extension.number):
            yield {
                "number": one.number,
                "display_name": one.name,
                "sip_password": "",
                **_cells(one.rules),
            }

    async def looks_good(self, into: Importing, rows: Sequence[Mapping[str, str]]) -> bool:  # noqa: ARG002
        """Say yes: nothing slow is done for an extension."""
        return True

    async def make(self, into: Importing, cells: Mapping[str, str]) -> Applied:
        """Make or change the account of a row."""
        number = cells[self.key]
        try:
            before = await get_extension(into.db, tenant_id=into.tenant_id, number=number)
        except NotFound:
            return await self._create(into, number, cells)
        changes = ExtensionChanges()
        if cells.get("display_name"):
            changes["display_name"] = cells["display_name"]
        if cells.get("sip_password"):
            changes["sip_password"] = cells["sip_password"]
        after, _ = await update_extension(
            into.db,
            into.jobs,
            tenant_id=into.tenant_id,
            number=number,
            changes=changes,
            realm=into.realm,
            by=into.by,
        )
        return Applied(outcome=changed(before.version, after.version))

    async def _create(self, into: Importing, number: str, cells: Mapping[str, str]) -> Applied:
        if not cells.get("display_name"):
            raise InvalidValue("A new extension needs this.", error_id="missing-field", field="display_name")
        chosen = cells.get("sip_password") or None
        _, password = await create_extension(
            into.db,
            into.jobs,
            tenant_id=into.tenant_id,
            number=number,
            display_name=cells["display_name"],
            sip_password=chosen,
            realm=into.realm,
            by=into.by,
        )
        return Applied(outcome=Outcome.CREATED, sip_password=password if chosen is None else None)

    async def point(self, into: Importing, cells: Mapping[str, str]) -> bool:
        """Set the rules of a row; columns that are not there keep what is present."""
        number = cells[self.key]
        before, version = await get_rules(into.db, tenant_id=into.tenant_id, number=number)
        _, after = await put_rules(
            into.db,
            into.jobs,
            tenant_id=into.tenant_id,
            number=number,
            rules=_rules(cells, before),
            by=into.by,
        )
        return version != after


def _cells(rules: ExtensionRules) -> dict[str, str]:
    cells = {
        "mailbox": rules.mailbox or "",
        "mwi_mailboxes": write_words(rules.mwi_mailboxes),
        "office_hours": rules.office_hours or "",
        "exceptions": write_exceptions(rules.exceptions),
        "do_not_disturb": write_yes(rules.do_not_disturb),
        "no_answer_seconds": str(rules.no_answer_seconds),
    }
    for rule in _RULES:
        cells.update(write_by_hours(rule, getattr(rules, rule)))
    return cells


def _rules(cells: Mapping[str, str], present: ExtensionRules) -> ExtensionRules:
    values: dict[str, Any] = {rule: read_by_hours(rule, cells, getattr(present, rule)) for rule in _RULES}
    for name in ("mailbox", "office_hours"):
        if name in cells:
            values[name] = cells[name] or None
    if "mwi_mailboxes" in cells:
        values["mwi_mailboxes"] = read_words(cells["mwi_mailboxes"])
    if "exceptions" in cells:
        values["exceptions"] = read_exceptions(cells["exceptions"], "exceptions")
    if cells.get("do_not_disturb"):
        values["do_not_disturb"] = read_yes(cells["do_not_disturb"], "do_not_disturb")
    if cells.get("no_answer_seconds"):
        values["no_answer_seconds"] = read_integer(cells["no_answer_seconds"], "no_answer_seconds")
    return dataclasses.replace(present, **values)
