"""Signed links to messages: they come back as they were, expire, and cannot be made up."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from controlplane.domain.errors import NotFound
from controlplane.services.message_links import MessageLinks

MESSAGE = UUID("3e7f8a52-6a0a-4a39-9c8e-0f6f3f1c2d11")
NOW = 1_795_000_000.0
DAY = 86_400


def _links(*, key: str = "key", days: int = 7, now: float = NOW) -> MessageLinks:
    return MessageLinks(key, days, clock=lambda: now)


def test_a_token_names_its_message() -> None:
    """What was made is read again."""
    assert MESSAGE == _links().read(_links().make(MESSAGE))


def test_a_token_fits_into_an_address() -> None:
    """A token needs no quoting in a URL."""
    assert re.fullmatch(r"[A-Za-z0-9._-]+", _links().make(MESSAGE))


def test_a_token_is_valid_for_its_days() -> None:
    """On the last second of its days a token is read."""
    assert MESSAGE == _links(now=NOW + 7 * DAY).read(_links().make(MESSAGE))


def test_a_token_expires() -> None:
    """After its days a token is refused, with a sentence that says why."""
    with pytest.raises(NotFound, match="valid for 7 days") as caught:
        _links(now=NOW + 7 * DAY + 1).read(_links().make(MESSAGE))

    assert "link-expired" == caught.value.error_id


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "..",
        str(MESSAGE),
        _links(key="other").make(MESSAGE),
        _links().make(MESSAGE)[:-1],
        "A" + _links().make(MESSAGE),
        "ü\x00",
        "a" * 10_000,
    ],
    ids=range(9),
)
def test_a_foreign_token_is_refused(token: str) -> None:
    """What we did not sign names no message."""
    with pytest.raises(NotFound) as caught:
        _links().read(token)

    assert "link-invalid" == caught.value.error_id


def test_the_key_is_not_printed() -> None:
    """The key is in no representation."""
    assert "secret" not in repr(_links(key="secret"))
