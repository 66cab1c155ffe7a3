"""`/configuration`: whether the switch runs what was changed."""

from __future__ import annotations

from fastapi import APIRouter

from controlplane.services.configuration_state import read_configuration
from controlplane.web.api.mailboxes import Deps
from controlplane.web.api.responses import problems
from controlplane.web.api.schemas_configuration import ConfigurationOut
from controlplane.web.paths import API
from controlplane.web.security import Asking

router = APIRouter(prefix=f"{API}/configuration", tags=["configuration"])


@router.get("", response_model=ConfigurationOut, responses=problems())
async def get_configuration(deps: Deps, asking: Asking) -> ConfigurationOut:
    """Say whether all changes are live, and list the newest revisions; only system tokens see errors."""
    state = await read_configuration(deps.db, tenant_id=asking.tenant_id, with_errors=asking.system)
    return ConfigurationOut.of(state)
