"""The environment of an AGI session read into the facts of a call."""

from __future__ import annotations

import unicodedata
from typing import Any
from uuid import UUID

import pytest
from controlplane.callflows.call import CallFacts, Entry
from controlplane.domain.message import ReachedBy, ReachedReason, ReachedStep
from controlplane.domain.numbers import Feature
from controlplane.switches.asterisk.request import read_request
from controlplane.switches.asterisk.wire import AgiConnection, Environment
from controlplane.switches.server import RefusedRequest
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.scripted_agi import MAILBOX, SECRET, TENANT, environment

LEAVE = (SECRET, TENANT, MAILBOX, "101", "")
CHECK = (SECRET, TENANT, "8001", "101")
FEATURE = (SECRET, TENANT, "closed-now", "6200", "101")


def _read(**changes: Any) -> CallFacts:
    (found,) = AgiConnection().receive_data(environment(**changes))
    assert isinstance(found, Environment)
    return read_request(found, secret=SECRET)


def _changed(arguments: tuple[str, ...], place: int, value: str) -> tuple[str, ...]:
    return (*arguments[:place], value, *arguments[place + 1 :])


def test_leave_names_a_mailbox() -> None:
    """The tenant and the mailbox are those of the dialplan."""
    facts = _read()

    assert (Entry.LEAVE, UUID(TENANT), UUID(MAILBOX)) == (facts.entry, facts.tenant_id, facts.mailbox_id)


def test_check_has_the_dialled_digits() -> None:
    """The digits behind the feature code come with the call, and no mailbox."""
    facts = _read(script="check", arguments=CHECK)

    assert (Entry.CHECK, "8001", None) == (facts.entry, facts.dialled, facts.mailbox_id)


def test_receptionist_is_named() -> None:
    """The virtual receptionist comes with the call, and no mailbox."""
    facts = _read(script="receptionist", arguments=(SECRET, TENANT, MAILBOX, "101"))

    assert (Entry.RECEPTIONIST, UUID(MAILBOX), None, "101") == (
        facts.entry,
        facts.receptionist_id,
        facts.mailbox_id,
        facts.extension,
    )


def test_check_own_has_the_extension_alone() -> None:
    """Which mailbox it is nobody dials: the extension that called owns it."""
    facts = _read(script="check-own", arguments=(SECRET, TENANT, "101"))

    assert (Entry.CHECK_OWN, "", None, "101") == (
        facts.entry,
        facts.dialled,
        facts.mailbox_id,
        facts.extension,
    )


@pytest.mark.parametrize("feature", list(Feature))
def test_a_feature_is_named(feature: Feature) -> None:
    """What the code stands for comes with the call, with the digits behind it and no mailbox."""
    facts = _read(script="feature", arguments=_changed(FEATURE, 2, feature.value))

    assert (Entry.FEATURE, feature, "6200", None, "101") == (
        facts.entry,
        facts.feature,
        facts.dialled,
        facts.mailbox_id,
        facts.extension,
    )


@pytest.mark.parametrize("feature", ["", "make-coffee", "CLOSED_NOW", "closed-now "])
def test_a_feature_that_is_none_is_refused(feature: str) -> None:
    """The dialplan cannot have said it."""
    with pytest.raises(RefusedRequest):
        _read(script="feature", arguments=_changed(FEATURE, 2, feature))


def test_caller_from_outside_has_no_extension() -> None:
    """An empty extension is a caller from outside."""
    assert _read(arguments=_changed(LEAVE, 3, "")).extension is None


def test_unknown_caller_is_empty() -> None:
    """What Asterisk says for nobody becomes nothing."""
    caller = _read(caller_number="unknown", caller_name="unknown").caller

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

    assert reached_by == _read(arguments=_changed(LEAVE, 4, text)).reached_by


@pytest.mark.parametrize(
    "text", ["x", "[]", "did.", "did.1x", "extension.101..none_such.", "a.b.c", "/" * 9, "/" * 2001]
)
def test_unreadable_path_costs_the_path_and_not_the_call(text: str) -> None:
    """A message is worth more than how it got here."""
    assert ReachedBy() == _read(arguments=_changed(LEAVE, 4, text)).reached_by


@pytest.mark.parametrize("secret", ["", "wrong", SECRET + "x", SECRET[:-1], SECRET.upper(), "ü"])
def test_wrong_secret_is_refused(secret: str) -> None:
    """Only our dialplan knows the secret."""
    with pytest.raises(RefusedRequest, match="secret"):
        _read(arguments=_changed(LEAVE, 0, secret))


def test_request_without_arguments_is_refused() -> None:
    """No argument is no secret."""
    with pytest.raises(RefusedRequest, match="secret"):
        _read(arguments=())


@pytest.mark.parametrize("script", ["", "leave ", "LEAVE", "../leave", "leave?mailbox=1", "queue"])
def test_unknown_script_is_refused(script: str) -> None:
    """Flows have names, and others are none."""
    with pytest.raises(RefusedRequest, match="entry"):
        _read(script=script)


@pytest.mark.parametrize(
    ("script", "arguments"),
    [
        ("leave", LEAVE[:-1]),
        ("leave", (*LEAVE, "x", "y")),
        ("check", CHECK[:-1]),
        ("check", (*CHECK, "x", "y")),
        ("receptionist", (*LEAVE, "x")),
    ],
)
def test_number_of_arguments_is_fixed(script: str, arguments: tuple[str, ...]) -> None:
    """More or fewer are not from our dialplan."""
    with pytest.raises(RefusedRequest, match="number of arguments"):
        _read(script=script, arguments=arguments)


def test_call_id_of_the_invite_is_read_where_it_is_said() -> None:
    """A dialplan of before an upgrade says none; what a caller wrote into it is made harmless."""
    said = _read(arguments=(*LEAVE, "a84b-4c76_e66710@pc33.example.com"))
    hostile = _read(arguments=(*LEAVE, '${x}"%0d<' + "a" * 300))

    assert ("a84b-4c76_e66710@pc33.example.com", "") == (said.trace_id, _read().trace_id)
    assert "x0d" + "a" * 252 == hostile.trace_id


@pytest.mark.parametrize("place", [1, 2])
@pytest.mark.parametrize("text", ["", "8001", "../x", TENANT + "0"])
def test_id_that_is_no_uuid_is_refused(place: int, text: str) -> None:
    """Tenant and mailbox are UUIDs."""
    with pytest.raises(RefusedRequest, match="UUID"):
        _read(arguments=_changed(LEAVE, place, text))


@pytest.mark.parametrize("text", ["1", "10a", "*56", "101\u0660", "1" * 65])
def test_extension_that_is_no_number_is_refused(text: str) -> None:
    """An extension is what our configuration wrote."""
    with pytest.raises(RefusedRequest, match="extension"):
        _read(arguments=_changed(LEAVE, 3, text))


@pytest.mark.parametrize("text", ["80a1", "*", "8001#", "1" * 65, "\u0668\u0660"])
def test_dialled_text_that_is_no_number_is_dropped(text: str) -> None:
    """The flow then asks for the mailbox."""
    assert "" == _read(script="check", arguments=_changed(CHECK, 2, text)).dialled


@pytest.mark.parametrize("call_id", ["", "../../x", "a b", "x" * 200, "${EXTEN}"])
def test_call_without_a_plain_id_is_refused(call_id: str) -> None:
    """The id names files and log lines."""
    with pytest.raises(RefusedRequest, match="id"):
        _read(call_id=call_id)


@pytest.mark.parametrize("text", [text for text in HOSTILE_TEXTS if "\n" not in text])
def test_hostile_caller_is_one_clean_line(text: str) -> None:
    """A caller's name is kept for people, as one line without control characters."""
    name = _read(caller_name=text).caller.name

    assert not {"Cc", "Cf", "Cs", "Zl", "Zp"} & {unicodedata.category(char) for char in name}
    assert len(name) <= 128


def test_refusal_quotes_nothing() -> None:
    """Neither the secret nor an argument is in the text of a refusal."""
    with pytest.raises(RefusedRequest) as refusal:
        _read(arguments=_changed(LEAVE, 1, "marker"))

    assert "marker" not in str(refusal.value)
