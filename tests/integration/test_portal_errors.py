"""Errors of the portal are pages, in the words of whoever sees them."""

from __future__ import annotations

import pytest
from controlplane.domain.errors import Conflict, Contended, NotFound, Unavailable
from controlplane.domain.rights import NotAllowed
from controlplane.web.errors import Forbidden
from controlplane.web.portal import mailboxes_page
from tests.support.api import Api
from tests.support.portal import Browser


def _links(browser: Browser) -> set[str]:
    """Return where the links of the page lead that is shown."""
    return {attributes["href"] for attributes in browser.shown.with_attribute("href")}


async def _failing(error: Exception, monkeypatch: pytest.MonkeyPatch, browser: Browser) -> str:
    """Open the list of mailboxes while it fails, and return its heading and text."""

    async def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(mailboxes_page, "browse_mailboxes", fail)
    return (await browser.open("/portal/mailboxes")).text


async def test_address_without_a_page(visitor: Browser) -> None:
    """It is a page with a way back, for strangers too, for every method."""
    shown = await visitor.open("/portal/nothing/here")
    posted = await visitor.client.post("/portal/nothing")

    assert (404, 404) == (visitor.answer.status_code, posted.status_code)
    assert "There is nothing here There is no page at this address. To the start page" in shown.text
    assert "frame-ancestors 'none'" in posted.headers["Content-Security-Policy"]


async def test_id_that_is_none_is_no_page(alice: Browser) -> None:
    """An address that no page of ours leads to."""
    await alice.client.get("/portal/account")
    token = (await alice.open("/portal/account")).form("/sign-out").fields["csrf"]
    shown = await alice.post("/portal/users/not-an-id/disable", {"csrf": token})

    assert (404, True) == (alice.answer.status_code, "There is nothing here" in shown.text)


@pytest.mark.parametrize("error", [Unavailable("The database is away."), Contended("Busy.")])
async def test_database_that_is_away(
    monkeypatch: pytest.MonkeyPatch, alice: Browser, error: Exception
) -> None:
    """It says that calls go on, and when to try again."""
    text = await _failing(error, monkeypatch, alice)

    assert (503, "5") == (alice.answer.status_code, alice.answer.headers["Retry-After"])
    assert "Please try again in a moment The database cannot be reached right now." in text


async def test_error_that_nobody_expected(
    monkeypatch: pytest.MonkeyPatch, alice: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    """The page names the request, whose error is in the log once; nothing of it is on the page."""
    capsys.readouterr()
    text = await _failing(RuntimeError("a secret of the inside"), monkeypatch, alice)
    logged = capsys.readouterr().out
    request_id = alice.answer.headers["X-Request-Id"]

    assert (500, True, False) == (
        alice.answer.status_code,
        request_id in text,
        "secret of the inside" in text,
    )
    assert (1, True) == (logged.count("event='http.failed'"), f"request_id='{request_id}'" in logged)


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (NotFound("Gone.", error_id="no-such-mailbox"), 404, "Look for it in the menu."),
        (Forbidden("No.", error_id="admins-only"), 403, "Ask an admin if you need it."),
        (NotAllowed("No.", error_id="right-needed"), 403, "Ask an admin if you need it."),
        (
            Conflict("Meanwhile.", error_id="conflict"),
            409,
            "Go back, look at it as it is now, and try once more.",
        ),
        (RuntimeError("inside"), 500, "Please try again."),
        (Unavailable("Away."), 503, "calls go on"),
    ],
)
async def test_who_is_signed_in_keeps_the_menu_and_is_told_what_to_do(
    monkeypatch: pytest.MonkeyPatch, alice: Browser, error: Exception, status: int, words: str
) -> None:
    """The way on is a link: to the same page where trying helps, to the one before, and to the start page."""
    await alice.open("/portal/account")
    text = await _failing(error, monkeypatch, alice)
    links = _links(alice)

    assert (status, True) == (alice.answer.status_code, words in text)
    assert {"/portal/account", "/portal/mails", "/portal/"} <= links
    assert (status >= 500) == ("Try again" in text)
    assert alice.shown.form("/sign-out").fields["csrf"]


async def test_address_without_a_page_keeps_the_menu(alice: Browser, visitor: Browser) -> None:
    """For who is signed in; a stranger sees nothing of it, and nobody is let in by it."""
    await alice.open("/portal/nothing/here?x=1")
    await visitor.open("/portal/nothing/here")

    assert 404 == alice.answer.status_code
    assert ("/portal/mails" in _links(alice), "/portal/mails" in _links(visitor)) == (True, False)


@pytest.mark.parametrize(
    ("referer", "led"),
    [
        ("http://test/portal/account?x=1", "/portal/account?x=1"),
        ("http://test/portal/mailboxes", None),
        ("http://evil.example.com/portal/account", None),
        ("http://test/api/v1/docs", None),
        ("http://test//evil.example.com/portal/", None),
        ("http://[", None),
    ],
)
async def test_page_before_is_one_of_ours(
    monkeypatch: pytest.MonkeyPatch, alice: Browser, referer: str, led: str | None
) -> None:
    """What the browser says where it came from leads to no other site, and not to the same fault again."""
    alice.client.headers["Referer"] = referer
    text = await _failing(Conflict("Meanwhile.", error_id="conflict"), monkeypatch, alice)

    assert (led is not None) == ("Back to the page before" in text)
    assert led is None or led in _links(alice)


async def test_database_that_is_away_at_the_door(api: Api, visitor: Browser) -> None:
    """Signing in says the same, in the browser's language."""
    await api.deps.db.close()
    async with Browser(api, language="de") as browser:
        await browser.open("/portal/sign-in")
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(api.deps.db, "transaction", _away)
            shown = await browser.send("/sign-in", user_name="alice", password="x")

    assert (503, True) == (browser.answer.status_code, "Anrufe gehen weiter" in shown.text)


def _away(**_: object) -> None:
    raise Unavailable("The database is away.")


async def test_errors_of_the_api_stay_documents(alice: Browser) -> None:
    """Programs read problem documents, people pages."""
    answer = await alice.client.get("/api/v1/nothing")

    assert answer.headers["Content-Type"] == "application/problem+json"
