"""How the facts of a take are written beside its audio, and read again however they were left.

Ours are JSON (`<recording id>.json`). The dialplan of Asterisk writes lines of `key=value` with
URI-encoded values (`fb-<channel id>-<n>.meta`); that of FreeSWITCH puts tags into the WAV itself, the
title ours, artist and comment the caller's number and name as they came. Readers are lenient: with a
mailbox there is a message, whatever else is missing. Callers' names and numbers in here are hostile text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote
from uuid import UUID

from controlplane.domain.caller import Caller, clean
from controlplane.domain.message import ReachedBy, ReachedStep, TakeFacts
from controlplane.domain.routing.way import read_way
from controlplane.storage.wav import Tags

NO_TENANT = UUID(int=0)
"""Stands for a tenant that was not written down; the mailbox knows it."""

# The first things that are written, a digit each at a fixed place: it changes by writing one byte over it,
# which nobody ever sees half done.
_KEPT, _URGENT = "kept", "urgent"
KEPT_OFFSET = len(f'{{"{_KEPT}": ')
URGENT_OFFSET = KEPT_OFFSET + len(f'0, "{_URGENT}": ')
YES_BYTE, NO_BYTE = b"1", b"0"

_VERSION = 1
_LONGEST_WAIT = 10**7


def to_json(facts: TakeFacts) -> bytes:
    """Return what `<recording id>.json` holds."""
    return json.dumps(
        {
            _KEPT: int(facts.kept),
            _URGENT: int(facts.urgent),
            "v": _VERSION,
            "recording_id": str(facts.recording_id),
            "tenant_id": str(facts.tenant_id),
            "mailbox_id": str(facts.mailbox_id),
            "call_id": facts.call_id,
            "caller": {"number": facts.caller.number, "name": facts.caller.name},
            "reached_by": facts.reached_by.to_json(),
            "started_at": facts.started_at.isoformat(),
            "replaces": None if facts.replaces is None else str(facts.replaces),
            "trace_id": facts.trace_id,
        }
    ).encode()


def from_json(data: bytes, recording_id: UUID, *, written_at: datetime) -> TakeFacts | None:
    """Read the facts of the take `recording_id`; None if they name no mailbox.

    `written_at` stands in for a missing or broken time.
    """
    try:
        read = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(read, dict):
        return None
    mailbox_id = _uuid(read.get("mailbox_id"))
    if mailbox_id is None:
        return None
    replaces = _uuid(read.get("replaces"))
    caller = read.get("caller")
    if not isinstance(caller, dict):
        caller = {}
    return TakeFacts(
        recording_id=recording_id,
        tenant_id=_uuid(read.get("tenant_id")) or NO_TENANT,
        mailbox_id=mailbox_id,
        call_id=clean(_text(read.get("call_id"))),
        caller=Caller.of(_text(caller.get("number")), _text(caller.get("name"))),
        reached_by=_reached_by(read.get("reached_by")),
        started_at=_time(read.get("started_at")) or written_at,
        replaces=None if replaces == recording_id else replaces,
        kept=read.get(_KEPT) == 1,
        urgent=read.get(_URGENT) == 1,
        trace_id=clean(_text(read.get("trace_id"))),
    )


def from_lines(data: bytes, recording_id: UUID, *, call_id: str, written_at: datetime) -> TakeFacts | None:
    """Read the sidecar of a fall-back take; None if it names no mailbox.

    `call_id` is what the file's name says of the call, and stands in for a missing `call`.
    """
    values: dict[str, str] = {}
    for line in data.split(b"\n"):
        key, separator, value = line.partition(b"=")
        if separator:
            decoded = unquote(value.decode("ascii", "replace"), errors="replace")
            # The first one wins: what stands behind it cannot be more true.
            values.setdefault(key.decode("ascii", "replace").strip(), decoded)
    return _of_dialplan(
        values,
        Caller.of(values.get("number"), values.get("name")),
        recording_id,
        call_id=call_id,
        written_at=written_at,
    )


def from_tags(tags: Tags, recording_id: UUID, *, call_id: str, written_at: datetime) -> TakeFacts | None:
    """Read the tags of a fall-back take; None if its title names no mailbox.

    The title alone says what is ours: a caller's name that looks like one says nothing.
    """
    values: dict[str, str] = {}
    for part in tags.title.split(";"):
        key, separator, value = part.partition("=")
        if separator:
            values.setdefault(key, unquote(value, errors="replace"))
    return _of_dialplan(
        values, Caller.of(tags.artist, tags.comment), recording_id, call_id=call_id, written_at=written_at
    )


def title_of(*, tenant_id: UUID, mailbox_id: UUID, call_id: str, at: datetime, reached_by: str) -> str:
    """Return the title that `from_tags` reads; `reached_by` is a way (`domain.routing.way`)."""
    call = quote(call_id, safe="")
    return (
        f"v={_VERSION};tenant={tenant_id};mailbox={mailbox_id};call={call};at={at.timestamp():.0f}"
        f";reached_by={reached_by}"
    )


def _of_dialplan(
    values: Mapping[str, str], caller: Caller, recording_id: UUID, *, call_id: str, written_at: datetime
) -> TakeFacts | None:
    mailbox_id = _uuid(values.get("mailbox"))
    if mailbox_id is None:
        return None
    return TakeFacts(
        recording_id=recording_id,
        tenant_id=_uuid(values.get("tenant")) or NO_TENANT,
        mailbox_id=mailbox_id,
        call_id=clean(values.get("call", "")) or clean(call_id),
        caller=caller,
        reached_by=read_way(values.get("reached_by", "")) or ReachedBy(),
        started_at=_epoch(values.get("at", "")) or written_at,
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _uuid(value: object) -> UUID | None:
    try:
        return UUID(_text(value).strip())
    except ValueError:
        return None


def _time(value: object) -> datetime | None:
    try:
        read = datetime.fromisoformat(_text(value))
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _epoch(value: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(value), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _reached_by(value: object) -> ReachedBy:
    """Return how the call got here; what cannot be understood counts as dialled directly."""
    if not isinstance(value, Mapping):
        return ReachedBy()
    try:
        read = ReachedBy.from_json(dict(value))
        path = tuple(
            ReachedStep(
                kind=step.kind,
                number=step.number,
                key=None if step.key is None else clean(str(step.key)),
                reason=step.reason,
                waited_seconds=_wait(step.waited_seconds),
            )
            for step in read.path
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return ReachedBy()
    return ReachedBy(did=read.did, reason=read.reason, path=path)


def _wait(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value <= _LONGEST_WAIT else None
