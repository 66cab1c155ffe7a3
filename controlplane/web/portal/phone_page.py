"""How to connect a phone to an extension: the SIP details, a new password, and a QR code.

The QR code leads to a file of Linphone's remote provisioning, the one format for QR codes that an open
soft phone reads without a service of its vendor; other phones get the details typed in.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from html import escape
from typing import Final
from urllib.parse import quote, urlsplit

import segno
from fastapi import Response

from controlplane.domain.errors import NotFound
from controlplane.services.extensions import update_extension
from controlplane.services.phone_set_up import (
    VALID_MINUTES,
    PhoneAccount,
    account_of_link,
    phone_account,
)
from controlplane.web.deps import PhoneAccess, WebDeps
from controlplane.web.portal.access import Inside, Outside
from controlplane.web.portal.addresses import PREFIX
from controlplane.web.portal.object_pages import page_of
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.visits import Visit

router = page_router()
_PHONE: Final = PREFIX + "/extensions/{number}/phone"
_SET_UP: Final = f"{PREFIX}/phone-set-up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Where phones reach the switch, and whether only those of this machine do."""

    host: str
    port: int
    only_here: bool


@router.get(_PHONE)
async def phone_page(visit: Inside, number: str) -> Response:
    """Show what a phone needs."""
    return await _page(visit, number)


@router.post(_PHONE)
async def new_password(visit: Inside, number: str) -> Response:
    """Make a new password and show it, once; the phones with the old one are refused from now on."""
    by, deps = visit.person, visit.deps
    _, password = await update_extension(
        deps.db,
        deps.jobs,
        tenant_id=by.tenant_id,
        number=number,
        changes={"sip_password": None},
        realm=deps.realm,
        by=by.label,
    )
    return await _page(visit, number, password=password)


@router.get(_SET_UP + "/{token}")
async def set_up(visit: Outside, token: str) -> Response:
    """Answer a phone with its account; the link is the right to it."""
    access = _access(visit.deps)
    account = await account_of_link(visit.deps.db, access.links, token)
    return Response(
        linphone(account, _reach(visit, access), visit.deps.realm),
        media_type="application/xml",
        headers={"Cache-Control": "no-store"},
    )


async def _page(visit: Visit, number: str, *, password: str | None = None) -> Response:
    access, by = _access(visit.deps), visit.person
    account = await phone_account(visit.deps.db, tenant_id=by.tenant_id, number=number)
    token = access.links.make(account.extension, by=by.label)
    address = f"{visit.portal.public_url}{_SET_UP}/{quote(token, safe='')}"
    return visit.page(
        "phone.html",
        section="extensions",
        account=account,
        reach=_reach(visit, access),
        password=password,
        code=segno.make(address, error="m").svg_data_uri(scale=4, border=4, light="#fff"),
        link=address,
        portal_only_here=_only_here(urlsplit(visit.portal.public_url).hostname or ""),
        minutes=VALID_MINUTES,
        back=page_of("extension", account.extension.number),
    )


def _access(deps: WebDeps) -> PhoneAccess:
    if deps.phones is None:
        raise NotFound("Phones do not register here.", error_id="no-phones")
    return deps.phones


def _reach(visit: Visit, access: PhoneAccess) -> Reach:
    """Return the address of the switch; where it listens on all of them, that of the portal."""
    host = access.host
    if host in {"0.0.0.0", "::"}:  # noqa: S104 (compared)
        host = urlsplit(visit.portal.public_url).hostname or host
    return Reach(host=host, port=access.port, only_here=_only_here(host))


def _only_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def linphone(account: PhoneAccount, reach: Reach, realm: str) -> str:
    """Write an account as Linphone's remote provisioning (lpconfig), with the digest for a password."""
    extension = account.extension
    host = f"[{reach.host}]" if ":" in reach.host else reach.host
    shown = extension.display_name.replace("\\", "").replace('"', "")
    proxy = {
        "reg_identity": f'"{shown}" <sip:{extension.number}@{account.sip_domain}>',
        "reg_proxy": f"<sip:{host}:{reach.port};transport=udp>",
        "reg_route": f"<sip:{host}:{reach.port};transport=udp;lr>",
        "reg_sendregister": "1",
        "reg_expires": "600",
        "publish": "0",
        "realm": realm,
    }
    secret = {
        "username": extension.number,
        "ha1": account.a1_hash,
        "realm": realm,
        "domain": account.sip_domain,
        "algorithm": "MD5",
    }
    sections = {"sip": {"default_proxy": "0"}, "proxy_0": proxy, "auth_info_0": secret}
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<config xmlns="http://www.linphone.org/xsds/lpconfig.xsd">',
    ]
    for section, entries in sections.items():
        lines.append(f'<section name="{section}">')
        lines += [
            f'<entry name="{name}" overwrite="true">{escape(value)}</entry>'
            for name, value in entries.items()
        ]
        lines.append("</section>")
    return "\n".join([*lines, "</config>", ""])
