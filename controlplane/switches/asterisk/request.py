"""What the dialplan asks for: the environment of an AGI session read into the facts of a call.

`AGI(agi://HOST:PORT/leave,SECRET,TENANT,MAILBOX,EXTENSION,REACHED_BY)` and
`AGI(agi://HOST:PORT/check,SECRET,TENANT,DIALLED,EXTENSION)`. The number of arguments is fixed, so
that a line forged through a caller's number makes the request unreadable, not different.
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
from controlplane.switches.asterisk.wire import Environment
from controlplane.switches.server import RefusedRequest

_CALL_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,150}", re.ASCII)
_DIALLED: Final = re.compile(r"[0-9]{0,64}", re.ASCII)
_EXTENSION: Final = re.compile(r"[0-9]{3,64}", re.ASCII)
_ARGUMENTS: Final = {Entry.LEAVE: 5, Entry.CHECK: 4}


def read_request(environment: Environment, *, secret: str) -> CallFacts:
    """Check the secret and read the facts; raises RefusedRequest."""
    arguments = environment.arguments
    given = arguments[0] if arguments else ""
    if not hmac.compare_digest(given.encode(), secret.encode()):
        raise RefusedRequest("The secret is wrong.")
    try:
        entry = Entry(environment.get("agi_network_script"))
    except ValueError as error:
        raise RefusedRequest("The script is unknown.") from error
    if len(arguments) != _ARGUMENTS[entry]:
        raise RefusedRequest("The number of arguments is wrong.")
    call_id = environment.get("agi_uniqueid")
    if not _CALL_ID.fullmatch(call_id):
        raise RefusedRequest("The call has no id.")
    match entry:
        case Entry.LEAVE:
            _, tenant, mailbox, extension, reached_by = arguments
            dialled = ""
        case Entry.CHECK:
            _, tenant, dialled, extension = arguments
            mailbox = reached_by = ""
    return CallFacts(
        call_id=call_id,
        entry=entry,
        tenant_id=_uuid(tenant),
        mailbox_id=_uuid(mailbox) if entry is Entry.LEAVE else None,
        # Other keys behind a feature code name no mailbox; the flow then asks for one.
        dialled=dialled if _DIALLED.fullmatch(dialled) else "",
        extension=_extension(extension),
        caller=Caller.of(environment.get("agi_callerid"), environment.get("agi_calleridname")),
        reached_by=_reached_by(reached_by),
    )


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
