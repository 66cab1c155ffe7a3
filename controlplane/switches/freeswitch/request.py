"""What the dialplan asks for: the reply to `connect` read into the facts of a call.

A channel variable of ours that stands there twice makes the request unreadable: the switch says
each once, whatever a caller's name holds.
"""

from __future__ import annotations

from typing import Final

from controlplane.callflows.call import CallFacts
from controlplane.domain.caller import Caller
from controlplane.switches.freeswitch import variables
from controlplane.switches.freeswitch.wire import Block
from controlplane.switches.request import check_secret, read_entry, read_facts
from controlplane.switches.server import RefusedRequest

_UNSET: Final = "_undef_"
_CALL_ID: Final = "variable_sip_call_id"


def read_request(channel: Block, *, secret: str) -> CallFacts:
    """Check the secret and read the facts; raises RefusedRequest."""
    check_secret(_variable(channel, variables.SECRET), secret)
    entry = read_entry(_variable(channel, variables.ENTRY))
    if _one(channel, "Socket-Mode") != "static" or _one(channel, "Control") != "full":
        raise RefusedRequest("The socket is not in sync mode with full control.")
    return read_facts(
        entry,
        call_id=_one(channel, "Unique-ID"),
        tenant=_variable(channel, variables.TENANT),
        target=_variable(channel, variables.OBJECT),
        dialled=_variable(channel, variables.DIALLED),
        extension=_variable(channel, variables.EXTENSION),
        reached_by=_variable(channel, variables.REACHED_BY),
        feature=_variable(channel, variables.FEATURE),
        trace_id=next(iter(channel.all(_CALL_ID)), ""),
        caller=Caller.of(_one(channel, "Caller-Caller-ID-Number"), _one(channel, "Caller-Caller-ID-Name")),
    )


def _one(channel: Block, name: str) -> str:
    """Return the decoded value of a header; empty without one. Raises RefusedRequest for two."""
    values = channel.all(name)
    if len(values) > 1:
        raise RefusedRequest("A header came twice.")
    return values[0] if values and values[0] != _UNSET else ""


def _variable(channel: Block, name: str) -> str:
    return _one(channel, f"variable_{name}")
