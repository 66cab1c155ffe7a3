"""Settings: those of the tenant, and for a system admin what the installation was started with."""

from __future__ import annotations

import re
from zoneinfo import available_timezones

from fastapi import Response
from pydantic import ValidationError

from controlplane.domain.errors import Conflict, InvalidValue, PreconditionFailed
from controlplane.domain.limits import LIMITS
from controlplane.services.publishing_modes import tenant_mode
from controlplane.services.tenants import get_tenant, update_tenant
from controlplane.web.api.schemas import TenantPatch
from controlplane.web.errors import status_of
from controlplane.web.portal.access import Inside, SystemAdmin
from controlplane.web.portal.addresses import PREFIX
from controlplane.web.portal.forms import Fault, Faults, faults_of, faults_of_schema
from controlplane.web.portal.last_change import in_words, last_change
from controlplane.web.portal.mailbox_words import language_options
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.visits import Visit

router = page_router()
_SETTINGS = f"{PREFIX}/settings"
_FIELDS = ("sip_domain", "language", "time_zone", *LIMITS)
_FIGURE = re.compile(r"[0-9]{1,9}", re.ASCII)


@router.get(_SETTINGS)
async def settings_page(visit: Inside) -> Response:
    """Show what can be set, and what was set when the processes were started."""
    return await _page(visit)


@router.post(f"{_SETTINGS}/tenant")
async def set_tenant(visit: SystemAdmin) -> Response:
    """Change the tenant; the version says whether somebody else did so meanwhile."""
    form, by = visit.form, visit.person
    try:
        wanted = TenantPatch.model_validate({name: _value(name, form.text(name).strip()) for name in _FIELDS})
        version = int(form.text("version") or 0)
        await update_tenant(
            visit.deps.db,
            visit.deps.jobs,
            name=by.tenant_name,
            changes=wanted.changes(),
            by=by.label,
            expected_version=version,
        )
    except ValidationError as error:
        return await _page(visit, faults=faults_of_schema(error, visit.words), status=422)
    except (InvalidValue, Conflict) as error:
        return await _page(visit, faults=faults_of(error, visit.words), status=status_of(error))
    except (PreconditionFailed, ValueError):
        last = await last_change(visit, "tenant", by.tenant_name)
        told = in_words(last, visit.words("settings.changed-meanwhile"), visit.words)
        faults = Faults([Fault(field="", text=told)])
        return await _page(visit, faults=faults, status=412)
    return visit.go("/settings", notice="settings-saved")


async def _page(visit: Visit, *, faults: Faults | None = None, status: int = 200) -> Response:
    by, words = visit.person, visit.words
    tenant = await get_tenant(visit.deps.db, name=by.tenant_name)
    mode = await tenant_mode(visit.deps.db, by.tenant_id)
    kept = {name: visit.form.text(name) for name in _FIELDS} if faults else {}
    stored = {name: "" if (own := getattr(tenant, name)) is None else str(own) for name in _FIELDS}
    entries = {name: kept.get(name) or stored[name] for name in _FIELDS}
    return visit.page(
        "settings.html",
        section="settings",
        faults=faults,
        status=status,
        tenant=tenant,
        entries=entries,
        languages=[(tag, name) for tag, name in language_options(words, entries["language"]) if tag],
        time_zones=sorted(available_timezones()),
        mode=mode,
        installation=visit.deps.installation if by.system else (),
    )


def _value(name: str, text: str) -> int | str | None:
    """Return a field as the schema takes it: a figure, or none for an empty one."""
    if name not in LIMITS:
        return text
    return int(text) if _FIGURE.fullmatch(text) else text or None
