"""What FreeSWITCH tells of its gateways, read as answers of the providers of trunks.

A `sofia::gateway_state` comes with each change (sofia_reg.c): with `Status` where an answer made it, from the
provider or from the SIP stack itself, and as `TIMEOUT` without one when none came in time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from controlplane.domain.routing.trunk_state import Answer, Failure, HeardAnswer
from controlplane.switches import contexts

EVENT: Final = "sofia::gateway_state"

_ANSWERED: Final = ("REGISTER", "FAILED")
_SILENT: Final = "TIMEOUT"
_UNREACHABLE: Final = Answer(registered=False, failure=Failure.UNREACHABLE)
_CODE: Final = re.compile("[1-9][0-9]{2}", re.ASCII)
_OK: Final = range(200, 300)
_ANSWERS: Final = range(300, 700)
# What the stack says itself when nobody answers, when there is no way, or no such host.
_OF_THE_STACK: Final = (408, 503)
# What it makes of a second 401 or 407, and does not say of which: "Operation has no matching challenge".
_CHALLENGED_AGAIN: Final = 904


def heard_answer(headers: Mapping[str, str]) -> HeardAnswer | None:
    """Return what the event tells; None if it is no end of a try, or no trunk of ours."""
    trunk = contexts.trunk_of(headers.get("Gateway", ""))
    state, code = headers.get("State", ""), headers.get("Status", "")
    if trunk is None:
        return None
    if state == _SILENT:
        return HeardAnswer(trunk_id=trunk, answer=_UNREACHABLE)
    if state in _ANSWERED and _CODE.fullmatch(code):
        return HeardAnswer(trunk_id=trunk, answer=_answer(int(code)))
    return None


def _answer(code: int) -> Answer:
    if code in _OK:
        return Answer(registered=True, sip_code=code)
    if code == _CHALLENGED_AGAIN:
        return Answer(registered=False, failure=Failure.REFUSED)
    if code in _OF_THE_STACK or code not in _ANSWERS:
        return _UNREACHABLE
    return Answer(registered=False, sip_code=code, failure=Failure.REFUSED)
