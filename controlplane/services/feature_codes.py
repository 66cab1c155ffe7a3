"""Feature codes as settings of a tenant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    wanted = {feature: (code, enabled)}
    (after,) = await set_feature_codes(db, jobs, tenant_id=tenant_id, wanted=wanted, by=by)
    return after


async def set_feature_codes(
    db: Database, jobs: Jobs, *, tenant_id: UUID, wanted: Mapping[Feature, tuple[str, bool]], by: str
) -> list[FeatureCode]:
    """Give several features their codes at once, so that they may change places; raises as for one."""
    for code, _ in wanted.values():
        parse_feature_code(code)
    async with db.transaction() as session:
        # One at a time: two codes that clash must not be given side by side.
        if await tenants.get(session, tenant_id, lock=True) is None:
            raise NotFound("There is no such tenant.", error_id="no-such-tenant")
        rows = await feature_codes.of_tenant(session, tenant_id)
        before = [_of(feature, rows) for feature in wanted]
        after = [
            FeatureCode(feature=feature, code=code, enabled=enabled)
            for feature, (code, enabled) in wanted.items()
        ]
        _refuse_clashes(after, rows)
        changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
        await feature_codes.take_away(session, tenant_id, [new.feature.value for _, new in changed])
        for old, new in changed:
            code, enabled = wanted[new.feature]
            await feature_codes.replace(
                session, tenant_id, feature=new.feature.value, code=code, enabled=enabled
            )
            await defer_publishing(
                session, jobs, tenant_id=tenant_id, revision=True, change=_change(old, new, by)
            )
    for one in after:
        structlog.get_logger().info(
            "feature_code.set",
            tenant_id=str(tenant_id),
            feature=one.feature.value,
            code=one.code,
            enabled=one.enabled,
        )
    return after


def _refuse_clashes(wanted: Sequence[FeatureCode], rows: Sequence[FeatureCodeRow]) -> None:
    """Raise Conflict if a wanted code cannot be told apart from another one."""
    changed = {one.feature.value for one in wanted}
    given = [(one.feature.value, one.code or "", one.enabled) for one in wanted]
    kept = [(row.feature, row.code, row.enabled) for row in rows if row.feature not in changed]
    for feature, code, _ in given:
        for other in (*given, *kept):
            if other[0] != feature and codes_clash(other[1], code):
                raise _taken(code, *other)


def _change(before: FeatureCode, after: FeatureCode, by: str) -> ObjectChange:
    return ObjectChange(
        kind=ObjectKind.FEATURE_CODE,
        name=after.code or "",
        action=Action.ADDED if before.code is None else Action.CHANGED,
        by=by,
        fields=tuple(
            name
            for name in ("code", "enabled")
            if before.code is not None and getattr(before, name) != getattr(after, name)
        ),
    )


def _of(feature: Feature, rows: Sequence[FeatureCodeRow]) -> FeatureCode:
    row = next((row for row in rows if row.feature == feature.value), None)
    if row is None:
        return FeatureCode(feature=feature, code=None, enabled=False)
    return FeatureCode(feature=feature, code=row.code, enabled=row.enabled)


def _taken(code: str, feature: str, other: str, enabled: bool) -> Conflict:
    how = "is" if other == code else "cannot be told apart from"
    off = "" if enabled else ", which is not enabled"
    return Conflict(
        f"{code} {how} {other}, the code of {feature}{off}. Choose another one, or change that first.",
        error_id="feature-code-taken",
        field="code",
        details={"code": other, "feature": feature, "enabled": enabled},
    )
