"""Forms with files: what is read of them, what is refused, and what a file is called."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

import pytest
from controlplane.web.errors import MalformedRequest
from controlplane.web.portal.forms import Form, reading_files
from controlplane.web.portal.uploads import shown_name
from starlette.requests import Request
from tests.support.hostile import HOSTILE_TEXTS

HEAD = "multipart/form-data; boundary=x"


def _reading(body: bytes, content_type: str = HEAD) -> AbstractAsyncContextManager[Form]:
    """Read a body that arrives byte by byte, as a slow browser sends it."""
    pieces = [body[at : at + 1] for at in range(len(body))] if len(body) < 5000 else [body]

    async def receive() -> dict[str, object]:
        piece = pieces.pop(0) if pieces else b""
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", content_type.encode())]}
    return reading_files(Request({**scope, "app": None}, receive))


def _body(*parts: tuple[str, bytes]) -> bytes:
    """Write parts, each of what follows `form-data; ` and its content."""
    return (
        b"".join(
            b"--x\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n" % (head.encode(), content)
            for head, content in parts
        )
        + b"--x--\r\n"
    )


async def test_fields_and_a_file_are_read() -> None:
    """Fields in their order, a file with its bytes as they are; one that was not chosen is none."""
    body = _body(
        ('name="csrf"', b"token"),
        ('name="file"; filename="a.csv"', b"number\r\n--x8001\r\n\0\xff"),
        ('name="other"; filename=""', b""),
        ('name="each"', "Grün\0".encode()),
        ('name="each"', b""),
    )
    async with _reading(body) as form:
        upload = form.upload("file")
        assert upload is not None
        assert ("a.csv", 19, b"number\r\n--x8001\r\n\0\xff") == (
            upload.name,
            upload.size,
            await upload.read(),
        )
        assert (None, None) == (form.upload("other"), form.upload("csrf"))
        assert ("token", ("Grün\ufffd", "")) == (form.text("csrf"), form.all("each"))


async def test_files_are_gone_afterwards() -> None:
    """Nothing of what was sent stays when the answer is made."""
    async with _reading(_body(('name="file"; filename="a"', b"1"))) as form:
        upload = form.upload("file")
    assert upload is not None

    with pytest.raises(ValueError, match="closed"):
        await upload.read()


async def test_half_a_file_is_none() -> None:
    """Of a form that was cut off, only what arrived whole is there."""
    whole = _body(('name="csrf"', b"token"), ('name="file"; filename="a"', b"1" * 100))
    async with _reading(whole[:-20]) as form:
        assert ("token", None) == (form.text("csrf"), form.upload("file"))


_MALFORMED: Sequence[tuple[str, bytes]] = (
    ("multipart/form-data", _body()),
    ("multipart/form-data; boundary=", _body()),
    (HEAD, b"no part at all"),
    (HEAD, b"--x\r\n\r\nwithout a name\r\n--x--\r\n"),
    (HEAD, _body(*[('name="a"', b"1")] * 101)),
    (HEAD, _body(*[('name="a"; filename="b"', b"1")] * 6)),
    (HEAD, _body(('name="a"', b"1" * 70_000))),
    (f"{HEAD}; charset=idna", _body(('name="a"', b"\xff.x"))),
    (f"{HEAD}; charset=utf-16", _body(('name="a"', b"1"))),
)


async def test_what_is_no_form_with_files_is_refused() -> None:
    """Without a boundary, without names, with too much, or in a charset that no browser names."""
    refused = 0
    for content_type, body in _MALFORMED:
        with pytest.raises(MalformedRequest):
            async with _reading(body, content_type):
                pass
        refused += 1

    assert len(_MALFORMED) == refused


def test_file_names_are_shown_without_harm() -> None:
    """No folders, nothing that cannot be seen or turns the direction of text, and not too long."""
    shown = [shown_name(text) for text in HOSTILE_TEXTS]

    assert ["passwd", "windows", "a.csv"] == [
        shown_name(name) for name in ("../../etc/passwd", "..\\..\\windows", "C:\\fakepath\\a.csv")
    ]
    assert not any(set(name) & set("/\\\r\n\0\u202e\u2028\x1b") for name in shown)
    assert max(len(name) for name in shown) == 100
