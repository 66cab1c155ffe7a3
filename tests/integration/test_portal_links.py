"""One-time links: for the first admin, for an admin at the machine, and to set a password."""

from __future__ import annotations

from datetime import timedelta

import pytest
from controlplane.services.sign_in_links import MACHINE_LINK, PASSWORD_LINK, link_of_the_machine
from tests.support.api import Api
from tests.support.portal import PASSWORD, Browser, make_user

NEW = "nine blue tables"
ADMIN = {
    "user_name": "alice",
    "display_name": "Alice Adams",
    "password": PASSWORD,
    "password_again": PASSWORD,
}


async def _machine(api: Api) -> str:
    return f"/portal/link/{await link_of_the_machine(api.deps.db, now=api.clock.now())}"


async def _link_for_bob(api: Api, admin: Browser) -> str:
    """Have an admin make a link for Bob, and return its path."""
    (bob,) = api.rows("SELECT id FROM users WHERE user_name = 'bob'")
    await admin.open("/portal/users")
    shown = await admin.send(f"/users/{bob['id']}/link")
    (link,) = [each["value"] for each in shown.with_attribute("value") if "/link/" in each["value"]]
    return link.removeprefix(api.deps.public_url)


async def test_first_admin_makes_an_account(api: Api, visitor: Browser) -> None:
    """Who starts the product becomes its system admin, and is signed in."""
    await visitor.open(await _machine(api))
    await visitor.post(visitor.path, ADMIN)
    (user,) = api.rows("SELECT user_name, role, tenant_id FROM users")

    assert visitor.path == "/portal/welcome"
    assert {"user_name": "alice", "role": "system_admin", "tenant_id": None} == user


async def test_later_link_of_the_machine_signs_in(api: Api, visitor: Browser) -> None:
    """Once there is an admin it only signs them in, by one button."""
    await make_user(api, "alice")
    await make_user(api, "bob", tenant="default")
    shown = await visitor.open(await _machine(api))
    told = "This link signs you in as Alice (alice)." in shown.text
    await visitor.send("")
    shown = await visitor.open("/portal/account")

    assert (True, "alice") == (told, shown.form("/account").fields["user_name"])


async def test_opening_a_link_does_not_use_it_up(api: Api, visitor: Browser) -> None:
    """Previews of chats open it too."""
    path = await _machine(api)
    for _ in range(3):
        await visitor.open(path)

    assert visitor.answer.status_code == 200


@pytest.mark.parametrize("purpose", ["first admin", "sign in", "password"])
async def test_link_works_once(api: Api, visitor: Browser, purpose: str) -> None:
    """The second time it says so, and signs nobody in."""
    await make_user(api, "bob", tenant="default")
    if purpose != "first admin":
        await make_user(api, "alice")
    path = await _machine(api)
    if purpose == "password":
        async with Browser(api) as alice:
            await alice.sign_in("alice")
            path = await _link_for_bob(api, alice)
    fields = {"password": NEW, "password_again": NEW}
    await visitor.post(path, {**ADMIN, **fields})
    first = visitor.path
    async with Browser(api) as thief:
        shown = await thief.post(path, {**ADMIN, "user_name": "mallory", **fields})
        status = thief.answer.status_code
        await thief.open("/portal/account")

    assert ("/portal/welcome", 404, True) == (first, status, "This link was used" in shown.text)
    assert thief.path.startswith("/portal/sign-in")


async def test_next_start_ends_the_earlier_link(api: Api, visitor: Browser) -> None:
    """Only the link that was printed last works."""
    earlier = await _machine(api)
    later = await _machine(api)
    await visitor.open(earlier)
    first = visitor.answer.status_code
    await visitor.open(later)

    assert (404, 200) == (first, visitor.answer.status_code)


async def test_what_is_no_link_is_told(visitor: Browser) -> None:
    """Whatever stands there, the answer is a page that says so."""
    for secret in ("x", "x" * 5000, "%ff", "a%2Fb", "%22%3E%3Cimg%3E"):
        await visitor.open(f"/portal/link/{secret}")

        assert (404, True) == (visitor.answer.status_code, "There is nothing here" in visitor.shown.text)


async def test_links_expire(api: Api, visitor: Browser, alice: Browser) -> None:
    """That of a machine after a month, that for a password after three days."""
    await make_user(api, "bob", tenant="default")
    path = await _link_for_bob(api, alice)
    api.clock.ahead += PASSWORD_LINK + timedelta(seconds=1)
    await visitor.open(path)
    password = visitor.answer.status_code
    path = await _machine(api)
    api.clock.ahead += MACHINE_LINK + timedelta(seconds=1)
    await visitor.open(path)

    assert (404, 404) == (password, visitor.answer.status_code)


async def test_password_link_closes_what_was_open(api: Api, alice: Browser, bob: Browser) -> None:
    """Bob is signed out elsewhere, the old password works no more, and the new one does."""
    path = await _link_for_bob(api, alice)
    async with Browser(api) as phone:
        await phone.post(path, {"password": NEW, "password_again": NEW})
        on_the_phone = phone.path
        await bob.open("/portal/account")
        elsewhere = bob.path
        await bob.sign_in("bob", PASSWORD)
        old = bob.answer.status_code
        await bob.sign_in("bob", NEW)

    assert ("/portal/welcome", "/portal/sign-in?next=/portal/account", 422, "/portal/welcome") == (
        on_the_phone,
        elsewhere,
        old,
        bob.path,
    )


async def test_fields_of_the_first_admin_are_checked(api: Api, visitor: Browser) -> None:
    """The fault stands beside its field and in the summary; the link still works."""
    path = await _machine(api)
    simple, long = "aaaaaaaaaaaa", "x" * 257
    wrong = {
        "The password is too short: 10 characters": {"password": "short", "password_again": "short"},
        "The password is too long: 256 characters": {"password": long, "password_again": long},
        "repeats few characters": {"password": simple, "password_again": simple},
        "The two passwords differ.": {"password_again": "another one"},
        "A user name has 1 to 64 of a-z": {"user_name": "J\u00fcrgen"},
        "A display name has 1 to 64 characters": {"display_name": " "},
        "The password is the user name": {
            "user_name": "alice.adams",
            "password": "Alice.Adams",
            "password_again": "Alice.Adams",
        },
    }
    told = {}
    for sentence, fields in wrong.items():
        shown = await visitor.post(path, {**ADMIN, **fields})
        told[sentence] = (visitor.answer.status_code, shown.text.count(sentence))
    await visitor.post(path, ADMIN)

    assert dict.fromkeys(wrong, (422, 2)) == told
    assert visitor.path == "/portal/welcome"


async def test_taken_user_name_is_told(api: Api, visitor: Browser) -> None:
    """An admin of a tenant may have it already."""
    await make_user(api, "alice", tenant="default")
    path = await _machine(api)
    shown = await visitor.post(path, ADMIN)

    assert (409, True) == (visitor.answer.status_code, "Somebody has this user name." in shown.text)


async def test_link_replaces_the_session_of_the_browser(api: Api, bob: Browser) -> None:
    """Who is signed in as Bob and opens the link of the machine is somebody else afterwards."""
    await make_user(api, "alice")
    before = bob.client.cookies["shared-voicemail-80"]
    await bob.open(await _machine(api))
    await bob.send("")
    sessions = api.rows("SELECT user_name FROM user_sessions JOIN users ON users.id = user_id")

    assert bob.client.cookies["shared-voicemail-80"] != before
    assert [{"user_name": "alice"}] == sessions
