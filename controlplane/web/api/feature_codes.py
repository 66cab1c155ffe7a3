"""`/feature-codes`: what the codes such as `*56` are."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from controlplane.domain.numbers import Feature
from controlplane.services.feature_codes import list_feature_codes, set_feature_code
from controlplane.web.api.mailboxes import Deps
from controlplane.web.api.responses import body_problems, problems
from controlplane.web.api.schemas_feature_codes import FeatureCodeIn, FeatureCodeList, FeatureCodeOut
from controlplane.web.paths import API
from controlplane.web.security import Asking

router = APIRouter(prefix=f"{API}/feature-codes", tags=["feature-codes"])


@router.get("", response_model=FeatureCodeList, responses=problems())
async def get_feature_codes(deps: Deps, asking: Asking) -> FeatureCodeList:
    """List all features with their codes."""
    found = await list_feature_codes(deps.db, tenant_id=asking.tenant_id)
    return FeatureCodeList(items=[FeatureCodeOut.of(one) for one in found])


@router.put("/{feature}", response_model=FeatureCodeOut, responses=body_problems())
async def put_feature_code(
    feature: Annotated[Feature, Path(description="What it does.", examples=["closed-now"])],
    body: FeatureCodeIn,
    deps: Deps,
    asking: Asking,
) -> FeatureCodeOut:
    """Give a feature a code, or take it out of use; a code that clashes with another is refused."""
    made = await set_feature_code(
        deps.db,
        deps.jobs,
        tenant_id=asking.tenant_id,
        feature=feature,
        code=body.code,
        enabled=body.enabled,
        by=asking.label,
    )
    return FeatureCodeOut.of(made)
