"""Ring groups, call queues, receptionists, inbound rules, trunks and office hours of a file."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Protocol

from pydantic import BaseModel

from controlplane.apply.resource import Applying, Form, Found, Reading, differing
from controlplane.domain.errors import InvalidValue
from controlplane.domain.routing.hours import OfficeHours
from controlplane.domain.routing.kinds import SETTINGS, RoutingKind, RoutingObject, Settings
from controlplane.domain.routing.trunk import Trunk
from controlplane.services.routing.objects import create_object, delete_object, get_object, update_object
from controlplane.storage.routing import objects
from controlplane.web.api.schemas_routing import RoutingIn

_KEYS = {"number", "name", "display_name"}
_NOT_SET = {"id", "created_at", "updated_at"}
_PASSWORD = "password"  # noqa: S105 (the name of the field)


class Shown(Protocol):
    """The schema that shows an object."""

    @classmethod
    def of(cls, shown: RoutingObject) -> BaseModel:
        """Make it from the service's value."""
        ...


class RoutingResource:
    """A section of one kind of object that routes calls; `out` is the schema that shows one."""

    can_be_removed = True

    def __init__(self, kind: RoutingKind, section: str, out: type[Shown]) -> None:
        self.kind = kind
        self.section = section
        self._out = out

    @property
    def words(self) -> str:
        """The kind in words."""
        return self.kind.words

    async def present(self, of: Reading) -> dict[str, Found]:
        """Return all of the kind."""
        async with of.db.transaction() as session:
            found = await objects.all_of(session, of.tenant.id, {self.kind})
        return {
            one.number or one.name: Found(
                form=self._out.of(one).model_dump(mode="json", exclude=_NOT_SET), version=one.version
            )
            for one in found
        }

    def form(self, into: Applying, entry: RoutingIn) -> Form:
        """Return all but a password; office hours without a time zone have the tenant's, as it is now."""
        form = entry.model_dump(mode="json", exclude={_PASSWORD})
        if self.kind is RoutingKind.OFFICE_HOURS:
            form["time_zone"] = form["time_zone"] or into.tenant.time_zone
            if "closed_now" not in entry.model_fields_set:
                # People switch it by phone.
                form.pop("closed_now")
        return form

    def needs(self, entry: RoutingIn) -> list[str]:
        """Return the numbers that an entry points at."""
        try:
            settings = entry.settings()
        except InvalidValue:
            return []  # It is told when the object is made.
        return [] if isinstance(settings, OfficeHours) else [one.number for one in settings.pointers()]

    async def create(self, into: Applying, entry: RoutingIn) -> None:
        """Make an object with all that it points at."""
        settings = entry.settings()
        await self._make(into, entry, settings)
        if isinstance(settings, Trunk) and settings.password is not None:
            into.secrets.touched[self.section, entry.label] = "password set"

    async def change(self, into: Applying, entry: RoutingIn, found: Found) -> None:
        """Change the fields that differ."""
        settings = entry.settings()
        wanted = self.form(into, entry)
        fields = differing(wanted, found.form)
        changes: dict[str, Any] = {
            name: wanted[name] if name == "time_zone" else getattr(settings, name)
            for name in fields
            if name not in _KEYS
        }
        key = entry.key_number or entry.label
        if isinstance(settings, Trunk):
            changes |= await self._password(into, key, settings)
        if not fields and not changes:
            return
        name = entry.label if entry.key_number else None
        await self._update(into, key, changes, name=name, version=found.version)
        if _PASSWORD in changes:
            done = "removed" if changes[_PASSWORD] is None else "set"
            into.secrets.touched[self.section, key] = f"password {done}"

    async def remove(self, into: Applying, key: str, found: Found) -> None:  # noqa: ARG002 (it may have been emptied)
        """Remove an object."""
        await delete_object(into.db, into.jobs, tenant_id=into.tenant.id, kind=self.kind, key=key, by=into.by)

    async def create_bare(self, into: Applying, entry: RoutingIn) -> None:
        """Make one with the settings that point at nothing."""
        await self._make(into, entry, self._bare())

    async def bare(self, into: Applying, key: str) -> None:
        """Set all that it could point at back."""
        defaults = self._bare()
        changes = {field.name: getattr(defaults, field.name) for field in dataclasses.fields(defaults)}
        await self._update(into, key, changes)

    def _bare(self) -> Settings:
        return SETTINGS[self.kind]()  # type: ignore[call-arg]  # Kinds with a number need none.

    async def _make(self, into: Applying, entry: RoutingIn, settings: Settings) -> None:
        await create_object(
            into.db,
            into.jobs,
            tenant_id=into.tenant.id,
            kind=self.kind,
            number=entry.key_number,
            name=entry.label,
            settings=settings,
            by=into.by,
        )

    async def _update(
        self,
        into: Applying,
        key: str,
        changes: Mapping[str, Any],
        *,
        name: str | None = None,
        version: int | None = None,
    ) -> None:
        await update_object(
            into.db,
            into.jobs,
            tenant_id=into.tenant.id,
            kind=self.kind,
            key=key,
            name=name,
            changes=changes,
            by=into.by,
            expected_version=version,
        )

    async def _password(self, into: Applying, key: str, wanted: Trunk) -> Mapping[str, Any]:
        """Return the password if the file has another one, or the account of it goes."""
        present = await get_object(into.db, tenant_id=into.tenant.id, kind=self.kind, key=key)
        had = getattr(present.settings, _PASSWORD)
        if wanted.username is None:
            return {} if had is None else {_PASSWORD: None}
        if wanted.password is None or (wanted.password == had and self._same_host(present.settings, wanted)):
            return {}
        return {_PASSWORD: wanted.password}

    @staticmethod
    def _same_host(present: object, wanted: Trunk) -> bool:
        return all(getattr(present, name) == getattr(wanted, name) for name in ("host", "port", "username"))
