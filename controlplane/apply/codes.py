"""Feature codes and reserved numbers of a file."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from controlplane.apply.declaration import FeatureCodeEntry
from controlplane.apply.pages import all_of
from controlplane.apply.resource import Applying, Form, Found, Reading, differing
from controlplane.domain.errors import Conflict
from controlplane.services.feature_codes import list_feature_codes, set_feature_code, set_feature_codes
from controlplane.services.reserved_numbers import give_up_reserved, list_reserved, reserve_numbers
from controlplane.web.api.schemas_feature_codes import FeatureCodeOut
from controlplane.web.api.schemas_numbers import ReservedIn, ReservedOut


class FeatureCodes:
    """The section `feature-codes`; every tenant has all features, with a code or without."""

    section = "feature-codes"
    words = "feature code"
    can_be_removed = False

    async def present(self, of: Reading) -> dict[str, Found]:
        """Return all features."""
        found = await list_feature_codes(of.db, tenant_id=of.tenant.id)
        return {
            one.feature.value: Found(form=FeatureCodeOut.of(one).model_dump(mode="json"), version=None)
            for one in found
        }

    def form(self, into: Applying, entry: FeatureCodeEntry) -> Form:  # noqa: ARG002 (the protocol's)
        """Return all of it."""
        return entry.model_dump(mode="json")

    async def create(self, into: Applying, entry: FeatureCodeEntry) -> None:
        """Give a feature its code."""
        await set_feature_code(
            into.db,
            into.jobs,
            tenant_id=into.tenant.id,
            feature=entry.feature,
            code=entry.code,
            enabled=entry.enabled,
            by=into.by,
        )

    async def change(self, into: Applying, entry: FeatureCodeEntry, found: Found) -> None:
        """Give it another one."""
        if differing(self.form(into, entry), found.form):
            await self.create(into, entry)

    async def change_together(self, into: Applying, entries: Sequence[FeatureCodeEntry]) -> None:
        """Give all features that are named their codes at once: some may change places."""
        await set_feature_codes(
            into.db,
            into.jobs,
            tenant_id=into.tenant.id,
            wanted={one.feature: (one.code, one.enabled) for one in entries},
            by=into.by,
        )

    async def remove(self, into: Applying, key: str, found: Found) -> None:  # noqa: ARG002 (the protocol's)
        """Refuse: every tenant has all features."""
        raise Conflict("A feature is taken out of use by `enabled: false`.")


class ReservedNumbers:
    """The section `reserved-numbers`."""

    section = "reserved-numbers"
    words = "reserved numbers"
    can_be_removed = True

    async def present(self, of: Reading) -> dict[str, Found]:
        """Return all ranges by their first numbers."""
        pages = partial(list_reserved, of.db, tenant_id=of.tenant.id)
        return {
            one.first: Found(form=ReservedOut.of(one).model_dump(mode="json"), version=None)
            async for one in all_of(pages, key=lambda one: one.first)
        }

    def form(self, into: Applying, entry: ReservedIn) -> Form:  # noqa: ARG002 (the protocol's)
        """Return both ends and the note."""
        return ReservedOut.of(entry.value()).model_dump(mode="json")

    async def create(self, into: Applying, entry: ReservedIn) -> None:
        """Reserve a range."""
        await reserve_numbers(into.db, tenant_id=into.tenant.id, reserved=entry.value(), by=into.by)

    async def change(self, into: Applying, entry: ReservedIn, found: Found) -> None:
        """Reserve another range that begins with the same number, or with another note."""
        if differing(self.form(into, entry), found.form):
            await self.remove(into, entry.first, found)
            await self.create(into, entry)

    async def remove(self, into: Applying, key: str, found: Found) -> None:  # noqa: ARG002 (the protocol's)
        """Give a range up."""
        await give_up_reserved(into.db, tenant_id=into.tenant.id, first=key, by=into.by)
