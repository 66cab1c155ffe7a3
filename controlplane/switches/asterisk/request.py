"""What the dialplan asks for: the environment of an AGI session read into the facts of a call.

`AGI(agi://HOST:PORT/leave,SECRET,TENANT,MAILBOX,EXTENSION,REACHED_BY,TRACE)`,
`AGI(agi://HOST:PORT/check,SECRET,TENANT,DIALLED,EXTENSION,TRACE)`,
`AGI(agi://HOST:PORT/check-own,SECRET,TENANT,EXTENSION,TRACE)`,
`AGI(agi://HOST:PORT/feature,SECRET,TENANT,FEATURE,DIALLED,EXTENSION,TRACE)` and
`AGI(agi://HOST:PORT/receptionist,SECRET,TENANT,RECEPTIONIST,EXTENSION,TRACE)`. The number of arguments is
fixed, so that a line forged through a caller's number makes the request unreadable, not different; but for
the last one, which a dialplan that was published before an upgrade does not say, and which decides about
nothing.
"""

from __future__ import annotations

from typing import Final

from controlplane.callflows.call import CallFacts, Entry
from controlplane.domain.caller import Caller
from controlplane.switches.asterisk.wire import Environment
from controlplane.switches.request import check_secret, read_entry, read_facts
from controlplane.switches.server import RefusedRequest

_ARGUMENTS: Final = {
    Entry.LEAVE: 5,
    Entry.CHECK: 4,
    Entry.CHECK_OWN: 3,
    Entry.FEATURE: 5,
    Entry.RECEPTIONIST: 4,
}


def read_request(environment: Environment, *, secret: str) -> CallFacts:
    """Check the secret and read the facts; raises RefusedRequest."""
    arguments = environment.arguments
    check_secret(arguments[0] if arguments else "", secret)
    entry = read_entry(environment.get("agi_network_script"))
    number = _ARGUMENTS[entry]
    if len(arguments) not in {number, number + 1}:
        raise RefusedRequest("The number of arguments is wrong.")
    arguments, trace = arguments[:number], arguments[number:]
    target = reached_by = dialled = feature = ""
    match entry:
        case Entry.LEAVE:
            _, tenant, target, extension, reached_by = arguments
        case Entry.CHECK:
            _, tenant, dialled, extension = arguments
        case Entry.CHECK_OWN:
            _, tenant, extension = arguments
        case Entry.FEATURE:
            _, tenant, feature, dialled, extension = arguments
        case Entry.RECEPTIONIST:
            _, tenant, target, extension = arguments
    return read_facts(
        entry,
        call_id=environment.get("agi_uniqueid"),
        tenant=tenant,
        target=target,
        dialled=dialled,
        extension=extension,
        reached_by=reached_by,
        feature=feature,
        trace_id="".join(trace),
        caller=Caller.of(environment.get("agi_callerid"), environment.get("agi_calleridname")),
    )
