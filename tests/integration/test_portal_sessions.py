"""Sessions of the portal: their secret, their end, and the tenant that they work on."""

from __future__ import annotations

from datetime import timedelta

import httpx
from controlplane.services.user_sessions import IDLE, LONGEST, purge_signing_in
from tests.support.api import Api
from tests.support.portal import Browser, make_user

COOKIE = "shared-voicemail-80"


async def _signed_in(browser: Browser) -> bool:
    await browser.open("/portal/account")
    return browser.path == "/portal/account"


async def test_cookie_is_for_the_browser_alone(alice: Browser) -> None:
    """Script does not see it, and other sites do not send it with their forms."""
    await alice.send("/sign-out")
    await alice.open("/portal/sign-in")
    answer = await alice.client.post(
        "/portal/sign-in",
        data={"user_name": "alice", "password": "seven red chairs"},
        headers={"Origin": "http://test"},
    )
    (cookie,) = [text for text in answer.headers.get_list("set-cookie") if text.startswith(COOKIE)]
    attributes = {part.strip().lower() for part in cookie.split(";")[1:]}

    assert {"httponly", "samesite=lax", "path=/", "max-age=2592000"} == attributes


async def test_secret_is_not_in_the_database(api: Api, alice: Browser) -> None:
    """A stolen database signs nobody in."""
    (row,) = api.rows("SELECT token_sha256 FROM user_sessions")
    secret = alice.client.cookies[COOKIE]

    assert (32, False) == (len(row["token_sha256"]), secret.encode() in row["token_sha256"])


async def test_signing_in_makes_a_new_secret(api: Api, visitor: Browser) -> None:
    """A secret that somebody put into the browser is worth nothing (fixation)."""
    await make_user(api, "alice")
    visitor.client.cookies.set(COOKIE, "planted", domain="test.local")
    await visitor.sign_in("alice")
    first = visitor.client.cookies[COOKIE]
    await visitor.client.post(
        "/portal/sign-in",
        data={"user_name": "alice", "password": "seven red chairs"},
        headers={"Origin": "http://test"},
    )
    second = visitor.client.cookies[COOKIE]
    async with Browser(api) as thief:
        thief.client.cookies.set(COOKIE, first, domain="test.local")
        stolen = await _signed_in(thief)

    assert "planted" not in {first, second}
    assert first != second
    assert not stolen


async def test_signing_out_ends_the_session(api: Api, alice: Browser) -> None:
    """The secret opens nothing afterwards, also for who has a copy of it."""
    secret = alice.client.cookies[COOKIE]
    shown = await alice.send("/sign-out")
    async with Browser(api) as thief:
        thief.client.cookies.set(COOKIE, secret, domain="test.local")
        stolen = await _signed_in(thief)

    assert ("/portal/sign-in", True, False) == (alice.path, "You are signed out." in shown.text, stolen)
    assert COOKIE not in alice.client.cookies


async def test_notice_is_told_once(alice: Browser) -> None:
    """What was done is told on the next page, and on no other."""
    await alice.send("/sign-out")
    shown = await alice.open("/portal/sign-in")

    assert "You are signed out." not in shown.text


async def test_signing_out_elsewhere_ends_the_others(api: Api, alice: Browser) -> None:
    """Every other browser must sign in again; this one need not, and nor must somebody else."""
    await make_user(api, "bob", tenant="default")
    async with Browser(api) as phone, Browser(api) as bob:
        await phone.sign_in("alice")
        await bob.sign_in("bob")
        shown = await alice.open("/portal/account")
        told = "In this browser and in 1 other one." in shown.text
        await alice.send("/sign-out-elsewhere")

        assert (True, True, False, True) == (
            told,
            await _signed_in(alice),
            await _signed_in(phone),
            await _signed_in(bob),
        )


async def test_session_ends_when_it_is_not_used(api: Api, alice: Browser) -> None:
    """Twelve hours without a page are its end."""
    api.clock.ahead += IDLE - timedelta(minutes=1)
    before = await _signed_in(alice)
    api.clock.ahead += timedelta(minutes=30)
    used = await _signed_in(alice)
    api.clock.ahead += IDLE + timedelta(minutes=1)

    assert (True, True, False) == (before, used, await _signed_in(alice))


async def test_session_ends_after_a_month(api: Api, alice: Browser) -> None:
    """However much it is used."""
    until = api.clock.ahead + LONGEST
    while api.clock.ahead + timedelta(hours=11) < until:
        api.clock.ahead += timedelta(hours=11)
        assert await _signed_in(alice)
    api.clock.ahead = until + timedelta(minutes=1)

    assert not await _signed_in(alice)


async def test_purging_keeps_what_is_in_force(api: Api, alice: Browser) -> None:
    """Sessions that have ended are removed, and tries of a week ago."""
    async with Browser(api) as old:
        await old.sign_in("alice")
        api.clock.ahead += timedelta(days=8)
        await alice.sign_in("alice")
        await purge_signing_in(api.deps.db, now=api.clock.now())

        assert await _signed_in(alice)
    sessions = api.rows("SELECT id FROM user_sessions")
    tries = api.rows("SELECT id FROM sign_in_tries")

    assert (1, 1) == (len(sessions), len(tries))


async def test_foreign_cookie_is_no_session(visitor: Browser) -> None:
    """Whatever is in the cookie, the answer is the sign-in page."""
    answers = [
        await visitor.client.get("/portal/account", headers={"Cookie": f"{COOKIE}={cookie}".encode()})
        for cookie in ("", "x" * 5000, "\u00fc", "a b", "e7d30dfa", '"', "a;b=c")
    ]

    assert {(303, "/portal/sign-in?next=/portal/account")} == {
        (answer.status_code, answer.headers["Location"]) for answer in answers
    }


async def test_system_admin_chooses_the_tenant(api: Api, alice: Browser) -> None:
    """All pages are about the chosen tenant then, in this session alone."""
    north = await api.tenant("north")
    await north.post("/api/v1/mailboxes", json={"number": "8001", "display_name": "North", "pin": "290174"})
    async with Browser(api) as elsewhere:
        await elsewhere.sign_in("alice")
        await alice.open("/portal/tenants")
        shown = await alice.post(
            "/portal/tenants", {**alice.shown.form("/tenants").fields, "tenant": "north"}
        )
        other = await elsewhere.open("/portal/mailboxes")

    assert (True, True, False) == (
        "All pages are about the tenant north now." in shown.text,
        "8001 North" in shown.text,
        "North" in other.text,
    )


async def test_deleted_tenant_is_chosen_no_more(api: Api, alice: Browser, system: httpx.AsyncClient) -> None:
    """The session goes on with the default tenant."""
    await api.tenant("north")
    await alice.open("/portal/tenants")
    await alice.post("/portal/tenants", {**alice.shown.form("/tenants").fields, "tenant": "north"})
    gone = await system.delete("/api/v1/tenants/north")
    shown = await alice.open("/portal/mailboxes")

    assert (204, True) == (gone.status_code, "Tenant default" in shown.text)


async def test_tenant_admin_has_one_tenant(api: Api, bob: Browser) -> None:
    """Another one cannot be chosen, and its mailboxes are not shown."""
    north = await api.tenant("north")
    await north.post("/api/v1/mailboxes", json={"number": "8001", "display_name": "North", "pin": "290174"})
    await bob.open("/portal/account")
    token = bob.shown.form("/sign-out").fields["csrf"]
    refused = await bob.post("/portal/tenants", {"csrf": token, "tenant": "north"})
    status = bob.answer.status_code
    shown = await bob.open("/portal/mailboxes")

    assert (403, True, False) == (status, "This is for system admins." in refused.text, "North" in shown.text)


async def test_an_open_page_is_no_use_of_a_session(api: Api, alice: Browser, mailbox: httpx.Response) -> None:
    """What a page fetches by itself does not put off the end of the session; what a person opens does."""
    page, by_itself = "/portal/mailboxes/8001/voicemail", {"X-Live": "yes"}
    api.clock.ahead = timedelta(hours=11)
    alive = await alice.client.get(page, headers=by_itself)
    api.clock.ahead = timedelta(hours=13)
    ended = await alice.client.get(page, headers=by_itself)
    await alice.sign_in("alice")
    api.clock.ahead = timedelta(hours=24)
    await alice.open(page)
    api.clock.ahead = timedelta(hours=35)
    used = await alice.client.get(page)

    assert [200, 303, 200] == [alive.status_code, ended.status_code, used.status_code]
