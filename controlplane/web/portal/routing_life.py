"""How objects that route calls live, behind the pages of the portal: by the schemas and services of REST."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from controlplane.domain.errors import InvalidValue
from controlplane.domain.routing.kinds import RoutingKind, RoutingObject
from controlplane.services.routing import objects
from controlplane.web.api.schemas_routing import RoutingIn, RoutingOut, RoutingPatch
from controlplane.web.portal.object_kinds import Details
from controlplane.web.portal.visits import Visit
from controlplane.web.portal.wrongs import Wrong, wrongs_of, wrongs_of_schema


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingLife:
    """The life of one kind; `new`, `patch` and `out` are its schemas."""

    kind: RoutingKind
    new: type[RoutingIn]
    patch: type[RoutingPatch]
    out: type[RoutingOut]

    def check(self, body: Mapping[str, Any]) -> list[Wrong]:
        """Check by the schema, and what it lets through by the rules of the kind."""
        try:
            read = self.new.model_validate(body)
        except ValidationError as error:
            return wrongs_of_schema(error, self.new)
        try:
            read.settings().check()
        except InvalidValue as error:
            return wrongs_of(error)
        return []

    async def get(self, visit: Visit, key: str) -> Details:
        """Return the object of a number or name."""
        return self._details(
            await objects.get_object(visit.deps.db, tenant_id=visit.person.tenant_id, kind=self.kind, key=key)
        )

    async def create(self, visit: Visit, body: Mapping[str, Any]) -> Details:
        """Make an object."""
        read = self.new.model_validate(body)
        return self._details(
            await objects.create_object(
                visit.deps.db,
                visit.deps.jobs,
                tenant_id=visit.person.tenant_id,
                kind=self.kind,
                number=read.key_number,
                name=read.label,
                settings=read.settings(),
                by=visit.person.label,
            )
        )

    async def update(
        self, visit: Visit, key: str, changes: Mapping[str, Any], *, whole: Mapping[str, Any], version: int
    ) -> Details:
        """Change what was changed."""
        del whole
        read = self.patch.model_validate(changes)
        return self._details(
            await objects.update_object(
                visit.deps.db,
                visit.deps.jobs,
                tenant_id=visit.person.tenant_id,
                kind=self.kind,
                key=key,
                name=read.new_label,
                changes=read.changes(),
                by=visit.person.label,
                expected_version=version,
            )
        )

    async def delete(self, visit: Visit, key: str) -> None:
        """Delete the object."""
        await objects.delete_object(
            visit.deps.db,
            visit.deps.jobs,
            tenant_id=visit.person.tenant_id,
            kind=self.kind,
            key=key,
            by=visit.person.label,
        )

    def _details(self, found: RoutingObject) -> Details:
        return Details(
            key=found.number or found.name,
            name=found.name,
            version=found.version,
            updated_at=found.updated_at,
            values=self.out.of(found).model_dump(mode="json"),
        )
