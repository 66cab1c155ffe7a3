"""Signing in to the portal by user name and password."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
import structlog
from controlplane.domain.password import Password
from controlplane.services.password_hashing import PasswordHasher
from controlplane.services.pin_hashing import HashCost
from tests.support.api import Api
from tests.support.portal import PASSWORD, Browser, make_user

_WRONG = "User name and password do not fit."


async def test_right_password_leads_to_the_start_page(api: Api, visitor: Browser) -> None:
    """Who signs in sees Shared Voicemail, and their own name."""
    await make_user(api, "alice", display_name="Alice Adams")
    shown = await visitor.sign_in("alice")

    assert ("/portal/welcome", "Welcome · Shared Voicemail", True) == (
        visitor.path,
        shown.title,
        "Alice Adams" in shown.text,
    )


@pytest.mark.parametrize("typed", ["ALICE", "Alice", " alice "])
async def test_user_name_may_be_typed_in_any_case(api: Api, visitor: Browser, typed: str) -> None:
    """Phones begin with a capital letter and end with a blank."""
    await make_user(api, "alice")
    await visitor.sign_in(typed)

    assert visitor.path == "/portal/welcome"


@pytest.mark.parametrize(
    ("user_name", "password"),
    [("alice", "seven red tables"), ("alice", ""), ("nobody", PASSWORD), ("", ""), ("carol", PASSWORD)],
)
async def test_wrong_password_and_unknown_user_hear_the_same(
    api: Api, visitor: Browser, user_name: str, password: str
) -> None:
    """Nobody learns whether a user exists, is disabled, or has no password yet."""
    await make_user(api, "alice")
    await make_user(api, "carol", password=None)
    shown = await visitor.sign_in(user_name, password)

    assert (422, True, "/portal/sign-in") == (visitor.answer.status_code, _WRONG in shown.text, visitor.path)
    assert "shared-voicemail-80" not in visitor.client.cookies


async def test_page_does_not_repeat_the_password(api: Api, visitor: Browser) -> None:
    """After a wrong try the user name is still there, and the password is not."""
    shown = await visitor.sign_in("alice", "wrong password")
    fields = shown.form("/sign-in").fields

    assert ("alice", "") == (fields["user_name"], fields["password"])
    assert "wrong password" not in visitor.answer.text


async def test_account_waits_after_wrong_passwords(api: Api, visitor: Browser) -> None:
    """The sixth try is not looked at, though it is right, and says how long to wait."""
    await make_user(api, "alice")
    for _ in range(5):
        await visitor.sign_in("alice", "wrong password")
    shown = await visitor.sign_in("alice")

    assert (429, True) == (visitor.answer.status_code, "Wait 1 minute, then try again." in shown.text)
    assert 0 < int(visitor.answer.headers["Retry-After"]) <= 60


async def test_account_waits_at_every_address(api: Api, visitor: Browser) -> None:
    """Who guesses from many addresses gains nothing."""
    await make_user(api, "alice")
    for number in range(5):
        async with Browser(api, address=f"198.51.100.{number}") as other:
            await other.sign_in("alice", "wrong password")
    await visitor.sign_in("alice")

    assert visitor.answer.status_code == 429


async def test_wait_ends(api: Api, visitor: Browser) -> None:
    """After the minute the right password lets in, and clears the count."""
    await make_user(api, "alice")
    for _ in range(5):
        await visitor.sign_in("alice", "wrong password")
    api.clock.ahead += timedelta(seconds=61)
    await visitor.sign_in("alice")

    assert visitor.path == "/portal/welcome"


async def test_unknown_account_waits_as_well(api: Api, visitor: Browser) -> None:
    """A wait tells nothing about who exists."""
    for _ in range(5):
        await visitor.sign_in("nobody", "wrong password")
    await visitor.sign_in("nobody", "wrong password")

    assert visitor.answer.status_code == 429


async def test_other_accounts_do_not_wait(api: Api, visitor: Browser) -> None:
    """One who is attacked does not keep out a colleague behind the same address."""
    await make_user(api, "bob", tenant="default")
    for _ in range(6):
        await visitor.sign_in("alice", "wrong password")
    await visitor.sign_in("bob")

    assert visitor.path == "/portal/welcome"


async def test_address_waits_after_many_accounts(api: Api, visitor: Browser) -> None:
    """Fifty wrong passwords over all accounts make an address wait, and no other one."""
    await make_user(api, "alice")
    for number in range(50):
        await visitor.post("/portal/sign-in", {"user_name": f"user{number}", "password": "wrong password"})
    await visitor.sign_in("alice")
    async with Browser(api, address="198.51.100.7") as elsewhere:
        await elsewhere.sign_in("alice")

    assert (429, "/portal/welcome") == (visitor.answer.status_code, elsewhere.path)


async def test_what_was_typed_is_stored_nowhere(
    api: Api, visitor: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    """A password in the wrong field is neither in the database nor in the log."""
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as logged:
        await visitor.sign_in("my-secret-password", "my-secret-password")
    rows = api.rows("SELECT encode(account, 'escape') AS account, address FROM sign_in_tries")

    assert len(rows) == 1
    assert "my-secret" not in f"{rows}{logged}{caplog.text}"


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [("/portal/account?x=1", "/portal/account?x=1"), ("//evil.example/portal/", "/portal/welcome")],
)
async def test_next_is_a_page_of_the_portal(api: Api, visitor: Browser, wanted: str, reached: str) -> None:
    """After signing in the wanted page comes, if it is one of ours."""
    await make_user(api, "alice")
    await visitor.open("/portal/sign-in")
    await visitor.send("/sign-in", user_name="alice", password=PASSWORD, next=wanted)

    assert visitor.path == reached


async def test_page_that_was_wanted_comes_after_signing_in(api: Api, visitor: Browser) -> None:
    """Who is not signed in is asked to, and goes on to where they wanted to go."""
    await make_user(api, "alice")
    await visitor.open("/portal/account?x=1")
    asked = visitor.path
    await visitor.send("/sign-in", user_name="alice", password=PASSWORD)

    assert ("/portal/sign-in?next=/portal/account%3Fx%3D1", "/portal/account?x=1") == (asked, visitor.path)


async def test_who_is_signed_in_need_not_sign_in(alice: Browser) -> None:
    """The sign-in page sends them on."""
    await alice.open("/portal/sign-in?next=/portal/account")

    assert alice.path == "/portal/account"


async def test_root_leads_to_the_portal(visitor: Browser) -> None:
    """The bare address is what people type."""
    await visitor.open("/")

    assert visitor.path == "/portal/sign-in?next=/portal/"


async def test_german_browser_reads_german(api: Api) -> None:
    """The browser's language holds until the user chose one."""
    async with Browser(api, language="de-AT,de;q=0.9,en;q=0.5") as browser:
        shown = await browser.sign_in("alice", "wrong password")

    assert ("Anmelden · Shared Voicemail", True) == (
        shown.title,
        "Benutzername und Passwort passen nicht zusammen." in shown.text,
    )
    assert [{"lang": "de"}] == shown.with_attribute("lang")


async def test_password_is_hashed_anew_when_the_cost_rises(api: Api, visitor: Browser) -> None:
    """At the next sign-in, with the password that was right."""
    await make_user(api, "alice")
    cheaper = PasswordHasher(cost=HashCost(time_cost=2, memory_kib=8, parallelism=1))
    old = await cheaper.hash(Password(PASSWORD))
    cheaper.close()
    async with api.deps.db.connection() as connection:
        await connection.execute("UPDATE users SET password_hash = %s", (old,))
    await visitor.sign_in("alice")
    (now,) = api.rows("SELECT password_hash FROM users")
    await visitor.send("/sign-out")
    await visitor.sign_in("alice")

    assert old != now["password_hash"]
    assert visitor.path == "/portal/welcome"
