"""Addresses of the portal, and notices that travel in a cookie."""

from __future__ import annotations

import base64
import json

import pytest
from controlplane.web.portal.addresses import base_of, link_address, safe_next, sign_in_address
from controlplane.web.portal.notices import Notice, packed, unpacked
from controlplane.web.portal.words import Catalogues
from tests.support.hostile import HOSTILE_TEXTS


@pytest.mark.parametrize(
    "text",
    ["/portal/", "/portal/mailboxes", "/portal/mailboxes/8001?q=a%20b&after=x", "/portal/a-b_c~d/%C3%BC"],
)
def test_pages_of_the_portal_are_gone_on_to(text: str) -> None:
    """With their query."""
    assert text == safe_next("/portal", text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "/portal",
        "/portalx/",
        "//evil.example/portal/",
        "///evil.example",
        "https://evil.example/portal/",
        "https:/portal/",
        "javascript:alert(1)",
        "/\\evil.example",
        "/portal/\\evil.example",
        "/portal//evil.example",
        "/portal/../api/v1/docs",
        "/portal/%2e%2e/api",
        "/portal/%2E./api",
        "/portal/./x",
        "\t/portal/",
        "/portal/\n",
        "/portal/ x",
        "/portal/\u00fc",
        "/api/v1/docs",
        "http://[/portal/",
        "/portal/" + "x" * 2000,
    ],
)
def test_nothing_else_is_gone_on_to(text: str) -> None:
    """Neither another host, nor another part of this one, nor what a browser reads as such."""
    assert safe_next("/portal", text) is None


def test_hostile_texts_lead_nowhere() -> None:
    """None of the corpus is an address of ours, as it is or behind a slash."""
    found = [text for text in HOSTILE_TEXTS for sent in (text, f"/{text}") if safe_next("/portal", sent)]

    assert [] == found


@pytest.mark.parametrize(
    ("public_url", "base"),
    [
        ("http://127.0.0.1:8000", "/portal"),
        ("https://example.org", "/portal"),
        ("https://example.org/voicemail", "/voicemail/portal"),
    ],
)
def test_portal_may_be_below_a_path(public_url: str, base: str) -> None:
    """A proxy may keep something else at its root."""
    assert (base, f"{public_url}/portal/link/x") == (base_of(public_url), link_address(public_url, "x"))


def test_wanted_page_is_one_value() -> None:
    """What follows `next=` is no further query of the sign-in page."""
    address = sign_in_address("/portal", "/portal/mailboxes?q=1&next=/x#y")

    assert address == "/portal/sign-in?next=/portal/mailboxes%3Fq%3D1%26next%3D/x%23y"


def test_notice_comes_back_as_it_was() -> None:
    """With values of any text."""
    notices = [
        Notice(key="user-disabled", values={"user": text}) for text in HOSTILE_TEXTS if len(text) < 200
    ]
    cookies = [packed(notice) for notice in notices]

    assert notices == [unpacked(cookie) for cookie in cookies]
    assert all(cookie.isascii() and cookie.replace("-", "").replace("_", "").isalnum() for cookie in cookies)


def _cookie(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cookie",
    [
        *("", "x", "====", "\u00fc", "x" * 5000, "bm9uZQ"),
        *map(_cookie, [None, 1, [], ["a"], ["a", 1], ["a", {}, {}], {"a": 1}, "ab", [["a"], {}]]),
        _cookie(["no-such-notice", {}]),
        _cookie(["user-disabled", {}]),
        _cookie(["../errors.no-such-user", {}]),
    ],
)
def test_foreign_cookie_is_no_notice(cookie: str) -> None:
    """Whatever somebody put there, nothing is told."""
    notice = unpacked(cookie)

    assert notice is None or notice.in_words(Catalogues().of("en")) is None
