"""What the dialplan asks for: the reply to `connect` read into the facts of a call.

A channel variable of ours that stands there twice makes the request unreadable: the switch says
each once, whatever a caller's name holds.
"""

from __future__ import annotations

import hmac
import json
import re
from typing import Final
from urllib.parse import unquote
from uuid import UUID

import structlog

from controlplane.callflows.call import CallFacts, Entry
from controlplane.domain.caller import Caller
from controlplane.domain.message import ReachedBy
from controlplane.switches.freeswitch import variables
from controlplane.switches.freeswitch.wire import Block
from controlplane.switches.server import RefusedRequest

_CALL_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,150}", re.ASCII)
_DIALLED: Final = re.compile(r"[0-9]{0,64}", re.ASCII)
_EXTENSION: Final = re.compile(r"[0-9]{3,64}", re.ASCII)
_UNSET: Final = "_undef_"


def read_request(channel: Block, *, secret: str) -> CallFacts:
    """Check the secret and read the facts; raises RefusedRequest."""
    if not hmac.compare_digest(_variable(channel, variables.SECRET).encode(), secret.encode()):
        raise RefusedRequest("The secret is wrong.")
    try:
        entry = Entry(_variable(channel, variables.ENTRY))
    except ValueError as error:
        raise RefusedRequest("The entry is unknown.") from error
    if _one(channel, "Socket-Mode") != "static" or _one(channel, "Control") != "full":
        raise RefusedRequest("The socket is not in sync mode with full control.")
    call_id = _one(channel, "Unique-ID")
    if not _CALL_ID.fullmatch(call_id):
        raise RefusedRequest("The call has no id.")
    leaving = entry is Entry.LEAVE
    dialled = "" if leaving else _variable(channel, variables.DIALLED)
    return CallFacts(
        call_id=call_id,
        entry=entry,
        tenant_id=_uuid(_variable(channel, variables.TENANT)),
        mailbox_id=_uuid(_variable(channel, variables.OBJECT)) if leaving else None,
        # Other keys behind a feature code name no mailbox; the flow then asks for one.
        dialled=dialled if _DIALLED.fullmatch(dialled) else "",
        extension=_extension(_variable(channel, variables.EXTENSION)),
        caller=Caller.of(_one(channel, "Caller-Caller-ID-Number"), _one(channel, "Caller-Caller-ID-Name")),
        reached_by=_reached_by(_variable(channel, variables.REACHED_BY) if leaving else ""),
    )


def _one(channel: Block, name: str) -> str:
    """Return the decoded value of a header; empty without one. Raises RefusedRequest for two."""
    values = channel.all(name)
    if len(values) > 1:
        raise RefusedRequest("A header came twice.")
    return values[0] if values and values[0] != _UNSET else ""


def _variable(channel: Block, name: str) -> str:
    return _one(channel, f"variable_{name}")


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
    """Read how the call got here; a path that cannot be read costs the path, not the call."""
    if not text:
        return ReachedBy()
    try:
        return ReachedBy.from_json(json.loads(unquote(text)))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        structlog.get_logger().warning("call.reached_by_unreadable")
        return ReachedBy()
