"""ETags, and what If-Match and If-None-Match say about them."""

from __future__ import annotations

import pytest
from controlplane.domain.errors import PreconditionFailed
from controlplane.web.errors import MalformedRequest
from controlplane.web.etag import etag_of, expected_version, matches


def test_an_etag_tells_version_and_content_apart() -> None:
    """Another version or another content is another ETag; the same is the same."""
    etags = [etag_of(1, b"a"), etag_of(1, b"a"), etag_of(2, b"a"), etag_of(1, b"b")]

    assert [etags.index(etag) for etag in etags] == [0, 0, 2, 3]


@pytest.mark.parametrize("header", [None, "*", " * "])
def test_any_version_will_do(header: str | None) -> None:
    """Without If-Match, or with a star, no version is asked for."""
    assert expected_version(header) is None


@pytest.mark.parametrize("weak", ["", "W/"])
def test_the_version_is_read_from_an_etag_of_ours(weak: str) -> None:
    """If-Match asks for the version of the ETag, also when a proxy made it weak."""
    assert expected_version(f" {weak}{etag_of(17, b'x')} ") == 17


@pytest.mark.parametrize("header", ["", "17", '"17"', '"x-0123456789abcdef"', '"-1-0123456789abcdef"', '"'])
def test_what_is_no_etag_of_ours_never_fits(header: str) -> None:
    """A text that was never given out is a stale ETag."""
    with pytest.raises(PreconditionFailed):
        expected_version(header)


def test_several_etags_are_refused() -> None:
    """If-Match takes one."""
    with pytest.raises(MalformedRequest):
        expected_version(f"{etag_of(1, b'a')}, {etag_of(2, b'a')}")


def test_if_none_match_names_an_etag_a_list_or_all() -> None:
    """A known ETag is found alone, weak, in a list, and by a star."""
    etag = etag_of(1, b"a")
    headers = [None, '"other"', etag, f"W/{etag}", f'"other", {etag}', "*"]

    assert [matches(header, etag) for header in headers] == [False, False, True, True, True, True]
