"""The page that connects a phone: its details, a new password, and the file behind the QR code."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import timedelta

import httpx
import pytest
from controlplane.domain.extension import a1_hash
from controlplane.services.phone_set_up import phone_account
from tests.support.api import Api
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.portal import Browser

NAMESPACE = "{http://www.linphone.org/xsds/lpconfig.xsd}"
PAGE = "/portal/extensions/150/phone"


@pytest.fixture
async def password(client: httpx.AsyncClient) -> str:
    """Make the extension 150; return its password."""
    made = await client.post("/api/v1/extensions", json={"number": "150", "display_name": "Phone"})
    return str(made.json()["sip_password"])


def entries(text: str) -> dict[str, str]:
    """Return the entries of a provisioning file by section and name."""
    root = ET.fromstring(text)
    return {
        f"{section.get('name')}.{entry.get('name')}": entry.text or ""
        for section in root.iter(f"{NAMESPACE}section")
        for entry in section
    }


async def link_to(api: Api, browser: Browser) -> str:
    """Return the link that the page's QR code holds now."""
    (row,) = api.rows("SELECT * FROM extensions WHERE number = '150'")
    account = await phone_account(api.deps.db, tenant_id=row["tenant_id"], number="150")
    assert api.deps.phones is not None
    return f"/portal/phone-set-up/{api.deps.phones.links.make(account.extension, by='user bob')}"


async def test_page_has_the_details_and_no_password(bob: Browser, password: str) -> None:
    """Server, port, domain and user are there; the password is not, nor its digest."""
    page = await bob.open(PAGE)

    assert "User name 150 Domain localhost Server 192.0.2.10 Port 5060" in page.text
    assert password not in bob.answer.text
    assert any(tags.get("src", "").startswith("data:image/svg+xml") for _, tags in page.tags)


async def test_new_password_is_shown_once(bob: Browser, api: Api, password: str) -> None:
    """It is the one that counts from then on, and is gone when the page is opened again."""
    await bob.open(PAGE)
    made = await bob.send("/150/phone")
    new = next(tags["value"] for _, tags in made.tags if tags.get("name") == "password-shown")
    again = await bob.open(PAGE)

    expected = a1_hash(number="150", realm="shared-voicemail", password=new)
    assert [{"sip_a1_hash": expected}] == api.rows("SELECT sip_a1_hash FROM extensions")
    assert new != password
    assert new not in again.text + str(again.tags)


async def test_phone_fetches_its_account(bob: Browser, api: Api, visitor: Browser, password: str) -> None:
    """Whoever has the link gets the digest of the password, and the log says who made the link."""
    await bob.open(PAGE)
    await visitor.open(await link_to(api, bob))
    found = entries(visitor.answer.text)

    assert "application/xml" in visitor.answer.headers["content-type"]
    assert a1_hash(number="150", realm="shared-voicemail", password=password) == found["auth_info_0.ha1"]
    assert '"Phone" <sip:150@localhost>' == found["proxy_0.reg_identity"]
    assert "<sip:192.0.2.10:5060;transport=udp>" == found["proxy_0.reg_proxy"]
    assert [{"author": "user bob", "object_key": "150"}] == api.rows(
        "SELECT author, object_key FROM audit_entries WHERE action = 'downloaded'"
    )


async def test_link_ends(
    bob: Browser, api: Api, visitor: Browser, client: httpx.AsyncClient, password: str
) -> None:
    """After a quarter of an hour, and when the extension is changed; what is no link is none."""
    link = await link_to(api, bob)
    api.clock.ahead = timedelta(minutes=16)
    await visitor.open(link)
    late = visitor.answer
    api.clock.ahead = timedelta()
    await client.patch("/api/v1/extensions/150", json={"sip_password": None})
    await visitor.open(link)
    changed = visitor.answer
    await visitor.open("/portal/phone-set-up/nonsense")

    assert [404, 404, 404] == [late.status_code, changed.status_code, visitor.answer.status_code]


async def test_hostile_names_break_no_file(
    api: Api, bob: Browser, client: httpx.AsyncClient, visitor: Browser, password: str
) -> None:
    """Whatever an extension is called, the file has the same entries, and the page stays a page."""
    names = [name for name in HOSTILE_TEXTS if 0 < len(name.strip()) <= 64][:12]
    seen = set()
    for name in names:
        answer = await client.patch("/api/v1/extensions/150", json={"display_name": name})
        if answer.status_code == 200:
            await visitor.open(await link_to(api, bob))
            seen.add(tuple(entries(visitor.answer.text)))
            await bob.open(PAGE)

    assert 1 == len(seen)
    assert 200 == bob.answer.status_code


async def test_unknown_extension_is_not_found(bob: Browser, foreigner: httpx.AsyncClient) -> None:
    """So is one of another tenant."""
    await foreigner.post("/api/v1/extensions", json={"number": "150", "display_name": "Theirs"})
    page = await bob.open(PAGE)

    assert 404 == bob.answer.status_code
    assert "no extension with this number" in page.text
