"""The check-up in the portal: what was found as a list, and beside the object that it is about."""

from __future__ import annotations

import httpx
import pytest
from controlplane.services.routing import linting
from tests.support.api import MAILBOX, Api
from tests.support.portal import Browser, make_user

REST = "/api/v1"


async def _furnish(client: httpx.AsyncClient) -> None:
    """Make a group without members, a mailbox that is mailed to nobody, and a circle."""
    for kind, body in (
        ("mailboxes", dict(MAILBOX)),
        ("ring-groups", {"number": "6100", "display_name": '"><script>alert(1)</script>'}),
    ):
        made = await client.post(f"{REST}/{kind}", json=body)
        assert 201 == made.status_code, made.text


async def test_findings_are_those_of_rest(client: httpx.AsyncClient, bob: Browser) -> None:
    """The same, the worst first, each with its object, its field and how to mend it."""
    await _furnish(client)
    told = (await client.get(f"{REST}/lint")).json()["items"]
    text = (await bob.open("/portal/findings")).text
    of_severity = (await bob.open("/portal/findings?severity=warning")).text
    pages = {one["href"] for one in bob.shown.with_attribute("href")}

    assert 4 == len(told)
    assert f"All {len(told)} " in text
    assert "Member: It has nobody, so that nobody can take a call. Give it members" in text
    assert text.index("May be lost Member") < text.index("Email: Nobody is mailed")
    assert "Nobody is mailed" not in of_severity
    assert "/portal/ring-groups/6100" in pages
    assert "script>alert(1)" in text
    assert "/portal/findings" in pages


async def test_findings_of_one_object(client: httpx.AsyncClient, bob: Browser) -> None:
    """Its page asks for them once it is there; without script a link leads to them."""
    await _furnish(client)
    await bob.open("/portal/mailboxes/8001")
    asked = [one["hx-get"] for one in bob.shown.with_attribute("hx-get") if "beside" in one["hx-get"]]
    linked = [one["href"] for one in bob.shown.with_attribute("href") if "beside" in one["href"]]
    text = (await bob.open(asked[0])).text
    await bob.open("/portal/ring-groups/6100")
    of_group = [one["hx-get"] for one in bob.shown.with_attribute("hx-get") if "beside" in one["hx-get"]]
    nothing = (await bob.open("/portal/findings/beside?kind=mailbox&key=8999")).text

    assert asked == linked == ["/portal/findings/beside?kind=mailbox&key=8001"]
    assert "Check-up: Shared Voicemail 8001" in text
    assert "Nobody is mailed about its messages" in text
    assert "It has nobody" not in text
    assert ["/portal/findings/beside?kind=ring-group&key=6100"] == of_group
    assert "Nothing was found" in nothing


async def test_large_tenant_is_looked_over_when_asked(
    client: httpx.AsyncClient, bob: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page of an object does not read all of it by itself: a link asks."""
    await _furnish(client)
    monkeypatch.setattr(linting, "MANY", 1)
    url = "/portal/findings/beside?kind=mailbox&key=8001"
    part = await bob.client.get(url, headers={"HX-Request": "true"})
    text = (await bob.open(url)).text

    assert "Nobody is mailed" not in part.text
    assert "See what the check-up says about this" in part.text
    assert "Nobody is mailed" in text


async def test_findings_speak_german(api: Api, client: httpx.AsyncClient) -> None:
    """Each finding has words of its own in every language."""
    await _furnish(client)
    async with Browser(api, language="de") as browser:
        await make_user(api, "dora", tenant="default")
        await browser.sign_in("dora")
        text = (await browser.open("/portal/findings")).text

    assert "Niemand gehört dazu" in text
    assert "Fügen Sie Mitglieder" in text


async def test_nothing_is_found_in_an_empty_tenant(bob: Browser) -> None:
    """It says so."""
    assert "Nothing was found" in (await bob.open("/portal/findings")).text
