"""Forms of the portal are taken from its own pages alone, and every page keeps out who may not see it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest
from fastapi.routing import iter_route_contexts
from tests.support.api import Api
from tests.support.portal import ORIGIN, PASSWORD, Browser, make_user

OPEN = {"/portal", "/portal/sign-in", "/portal/link/{token}", "/portal/{_rest:path}"}
OPEN |= {"/portal/phone-set-up/{token}"}
"""The addresses for which nobody needs to be signed in; files come on top."""


def _routes(api: Api) -> Iterator[tuple[str, str]]:
    """List method and path of every page of the portal."""
    for route in iter_route_contexts(api.app.routes):
        path = route.path or ""
        if path.startswith("/portal") and not path.startswith("/portal/static/"):
            for method in sorted(route.methods or ()):
                yield method, path


def _filled(path: str) -> str:
    return re.sub(r"\{\w+(:\w+)?\}", str(uuid4()), path)


async def test_every_page_but_a_few_wants_somebody_signed_in(api: Api, visitor: Browser) -> None:
    """Each route of the portal sends a stranger to the sign-in page, whatever its method."""
    closed = [(method, path) for method, path in _routes(api) if path not in OPEN]
    answers = [
        await visitor.client.request(method, _filled(path), headers={"Origin": ORIGIN})
        for method, path in closed
    ]

    assert len(closed) > 10
    assert [] == [
        (method, path)
        for (method, path), answer in zip(closed, answers, strict=True)
        if answer.status_code != 303 or not answer.headers["Location"].startswith("/portal/sign-in")
    ]


@pytest.mark.parametrize("token", ["", "0" * 64, "of another session"])
async def test_no_form_works_without_the_token_of_the_session(
    api: Api, alice: Browser, bob: Browser, token: str
) -> None:
    """Each form that changes something is refused without it, and nothing happens."""
    if token == "of another session":
        token = (await bob.open("/portal/account")).form("/sign-out").fields["csrf"]
    sent = [(method, path) for method, path in _routes(api) if method != "GET" and path not in OPEN]
    answers = [
        await alice.client.request(method, _filled(path), data={"csrf": token}, headers={"Origin": ORIGIN})
        for method, path in sent
    ]

    assert [] == [
        (path, answer.status_code)
        for (_, path), answer in zip(sent, answers, strict=True)
        if answer.status_code != 403
    ]
    assert "too old" in answers[0].text


async def test_no_form_of_another_site_works(api: Api, alice: Browser) -> None:
    """Not even with the right token, and not the sign-in form either."""
    token = (await alice.open("/portal/account")).form("/sign-out").fields["csrf"]
    data = {"csrf": token, "user_name": "alice", "password": PASSWORD}
    sent = [(m, p) for m, p in _routes(api) if m != "GET" and p != "/portal/{_rest:path}"]
    foreign: list[dict[str, str]] = [
        {},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://test.evil.example"},
        {"Origin": "http://test:8000"},
        {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"},
        {"Origin": ORIGIN, "Sec-Fetch-Site": "same-site"},
    ]
    answers = [
        await alice.client.request(method, _filled(path), data=data, headers=headers)
        for method, path in sent
        for headers in foreign
    ]

    assert {403} == {answer.status_code for answer in answers}
    assert all("from another site" in answer.text for answer in answers)


async def test_token_may_come_as_a_header(alice: Browser) -> None:
    """Script sends it so, and is sent on by a header that it understands."""
    token = (await alice.open("/portal/account")).form("/sign-out").fields["csrf"]
    answer = await alice.client.post(
        "/portal/account",
        data={"display_name": "Alice B.", "language": ""},
        headers={"Sec-Fetch-Site": "same-origin", "X-CSRF-Token": token, "HX-Request": "true"},
    )

    assert (200, "/portal/account") == (answer.status_code, answer.headers["HX-Redirect"])


async def test_public_address_is_an_origin_too(api: Api, alice: Browser) -> None:
    """Behind a proxy that asks by another host, the browser names the public address."""
    token = (await alice.open("/portal/account")).form("/sign-out").fields["csrf"]
    answer = await alice.client.post(
        "/portal/sign-out", data={"csrf": token}, headers={"Origin": ORIGIN, "Host": "web:8000"}
    )

    assert answer.status_code == 303


async def test_pages_come_in_no_frame_and_run_nothing_foreign(alice: Browser) -> None:
    """The policy names this origin alone, allows no inline script or style, and no frame around it."""
    await alice.open("/portal/mailboxes")
    headers = alice.answer.headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))

    assert {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "media-src": "'self'",
        "connect-src": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    } == policy
    assert ("DENY", "nosniff", "no-store", "same-origin") == (
        headers["X-Frame-Options"],
        headers["X-Content-Type-Options"],
        headers["Cache-Control"],
        headers["Referrer-Policy"],
    )


async def test_pages_have_no_inline_script_or_style(alice: Browser) -> None:
    """The policy would stop them, and the page would not be whole."""
    for path in ("/portal/mailboxes", "/portal/account", "/portal/users", "/portal/nothing"):
        shown = await alice.open(path)
        scripts = [attributes for tag, attributes in shown.tags if tag == "script"]
        handlers = {name for _, attributes in shown.tags for name in attributes if name.startswith("on")}

        assert all("src" in attributes for attributes in scripts)
        assert ([], set()) == (shown.with_attribute("style"), handlers)
        assert "style" not in {tag for tag, _ in shown.tags}


async def test_files_are_kept_until_they_change(alice: Browser) -> None:
    """Their addresses hold a digest, and browsers need not ask again."""
    shown = await alice.open("/portal/mailboxes")
    files = [
        attributes.get("href") or attributes.get("src") or ""
        for tag, attributes in shown.tags
        if tag in {"link", "script"}
    ]
    answers = [await alice.client.get(file) for file in files]

    assert len(files) == 5
    assert all(re.search(r"\?v=[0-9a-f]{12}$", file) for file in files)
    assert {(200, "public, max-age=31536000, immutable")} == {
        (answer.status_code, answer.headers["Cache-Control"]) for answer in answers
    }


async def test_what_is_no_form_is_refused(visitor: Browser) -> None:
    """Bodies of another kind, of too many fields, and of bytes that are no text."""
    form = "application/x-www-form-urlencoded"
    bodies = [
        (415, "application/json", b'{"user_name": "alice"}'),
        (415, "multipart/form-data; boundary=x", b"--x--"),
        (400, form, b"&".join(b"a=1" for _ in range(3000))),
        (422, form, b"\xff\xfe=\x80"),
        (422, form, b"user_name=a%00b&password=%00"),
        (422, form, b"user_name=%ff%ed%a0%80&password=%f0"),
        (422, form, b""),
    ]
    answers = [
        await visitor.client.post(
            "/portal/sign-in", content=body, headers={"Origin": ORIGIN, "Content-Type": content_type}
        )
        for _, content_type, body in bodies
    ]

    assert [status for status, _, _ in bodies] == [answer.status_code for answer in answers]
    assert {"text/html; charset=utf-8"} == {answer.headers["Content-Type"] for answer in answers}


async def test_request_of_the_portal_is_logged_by_user(
    api: Api, alice: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who asked, for which tenant, and the template of the address: a link's secret is in no log."""
    capsys.readouterr()
    await alice.open("/portal/account")
    await alice.open("/portal/link/secret-of-a-link")
    logged = capsys.readouterr().out

    assert "route='/portal/account' status=200" in logged
    assert "tenant='default' user='alice'" in logged
    assert "secret-of-a-link" not in logged


async def test_rest_does_not_take_the_session(api: Api, alice: Browser) -> None:
    """A cookie opens pages alone: the REST API wants a token."""
    answer = await alice.client.get("/api/v1/mailboxes")

    assert answer.status_code == 401


async def test_page_opens_no_door_to_tokens(alice: Browser, client: httpx.AsyncClient) -> None:
    """A bearer token signs nobody in to the portal."""
    answer = await client.get("/portal/account")

    assert (303, "/portal/sign-in?next=/portal/account") == (answer.status_code, answer.headers["Location"])


async def test_disabled_user_is_out_at_once(api: Api, alice: Browser, bob: Browser) -> None:
    """The next page asks to sign in, and the right password does not help."""
    await alice.open("/portal/users")
    await alice.send("/disable")
    await bob.open("/portal/account")
    asked = bob.path
    shown = await bob.sign_in("bob")

    assert ("/portal/sign-in?next=/portal/account", True) == (
        asked,
        "User name and password do not fit." in shown.text,
    )


async def test_same_work_for_unknown_users(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hash is computed for everybody: time does not tell who exists."""
    await make_user(api, "alice")
    await make_user(api, "carol", password=None)
    verified = []
    real = api.deps.passwords.verify

    async def counted(stored: str | None, password: object) -> bool:
        verified.append(stored is None)
        return await real(stored, password)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(api.deps.passwords, "verify", counted)
    async with Browser(api) as browser:
        for user_name in ("alice", "carol", "nobody", "no such name!"):
            await browser.sign_in(user_name, "wrong password")

    assert [False, True, True, True] == verified
