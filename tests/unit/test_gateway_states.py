"""What FreeSWITCH tells of gateways: a refusal is told from silence."""

from __future__ import annotations

from uuid import UUID

import pytest
from controlplane.domain.routing.trunk_state import Answer, Failure, HeardAnswer
from controlplane.switches.freeswitch.gateway_states import heard_answer

TRUNK = UUID(int=7)
GATEWAY = f"cp-trunk-{TRUNK}-{'a' * 32}"
SILENCE = Answer(registered=False, failure=Failure.UNREACHABLE)


def refused(code: int | None) -> Answer:
    """Return a refusal."""
    return Answer(registered=False, sip_code=code, failure=Failure.REFUSED)


@pytest.mark.parametrize(
    ("state", "status", "answer"),
    [
        ("REGISTER", "200", Answer(registered=True, sip_code=200)),
        *(("FAILED", str(code), refused(code)) for code in (302, 401, 403, 404, 407, 423, 500, 603)),
        # A second challenge, of which the stack keeps the code to itself.
        ("FAILED", "904", refused(None)),
        # What the stack says itself when nobody answers.
        *(("FAILED", code, SILENCE) for code in ("408", "503", "900")),
        ("TIMEOUT", None, SILENCE),
    ],
)
def test_an_end_of_a_try_is_an_answer(state: str, status: str | None, answer: Answer) -> None:
    """What comes from the provider has its code."""
    headers = {"Gateway": GATEWAY, "State": state} | ({} if status is None else {"Status": status})

    assert HeardAnswer(trunk_id=TRUNK, answer=answer) == heard_answer(headers)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Gateway": GATEWAY},
        {"Gateway": GATEWAY, "State": "FAILED"},
        *({"Gateway": GATEWAY, "State": state} for state in ("UNREGED", "TRYING", "FAIL_WAIT", "REGED")),
        *(
            {"Gateway": GATEWAY, "State": "FAILED", "Status": said}
            for said in ("", "40", "4030", "+40", "\u0664\u0660\u0663")
        ),
        {"Gateway": "example.com", "State": "FAILED", "Status": "403"},
    ],
)
def test_all_else_is_none(headers: dict[str, str]) -> None:
    """A step between two ends, what is no code, and gateways of others."""
    assert None is heard_answer(headers)
