"""The files that pages load: packed for browsers that can unpack them."""

from __future__ import annotations

import gzip

import pytest
from controlplane.web.portal import static_files
from tests.support.portal import Browser


@pytest.mark.parametrize("accepted", ["gzip", "br, gzip;q=0.5", "deflate, GZIP"])
async def test_file_is_packed_for_who_unpacks_it(visitor: Browser, accepted: str) -> None:
    """Style and script are the same to a browser, in less than half of the bytes."""
    plain = (static_files._FOLDER / "portal.css").read_bytes()
    asked = visitor.client.stream("GET", "/portal/static/portal.css", headers={"Accept-Encoding": accepted})
    async with asked as answer:
        sent = b"".join([part async for part in answer.aiter_raw()])

    assert ("gzip", "Accept-Encoding") == (answer.headers["content-encoding"], answer.headers["vary"])
    assert plain == gzip.decompress(sent)
    assert len(sent) < len(plain) / 2


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0, identity", "notgzip"])
async def test_file_is_plain_for_others(visitor: Browser, accepted: str) -> None:
    """Nobody gets what they cannot read."""
    answer = await visitor.client.get("/portal/static/portal.css", headers={"Accept-Encoding": accepted})

    assert "content-encoding" not in answer.headers
    assert (static_files._FOLDER / "portal.css").read_bytes() == answer.content


async def test_page_is_never_packed(bob: Browser) -> None:
    """A page has its form's token beside what others typed: its length would tell of it."""
    answer = await bob.client.get("/portal/mailboxes", headers={"Accept-Encoding": "gzip"})

    assert "content-encoding" not in answer.headers
