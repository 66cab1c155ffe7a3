"""The pages of users and of one's own account."""

from __future__ import annotations

from uuid import uuid4

import pytest
from tests.support.api import Api
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.portal import PASSWORD, Browser, make_user

NEW = "nine blue tables"


async def _token(browser: Browser) -> str:
    return (await browser.open("/portal/account")).form("/sign-out").fields["csrf"]


async def test_system_admin_adds_admins_of_any_tenant(api: Api, alice: Browser) -> None:
    """The new user gets a link and is in the list."""
    await api.tenant("north")
    await alice.open("/portal/users/add")
    shown = await alice.send(
        "", user_name="Nora", display_name="Nora North", tenant="north", role="tenant_admin"
    )
    listed = await alice.open("/portal/users")
    (user,) = api.rows(
        "SELECT role, name FROM users JOIN tenants ON tenants.id = tenant_id WHERE user_name = 'nora'"
    )

    assert {"role": "tenant_admin", "name": "north"} == user
    assert "Give this link to nora" in shown.text
    assert "Nora North nora · Tenant admin · north" in listed.text


async def test_system_admin_adds_system_admins(api: Api, alice: Browser) -> None:
    """Of everything, as the last choice says."""
    await alice.open("/portal/users/add")
    await alice.send("", user_name="sam", display_name="Sam", role="system_admin")
    (user,) = api.rows("SELECT role, tenant_id FROM users WHERE user_name = 'sam'")

    assert {"role": "system_admin", "tenant_id": None} == user


@pytest.mark.parametrize(
    ("tenant", "role"), [("*", "tenant_admin"), ("north", "member"), ("", "system_admin"), ("nowhere", "")]
)
async def test_tenant_admin_adds_to_the_own_tenant_alone(
    api: Api, bob: Browser, tenant: str, role: str
) -> None:
    """Whatever the form says, the new user is of the tenant of who makes them, and no more than its admin."""
    await api.tenant("north")
    await bob.open("/portal/users/add")
    await bob.send("", user_name="nina", display_name="Nina", tenant=tenant, role=role)
    (user,) = api.rows(
        "SELECT role, name FROM users JOIN tenants ON tenants.id = tenant_id WHERE user_name = 'nina'"
    )

    assert {"role": role if role == "tenant_admin" else "member", "name": "default"} == user


async def test_tenant_admin_manages_nobody_else(api: Api, bob: Browser) -> None:
    """Others are neither listed nor changed; the answer is that of a user who does not exist."""
    await api.tenant("north")
    foreign = [await make_user(api, "nora", tenant="north"), await make_user(api, "alice"), uuid4()]
    listed = await bob.open("/portal/users")
    token = await _token(bob)
    for user_id in foreign:
        for action in ("link", "disable", "enable"):
            shown = await bob.post(f"/portal/users/{user_id}/{action}", {"csrf": token})

            assert (404, True) == (bob.answer.status_code, "There is no such user." in shown.text)
    assert not {"nora", "alice"} & set(listed.text.split())
    assert [] == api.rows("SELECT id FROM users WHERE NOT enabled")
    assert [] == api.rows("SELECT id FROM sign_in_links")


async def test_last_system_admin_is_not_disabled(api: Api, alice: Browser) -> None:
    """Somebody must be able to let people in."""
    (user,) = api.rows("SELECT id FROM users")
    shown = await alice.post(f"/portal/users/{user['id']}/disable", {"csrf": await _token(alice)})

    assert (409, True) == (alice.answer.status_code, "This is the only system admin" in shown.text)


async def test_disabled_user_is_let_in_again(api: Api, alice: Browser, bob: Browser) -> None:
    """The notice says who; a new session is needed."""
    await alice.open("/portal/users")
    shown = await alice.send("/disable")
    disabled = "bob cannot sign in any more." in shown.text
    shown = await alice.send("/enable")
    await bob.open("/portal/account")
    asked = bob.path
    await bob.sign_in("bob")

    assert (True, True) == (disabled, "bob can sign in again." in shown.text)
    assert ("/portal/sign-in?next=/portal/account", "/portal/welcome") == (asked, bob.path)


async def test_taken_user_name_is_told_beside_its_field(api: Api, alice: Browser) -> None:
    """User names are one space over all tenants; what was typed is still there."""
    await make_user(api, "bob", tenant="default")
    await alice.open("/portal/users/add")
    shown = await alice.send("", user_name="BOB", display_name="Another Bob")

    assert (409, 2) == (alice.answer.status_code, shown.text.count("Somebody has this user name."))
    assert ("BOB", "Another Bob") == (
        shown.form("").fields["user_name"],
        shown.form("").fields["display_name"],
    )


async def test_own_password_is_changed(api: Api, bob: Browser) -> None:
    """Other browsers are signed out, this one is not."""
    async with Browser(api) as phone:
        await phone.sign_in("bob")
        await bob.open("/portal/account")
        shown = await bob.send(
            "/account/password", old_password=PASSWORD, new_password=NEW, password_again=NEW
        )
        await phone.open("/portal/account")
        elsewhere = phone.path
        await phone.sign_in("bob", NEW)

    assert "Your password is changed. All other browsers are signed out." in shown.text
    assert ("/portal/account", "/portal/sign-in?next=/portal/account", "/portal/welcome") == (
        bob.path,
        elsewhere,
        phone.path,
    )


async def test_own_password_is_checked(bob: Browser) -> None:
    """Whoever sits down at an open browser does not get the account; no password is repeated."""
    wrong = {
        "This is not your password.": {"old_password": "wrong password"},
        "The password is too short": {"new_password": "short", "password_again": "short"},
        "The two passwords differ.": {"password_again": "something else"},
    }
    told, repeated = {}, set()
    for sentence, fields in wrong.items():
        await bob.open("/portal/account")
        sent = {"old_password": PASSWORD, "new_password": NEW, "password_again": NEW, **fields}
        shown = await bob.send("/account/password", **sent)
        told[sentence] = (bob.answer.status_code, shown.text.count(sentence))
        repeated |= {each["value"] for each in shown.with_attribute("value")} & set(sent.values())

    assert dict.fromkeys(wrong, (422, 2)) == told
    assert repeated == set()


async def test_language_must_be_one_of_the_portal(alice: Browser) -> None:
    """A form that says another one is refused in words."""
    await alice.open("/portal/account")
    shown = await alice.send("/portal/account", language="tlh")

    assert (422, True) == (alice.answer.status_code, "does not speak this language" in shown.text)


_MARKUP = ("img", "iframe", "style", "param")


async def test_hostile_names_stay_text(alice: Browser) -> None:
    """Whatever is typed into any field, no page breaks, and nothing of it becomes markup."""
    token = await _token(alice)
    broken = []
    for text in HOSTILE_TEXTS:
        typed = text.encode("utf-8", "replace").decode()
        named = {"csrf": token, "user_name": typed, "display_name": typed, "tenant": typed, "language": typed}
        for path in ("/portal/account", "/portal/users/add", "/portal/tenants"):
            shown = await alice.post(path, named)
            injected = [tag for tag, attributes in shown.tags if tag in _MARKUP or "onerror" in attributes]
            if injected or alice.answer.status_code not in {404, 413, 422}:
                broken.append((text, path, alice.answer.status_code, injected))

    assert [] == broken


async def test_hostile_name_is_shown_as_it_is(alice: Browser) -> None:
    """A name that is a name is kept and shown on every page, as text."""
    token = await _token(alice)
    for name in ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }} {0} %s", "a & b"):
        await alice.post("/portal/account", {"csrf": token, "display_name": name, "language": ""})
        for path in ("/portal/mailboxes", "/portal/account", "/portal/users"):
            shown = await alice.open(path)

            assert (200, True) == (alice.answer.status_code, name in shown.text)
            assert not {"img"} & {tag for tag, _ in shown.tags}


async def test_hostile_user_name_at_the_door(visitor: Browser) -> None:
    """Sign-in shows what was typed as text, and never fails; only what is too long is not read at all."""
    found = set()
    for text in HOSTILE_TEXTS:
        sendable = text.encode("utf-8", "replace").decode()
        shown = await visitor.post("/portal/sign-in", {"user_name": sendable, "password": sendable})
        found |= {(visitor.answer.status_code, tag) for tag, _ in shown.tags if tag in {"img", "iframe"}}
        found.add((visitor.answer.status_code, ""))

    assert {(422, ""), (429, ""), (413, "")} >= found
