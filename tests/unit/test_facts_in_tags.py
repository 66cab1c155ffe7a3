"""The facts of a FreeSWITCH fall-back take: tags in the WAV, the title ours, the rest the caller's."""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from controlplane.storage.spool import FileSpool
from controlplane.storage.wav import Tags, header, parse_tags
from hypothesis import given
from hypothesis import strategies as st
from tests.support.hostile import HOSTILE_BYTES

TENANT = UUID("11111111-1111-4111-8111-111111111111")
MAILBOX = UUID("33333333-3333-4333-8333-333333333333")
CALL = "7973c96f-167a-429d-885e-6042815e6edd"
TITLE = f"v=1;tenant={TENANT};mailbox={MAILBOX};call={CALL};at=1795457569;reached_by=".encode()


def chunk(name: bytes, body: bytes) -> bytes:
    """Return a chunk, padded to an even number of bytes."""
    return struct.pack("<4sI", name, len(body)) + body + b"\0" * (len(body) % 2)


def tagged(title: bytes = TITLE, artist: bytes = b"101", comment: bytes = b"Alice") -> bytes:
    """Return a WAV file with tags before the audio, as libsndfile writes it; the lengths are still open."""
    tags = [
        chunk(b"INAM", title + b"\0"),
        chunk(b"IART", artist + b"\0"),
        chunk(b"ICMT", comment + b"\0"),
    ]
    plain = header(0)
    return plain[:36] + chunk(b"LIST", b"INFO" + b"".join(tags)) + plain[36:] + b"\1\0" * 8000


def leave(folder: Path, data: bytes, name: str = f"fb-{CALL}-1") -> None:
    """Put a take into the spool."""
    (folder / f"{name}.wav").write_bytes(data)


def test_the_title_says_whose_it_is(tmp_path: Path) -> None:
    """Tenant, mailbox, call and time are the dialplan's; number and name the caller's."""
    leave(tmp_path, tagged())
    spool = FileSpool(tmp_path)
    (entry,) = spool.entries()
    facts = spool.read_facts(entry, switch="freeswitch")

    assert facts is not None
    assert (TENANT, MAILBOX, CALL) == (facts.tenant_id, facts.mailbox_id, facts.call_id)
    assert ("101", "Alice") == (facts.caller.number, facts.caller.name)
    assert datetime.fromtimestamp(1795457569, UTC) == facts.started_at
    assert entry.recording_id(switch="freeswitch") == facts.recording_id


@pytest.mark.parametrize("text", HOSTILE_BYTES)
def test_a_hostile_name_is_cleaned_text(tmp_path: Path, text: bytes) -> None:
    """A caller's text says nothing about the mailbox, and is one line whatever its bytes."""
    leave(tmp_path, tagged(artist=text, comment=text))
    (entry,) = FileSpool(tmp_path).entries()
    facts = FileSpool(tmp_path).read_facts(entry, switch="freeswitch")

    assert facts is not None
    assert MAILBOX == facts.mailbox_id
    assert not {"\n", "\r", "\0"} & set(facts.caller.name + facts.caller.number)


def test_a_name_that_looks_like_facts_names_no_mailbox(tmp_path: Path) -> None:
    """Without a title of ours there are no facts, whatever the caller is called."""
    leave(tmp_path, tagged(title=b"", comment=TITLE))
    (entry,) = FileSpool(tmp_path).entries()

    assert FileSpool(tmp_path).read_facts(entry, switch="freeswitch") is None


def test_a_flow_s_take_has_its_facts_beside_it(tmp_path: Path) -> None:
    """Tags count for takes of the dialplan only."""
    leave(tmp_path, tagged(), name=CALL)
    (entry,) = FileSpool(tmp_path).entries()

    assert FileSpool(tmp_path).read_facts(entry, switch="freeswitch") is None


@given(data=st.binary(max_size=400), cut=st.integers(0, 300))
def test_no_bytes_are_too_strange(data: bytes, cut: int) -> None:
    """Whatever a file begins with, and wherever it was cut off, reading its tags ends with tags."""
    assert isinstance(parse_tags(data), Tags)
    assert isinstance(parse_tags(tagged()[:cut] + data), Tags)
