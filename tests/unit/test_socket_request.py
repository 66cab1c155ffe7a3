"""The reply to `connect` read into the facts of a call."""

from __future__ import annotations

import unicodedata
from typing import Any
from uuid import UUID

import pytest
from controlplane.callflows.call import CallFacts, Entry
from controlplane.domain.message import ReachedBy, ReachedReason, ReachedStep
from controlplane.domain.numbers import Feature
from controlplane.switches.freeswitch.request import read_request
from controlplane.switches.freeswitch.wire import EventSocketConnection, Message
from controlplane.switches.server import RefusedRequest
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.scripted_freeswitch import CALL_ID, MAILBOX, SECRET, TENANT, VARIABLES, channel_data

CHECK = {**VARIABLES, "cp_entry": "check", "cp_object": "", "cp_dialled": "8001"}
FEATURE = {
    **VARIABLES,
    "cp_entry": "feature",
    "cp_object": "",
    "cp_dialled": "6200",
    "cp_feature": "closed-now",
}


def _read(data: bytes) -> CallFacts:
    (found,) = EventSocketConnection().receive_data(data)
    assert isinstance(found, Message)
    return read_request(found.headers, secret=SECRET)


def _with(**changes: str) -> bytes:
    return channel_data(variables={**VARIABLES, **changes})


def test_leave_names_a_mailbox() -> None:
    """The tenant and the mailbox are those of the dialplan, the id is the channel's."""
    facts = _read(channel_data())

    assert (CALL_ID, Entry.LEAVE, UUID(TENANT), UUID(MAILBOX), "101") == (
        facts.call_id,
        facts.entry,
        facts.tenant_id,
        facts.mailbox_id,
        facts.extension,
    )


def test_call_id_of_the_invite_is_read() -> None:
    """It is the switch's own variable; what a caller wrote into it is made harmless."""
    assert "abc-1@10.0.0.7" == _read(_with(sip_call_id="abc-1@10.0.0.7<>")).trace_id
    assert "" == _read(_with()).trace_id


def test_check_has_the_dialled_digits() -> None:
    """The digits behind the feature code come with the call, and no mailbox."""
    facts = _read(channel_data(variables=CHECK))

    assert (Entry.CHECK, "8001", None) == (facts.entry, facts.dialled, facts.mailbox_id)


def test_receptionist_is_named() -> None:
    """The virtual receptionist comes with the call, and no mailbox."""
    facts = _read(_with(cp_entry="receptionist"))

    assert (Entry.RECEPTIONIST, UUID(MAILBOX), None) == (
        facts.entry,
        facts.receptionist_id,
        facts.mailbox_id,
    )


def test_check_own_has_the_extension_alone() -> None:
    """Which mailbox it is nobody dials: the extension that called owns it."""
    facts = _read(channel_data(variables=CHECK | {"cp_entry": "check-own"}))

    assert (Entry.CHECK_OWN, "", None, "101") == (
        facts.entry,
        facts.dialled,
        facts.mailbox_id,
        facts.extension,
    )


@pytest.mark.parametrize("feature", list(Feature))
def test_a_feature_is_named(feature: Feature) -> None:
    """What the code stands for comes with the call, with the digits behind it and no mailbox."""
    facts = _read(channel_data(variables={**FEATURE, "cp_feature": feature.value}))

    assert (Entry.FEATURE, feature, "6200", None, "101") == (
        facts.entry,
        facts.feature,
        facts.dialled,
        facts.mailbox_id,
        facts.extension,
    )


@pytest.mark.parametrize("feature", ["", "_undef_", "make-coffee", "CLOSED_NOW", "closed-now "])
def test_a_feature_that_is_none_is_refused(feature: str) -> None:
    """The dialplan cannot have said it."""
    with pytest.raises(RefusedRequest):
        _read(channel_data(variables={**FEATURE, "cp_feature": feature}))


@pytest.mark.parametrize("said", ["", "_undef_"])
def test_caller_from_outside_has_no_extension(said: str) -> None:
    """An empty extension is a caller from outside; FreeSWITCH may say so in a word of its own."""
    assert _read(_with(cp_extension=said)).extension is None


def test_unknown_caller_is_empty() -> None:
    """What FreeSWITCH says for nobody becomes nothing."""
    caller = _read(channel_data(caller_number="_undef_", caller_name="")).caller

    assert ("", "") == (caller.number, caller.name)


def test_path_of_the_call_is_read() -> None:
    """How the call got here is told as its way."""
    reached_by = ReachedBy(
        did="+4930123",
        reason=ReachedReason.NO_ANSWER,
        path=(
            ReachedStep(kind="extension", number="101", reason=ReachedReason.NO_ANSWER, waited_seconds=20),
        ),
    )
    text = "did.+4930123/extension.101..no_answer.20"

    assert reached_by == _read(_with(cp_reached_by=text)).reached_by


@pytest.mark.parametrize(
    "text", ["x", "[]", "did.", "did.1x", "extension.101..none_such.", "a.b.c", "/" * 9, "/" * 2001]
)
def test_unreadable_path_costs_the_path_and_not_the_call(text: str) -> None:
    """A message is worth more than how it got here."""
    assert ReachedBy() == _read(_with(cp_reached_by=text)).reached_by


@pytest.mark.parametrize("secret", ["", "wrong", SECRET + "x", SECRET[:-1], SECRET.upper(), "ü"])
def test_wrong_secret_is_refused(secret: str) -> None:
    """Only our dialplan knows the secret."""
    with pytest.raises(RefusedRequest, match="secret"):
        _read(_with(cp_secret=secret))


@pytest.mark.parametrize("entry", ["", "leave ", "LEAVE", "../leave", "queue"])
def test_unknown_entry_is_refused(entry: str) -> None:
    """Flows have names, and others are none."""
    with pytest.raises(RefusedRequest, match="entry"):
        _read(_with(cp_entry=entry))


@pytest.mark.parametrize("changes", [{"mode": "async"}, {"control": "single-channel"}])
def test_other_mode_of_the_socket_is_refused(changes: dict[str, Any]) -> None:
    """In async mode a caller would be parked for ever when we die; without `full` we could do nothing."""
    with pytest.raises(RefusedRequest, match="sync mode"):
        _read(channel_data(**changes))


@pytest.mark.parametrize("name", ["cp_tenant", "cp_object"])
@pytest.mark.parametrize("text", ["", "8001", "../x", TENANT + "0"])
def test_id_that_is_no_uuid_is_refused(name: str, text: str) -> None:
    """Tenant and mailbox are UUIDs."""
    with pytest.raises(RefusedRequest, match="UUID"):
        _read(_with(**{name: text}))


@pytest.mark.parametrize("text", ["1", "10a", "*56", "101\u0660", "1" * 65])
def test_extension_that_is_no_number_is_refused(text: str) -> None:
    """An extension is what our configuration wrote."""
    with pytest.raises(RefusedRequest, match="extension"):
        _read(_with(cp_extension=text))


@pytest.mark.parametrize("text", ["80a1", "*", "8001#", "1" * 65, "\u0668\u0660"])
def test_dialled_text_that_is_no_number_is_dropped(text: str) -> None:
    """The flow then asks for the mailbox."""
    assert "" == _read(channel_data(variables={**CHECK, "cp_dialled": text})).dialled


@pytest.mark.parametrize("call_id", ["", "../../x", "a b", "x" * 200, "${uuid}"])
def test_call_without_a_plain_id_is_refused(call_id: str) -> None:
    """The id stands in our commands, in names of files and in log lines."""
    with pytest.raises(RefusedRequest, match="id"):
        _read(channel_data(call_id=call_id))


@pytest.mark.parametrize(
    "line",
    ["variable_cp_object: x", "variable_cp_secret: x", "Unique-ID: victim", "VARIABLE_CP_TENANT: x"],
)
def test_second_line_of_the_same_name_is_refused(line: str) -> None:
    """The switch says each once: two of them are somebody's forgery."""
    data = channel_data().removesuffix(b"\n") + line.encode() + b"\n\n"
    with pytest.raises(RefusedRequest, match="twice"):
        _read(data)


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_caller_is_one_clean_line(text: str) -> None:
    """A caller's name is kept for people, as one line, and changes nothing else."""
    facts = _read(channel_data(caller_name=text, caller_number=text))

    assert not {"Cc", "Cf", "Cs", "Zl", "Zp"} & {unicodedata.category(char) for char in facts.caller.name}
    assert (UUID(TENANT), UUID(MAILBOX)) == (facts.tenant_id, facts.mailbox_id)


def test_refusal_quotes_nothing() -> None:
    """Neither the secret nor a variable is in the text of a refusal."""
    with pytest.raises(RefusedRequest) as refusal:
        _read(_with(cp_tenant="marker"))

    assert "marker" not in str(refusal.value)
