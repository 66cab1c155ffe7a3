"""How extensions live, behind the pages of the portal: the account of a phone, and its call forward rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import ValidationError

from controlplane.domain.errors import InvalidValue
from controlplane.domain.extension import Extension, parse_sip_password
from controlplane.domain.text import parse_display_name
from controlplane.services.extensions import (
    create_extension,
    delete_extension,
    get_extension,
    update_extension,
)
from controlplane.services.routing.extension_rules import get_rules, put_rules
from controlplane.web.api.schemas import ExtensionIn, ExtensionPatch
from controlplane.web.api.schemas_extension_rules import (
    CallerExceptionBody,
    ExtensionRulesIn,
    ExtensionRulesOut,
)
from controlplane.web.portal.object_kinds import Details
from controlplane.web.portal.visits import Visit
from controlplane.web.portal.wrongs import Wrong, wrongs_of, wrongs_of_schema

ACCOUNT: Final = frozenset({"number", "display_name", "sip_password"})
"""The fields that are no rules."""


@dataclass(frozen=True, slots=True)
class ExtensionLife:
    """The life of extensions."""

    kind: None = None

    def check(self, body: Mapping[str, Any]) -> list[Wrong]:
        """Check the account and the rules, so that what is saved in two steps is saved whole."""
        account, rules = _parts(body)
        wrongs: list[Wrong] = []
        try:
            read = ExtensionIn.model_validate(account)
            parse_display_name(read.display_name)
            if read.sip_password is not None:
                parse_sip_password(read.sip_password.get_secret_value(), number=read.number)
        except ValidationError as error:
            wrongs += wrongs_of_schema(error, ExtensionIn)
        except InvalidValue as error:
            wrongs += wrongs_of(error)
        try:
            ExtensionRulesIn.model_validate(rules).value().check()
        except ValidationError as error:
            wrongs += wrongs_of_schema(error, ExtensionRulesIn)
        except InvalidValue as error:
            wrongs += wrongs_of(error)
        return wrongs

    async def get(self, visit: Visit, key: str) -> Details:
        """Return an extension with its rules."""
        db, tenant_id = visit.deps.db, visit.person.tenant_id
        extension = await get_extension(db, tenant_id=tenant_id, number=key)
        rules, _ = await get_rules(db, tenant_id=tenant_id, number=key)
        return _details(extension, ExtensionRulesOut.of(rules))

    async def create(self, visit: Visit, body: Mapping[str, Any]) -> Details:
        """Make an extension, without rules; its password is shown this once."""
        read = ExtensionIn.model_validate(_parts(body)[0])
        wanted = read.sip_password
        extension, password = await create_extension(
            visit.deps.db,
            visit.deps.jobs,
            tenant_id=visit.person.tenant_id,
            number=read.number,
            display_name=read.display_name,
            sip_password=None if wanted is None else wanted.get_secret_value(),
            realm=visit.deps.realm,
            by=visit.person.label,
        )
        return _details(extension, None, secret=password)

    async def update(
        self, visit: Visit, key: str, changes: Mapping[str, Any], *, whole: Mapping[str, Any], version: int
    ) -> Details:
        """Set the rules, and then the name: the rules are what may be refused.

        The exceptions stay as they are: they have pages of their own.
        """
        by, deps = visit.person, visit.deps
        stored, _ = await get_rules(deps.db, tenant_id=by.tenant_id, number=key)
        rules = ExtensionRulesIn.model_validate(_parts(whole)[1]).value()
        rules = replace(rules, exceptions=stored.exceptions)
        _, version = await put_rules(
            deps.db,
            deps.jobs,
            tenant_id=by.tenant_id,
            number=key,
            rules=rules,
            by=by.label,
            expected_version=version,
        )
        account = {name: value for name, value in changes.items() if name in ACCOUNT}
        extension, _ = await update_extension(
            deps.db,
            deps.jobs,
            tenant_id=by.tenant_id,
            number=key,
            changes=ExtensionPatch.model_validate(account).changes(),
            realm=deps.realm,
            by=by.label,
            expected_version=version,
        )
        return _details(extension, None)

    async def set_exceptions(
        self, visit: Visit, details: Details, exceptions: Sequence[Mapping[str, Any]]
    ) -> None:
        """Set the exceptions of an extension as it was read; raises PreconditionFailed, InvalidValue."""
        by, deps = visit.person, visit.deps
        stored, _ = await get_rules(deps.db, tenant_id=by.tenant_id, number=details.key)
        new = tuple(CallerExceptionBody.model_validate(one).value() for one in exceptions)
        await put_rules(
            deps.db,
            deps.jobs,
            tenant_id=by.tenant_id,
            number=details.key,
            rules=replace(stored, exceptions=new),
            by=by.label,
            expected_version=details.version,
        )

    async def set_password(self, visit: Visit, key: str, password: str | None) -> Details:
        """Set another SIP password, None for one made by chance; it is shown this once."""
        extension, made = await update_extension(
            visit.deps.db,
            visit.deps.jobs,
            tenant_id=visit.person.tenant_id,
            number=key,
            changes={"sip_password": password},
            realm=visit.deps.realm,
            by=visit.person.label,
        )
        return _details(extension, None, secret=made)

    async def delete(self, visit: Visit, key: str) -> None:
        """Delete the extension."""
        await delete_extension(
            visit.deps.db,
            visit.deps.jobs,
            tenant_id=visit.person.tenant_id,
            number=key,
            by=visit.person.label,
        )


def _parts(body: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    account = {name: value for name, value in body.items() if name in ACCOUNT}
    return account, {name: value for name, value in body.items() if name not in ACCOUNT}


def _details(extension: Extension, rules: ExtensionRulesOut | None, *, secret: str | None = None) -> Details:
    own = {"number": extension.number, "display_name": extension.display_name}
    return Details(
        key=extension.number,
        name=extension.display_name,
        version=extension.version,
        updated_at=extension.updated_at,
        values={**({} if rules is None else rules.model_dump(mode="json")), **own},
        secret=secret,
    )
