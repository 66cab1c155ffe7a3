"""What a dialplan asks for, checked and read into the facts of a call; the same for every switch."""

from __future__ import annotations

import hmac
import re
from typing import Final
from uuid import UUID

import structlog

from controlplane.callflows.call import CallFacts, Entry
from controlplane.domain.caller import Caller
from controlplane.domain.message import ReachedBy
from controlplane.domain.numbers import Feature
from controlplane.domain.routing.way import read_way
from controlplane.switches.server import RefusedRequest

_CALL_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,150}", re.ASCII)
_DIALLED: Final = re.compile(r"[0-9]{0,64}", re.ASCII)
_EXTENSION: Final = re.compile(r"[0-9]{3,64}", re.ASCII)
# The dialplan of Asterisk leaves out the same characters.
_NOT_TRACED: Final = re.compile(r"[^0-9A-Za-z.@_-]", re.ASCII)
_LONGEST_TRACE_ID: Final = 255
# Behind whose code digits may be dialled.
_WITH_DIGITS: Final = (Entry.CHECK, Entry.FEATURE)


def check_secret(given: str, secret: str) -> None:
    """Let in who says the secret of the rendered dialplan, in constant time; raises RefusedRequest."""
    if not hmac.compare_digest(given.encode(), secret.encode()):
        raise RefusedRequest("The secret is wrong.")


def read_entry(text: str) -> Entry:
    """Return which flow is asked for; raises RefusedRequest."""
    try:
        return Entry(text)
    except ValueError as error:
        raise RefusedRequest("The entry is unknown.") from error


def read_facts(
    entry: Entry,
    *,
    call_id: str,
    tenant: str,
    target: str,
    dialled: str,
    extension: str,
    reached_by: str,
    caller: Caller,
    feature: str = "",
    trace_id: str = "",
) -> CallFacts:
    """Read the texts of a request; raises RefusedRequest for one that the dialplan cannot have said.

    `target` is the UUID of the mailbox or the receptionist; `reached_by` belongs to leaving a message,
    `dialled` to checking them and to feature codes, `feature` to a feature code that switches something.
    `trace_id` is the Call-ID of the INVITE as the caller wrote it.
    """
    if not _CALL_ID.fullmatch(call_id):
        raise RefusedRequest("The call has no id.")
    leaving = entry is Entry.LEAVE
    return CallFacts(
        call_id=call_id,
        entry=entry,
        tenant_id=_uuid(tenant),
        mailbox_id=_uuid(target) if leaving else None,
        receptionist_id=_uuid(target) if entry is Entry.RECEPTIONIST else None,
        # Other keys behind a feature code name no mailbox; the flow then asks for one.
        dialled=dialled if entry in _WITH_DIGITS and _DIALLED.fullmatch(dialled) else "",
        extension=_extension(extension),
        caller=caller,
        reached_by=_reached_by(reached_by if leaving else ""),
        feature=_feature(feature) if entry is Entry.FEATURE else None,
        trace_id=read_trace_id(trace_id),
    )


def read_trace_id(text: str) -> str:
    """Return what is harmless of a Call-ID: a caller writes it, and it goes into logs and a mail's header."""
    return _NOT_TRACED.sub("", text)[:_LONGEST_TRACE_ID]


def _feature(text: str) -> Feature:
    try:
        return Feature(text)
    except ValueError as error:
        raise RefusedRequest("The feature is unknown.") from error


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise RefusedRequest("An id is no UUID.") from error


def _extension(text: str) -> str | None:
    if not text:
        return None
    if not _EXTENSION.fullmatch(text):
        raise RefusedRequest("The extension is no number.")
    return text


def _reached_by(text: str) -> ReachedBy:
    """Read how the call got here; a way that cannot be read costs the way, not the call."""
    if not text:
        return ReachedBy()
    read = read_way(text)
    if read is None:
        structlog.get_logger().warning("call.reached_by_unreadable")
    return read or ReachedBy()
