"""Feature codes as settings of a tenant."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import structlog

from controlplane.domain.configuration import Action, ObjectChange, ObjectKind
from controlplane.domain.errors import Conflict, NotFound
from controlplane.domain.feature_code import FeatureCode
from controlplane.domain.numbers import Feature, codes_clash, parse_feature_code
from controlplane.services.publishing_jobs import defer_publishing
from controlplane.storage import feature_codes, tenants
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from controlplane.storage.tables import FeatureCodeRow


async def list_feature_codes(db: Database, *, tenant_id: UUID) -> list[FeatureCode]:
    """Return all features with their codes, by the features' names."""
    async with db.transaction() as session:
        rows = await feature_codes.of_tenant(session, tenant_id)
    return [_of(feature, rows) for feature in sorted(Feature)]


async def set_feature_code(
    db: Database, jobs: Jobs, *, tenant_id: UUID, feature: Feature, code: str, enabled: bool, by: str
) -> FeatureCode:
    """Give a feature a code, and publish it; `by` names who did it.

    Raises InvalidValue `invalid-feature-code`, Conflict `feature-code-taken` naming the code that it
    cannot be told apart from, enabled or not.
    """
    parse_feature_code(code)
    async with db.transaction() as session:
        # One at a time: two codes that clash must not be given side by side.
        if await tenants.get(session, tenant_id, lock=True) is None:
            raise NotFound("There is no such tenant.", error_id="no-such-tenant")
        rows = await feature_codes.of_tenant(session, tenant_id)
        for row in rows:
            if row.feature != feature.value and codes_clash(row.code, code):
                raise _taken(code, row)
        before, after = _of(feature, rows), FeatureCode(feature=feature, code=code, enabled=enabled)
        if before != after:
            await feature_codes.replace(session, tenant_id, feature=feature.value, code=code, enabled=enabled)
            await defer_publishing(
                session,
                jobs,
                tenant_id=tenant_id,
                revision=True,
                change=ObjectChange(
                    kind=ObjectKind.FEATURE_CODE,
                    name=code,
                    action=Action.ADDED if before.code is None else Action.CHANGED,
                    by=by,
                    fields=tuple(
                        name
                        for name in ("code", "enabled")
                        if before.code is not None and getattr(before, name) != getattr(after, name)
                    ),
                ),
            )
    structlog.get_logger().info(
        "feature_code.set", tenant_id=str(tenant_id), feature=feature.value, code=code, enabled=enabled
    )
    return after


def _of(feature: Feature, rows: Sequence[FeatureCodeRow]) -> FeatureCode:
    row = next((row for row in rows if row.feature == feature.value), None)
    if row is None:
        return FeatureCode(feature=feature, code=None, enabled=False)
    return FeatureCode(feature=feature, code=row.code, enabled=row.enabled)


def _taken(code: str, row: FeatureCodeRow) -> Conflict:
    how = "is" if row.code == code else "cannot be told apart from"
    off = "" if row.enabled else ", which is not enabled"
    return Conflict(
        f"{code} {how} {row.code}, the code of {row.feature}{off}. Choose another one, or change that first.",
        error_id="feature-code-taken",
        field="code",
        details={"code": row.code, "feature": row.feature, "enabled": row.enabled},
    )
