"""The AGI wire core: what Asterisk sends in any portions, and what must never be taken from it."""

from __future__ import annotations

import itertools

import pytest
from controlplane.switches.asterisk.wire import (
    ENVIRONMENT_LINES,
    LINE_LIMIT,
    USAGE_LINES,
    AgiConnection,
    Environment,
    Event,
    Fault,
    HangupNotice,
    ProtocolError,
    Reply,
)
from hypothesis import given
from hypothesis import strategies as st
from tests.support.hostile import HOSTILE_BYTES
from tests.support.scripted_agi import MAILBOX, SECRET, TENANT, environment

USAGE = (
    b"520-Invalid command syntax.  Proper usage follows:\nPlays.\n200 result=1\nHANGUP\n\n"
    b"520 End of proper usage.\n"
)


def _begun() -> AgiConnection:
    core = AgiConnection()
    core.receive_data(environment())
    return core


def _asked() -> AgiConnection:
    core = _begun()
    core.send_command("ANSWER")
    return core


def _with_number(number: bytes) -> bytes:
    return environment().replace(b"agi_callerid: 102", b"agi_callerid: " + number)


def test_environment_is_read() -> None:
    """The known names and the arguments in their order come out of it."""
    (found,) = AgiConnection().receive_data(environment())

    assert isinstance(found, Environment)
    assert ("102", "Alice", "leave") == (
        found.get("agi_callerid"),
        found.get("agi_calleridname"),
        found.get("agi_network_script"),
    )
    assert (SECRET, TENANT, MAILBOX, "101", "") == found.arguments


def test_names_that_nobody_needs_are_dropped() -> None:
    """Only the fixed set of names is kept."""
    (found,) = AgiConnection().receive_data(environment())

    assert isinstance(found, Environment)
    assert "" == found.get("agi_dnid")


def test_repr_of_an_environment_shows_nothing() -> None:
    """Neither the secret nor the caller gets into a log by accident."""
    (found,) = AgiConnection().receive_data(environment())

    assert "Environment(14 values)" == repr(found)


def test_environment_must_begin_with_agi_network() -> None:
    """Anything else is no FastAGI request."""
    events = AgiConnection().receive_data(environment().replace(b"agi_network: yes\n", b""))

    assert [Fault("The environment does not begin with agi_network.")] == events


@pytest.mark.parametrize(
    "number",
    [
        b"x\nagi_uniqueid: victim",
        b"x\nagi_calleridname: victim",
        b"x\nagi_network: yes",
        b"x\nagi_arg_5: forged",
        b"x\nagi_threadid: 1\nagi_arg_1: guessed",
        b"x\n\n200 result=1",
        b"x\nHANGUP",
        b"x\nno name",
        b"x\n agi_arg_2: indented",
    ],
)
def test_line_forged_through_a_callers_number_is_refused(number: bytes) -> None:
    """A newline in the number never changes what the request says: it ends the request."""
    events = AgiConnection().receive_data(_with_number(number))

    requests = [event for event in events if isinstance(event, Environment)]
    assert all(request.arguments == () for request in requests)
    assert isinstance(events[-1], Fault)


def test_forged_line_with_an_unknown_name_is_ignored() -> None:
    """A name that nobody reads does no harm."""
    (found,) = AgiConnection().receive_data(_with_number(b"x\nagi_x: victim"))

    assert isinstance(found, Environment)
    assert (SECRET, TENANT, MAILBOX, "101", "") == found.arguments


@pytest.mark.parametrize("text", HOSTILE_BYTES)
def test_hostile_name_never_changes_the_other_values(text: bytes) -> None:
    """Whatever a name holds, the request says what the dialplan said, or is refused."""
    data = environment().replace(b"agi_calleridname: Alice", b"agi_calleridname: " + text)
    events = AgiConnection().receive_data(data)

    if isinstance(events[0], Environment):
        kept = (events[0].get("agi_uniqueid"), events[0].get("agi_callerid"))
        assert ("1795452115.1", "102") == kept
        assert events[0].arguments in {(), (SECRET, TENANT, MAILBOX, "101", "")}
    else:
        assert isinstance(events[0], Fault)


@pytest.mark.parametrize("text", [b for b in HOSTILE_BYTES if b"\n" not in b])
def test_hostile_name_in_one_line_is_kept_as_text(text: bytes) -> None:
    """Without a newline any bytes are a name, decoded with replacement."""
    data = environment().replace(b"agi_calleridname: Alice", b"agi_calleridname: " + text)
    (found,) = AgiConnection().receive_data(data)

    assert isinstance(found, Environment)
    assert text.decode("utf-8", errors="replace") == found.get("agi_calleridname")


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (b"200 result=0\n", Reply(code=200, result="0")),
        (b"200 result=-1\n", Reply(code=200, result="-1")),
        (b"200 result=49\n", Reply(code=200, result="49")),
        (b"200 result=0 endpos=16000\n", Reply(code=200, result="0", endpos=16000)),
        (b"200 result=35 (dtmf) endpos=22218\n", Reply(code=200, result="35", data="dtmf", endpos=22218)),
        (
            b"200 result=14003 (timeout) endpos=31978\n",
            Reply(code=200, result="14003", data="timeout", endpos=31978),
        ),
        (b"200 result=-1 (hangup) endpos=15840\n", Reply(code=200, result="-1", data="hangup", endpos=15840)),
        (b"200 result=-1 (writefile)\n", Reply(code=200, result="-1", data="writefile")),
        (b"200 result= (timeout)\n", Reply(code=200, data="timeout")),
        (
            b'200 result=1 (a b"c (d) ${CHANNEL} e)\n',
            Reply(code=200, result="1", data='a b"c (d) ${CHANNEL} e'),
        ),
        (b"510 Invalid or unknown command\n", Reply(code=510)),
        (b"511 Command Not Permitted on a dead channel or intercept routine\n", Reply(code=511)),
        (b"520 Invalid command syntax.  Proper usage not available.\n", Reply(code=520)),
        (USAGE, Reply(code=520)),
        (b"100 Trying...\n200 result=0\n", Reply(code=200, result="0")),
    ],
)
def test_reply_is_read(reply: bytes, expected: Reply) -> None:
    """Each form of a reply that Asterisk was seen to give."""
    events = _asked().receive_data(reply)

    assert [expected] == events


def test_reply_of_a_digit_does_not_show_it() -> None:
    """The digit of a PIN gets into no log."""
    assert "Reply(code=200)" == repr(Reply(code=200, result="49"))


@pytest.mark.parametrize(
    ("result", "key"),
    [("49", "1"), ("35", "#"), ("42", "*"), ("0", ""), ("-1", ""), ("65", ""), ("200", ""), ("7", "")],
)
def test_key_of_a_reply_is_one_of_a_telephone(result: str, key: str) -> None:
    """A code that is no digit, `*` or `#` is no key."""
    assert key == Reply(code=200, result=result).key


def test_result_that_is_no_number_is_an_error() -> None:
    """A result is a number where one is needed."""
    with pytest.raises(ProtocolError):
        _ = Reply(code=200, result="x").number


@pytest.mark.parametrize(
    "reply",
    [
        b"\n",
        b"200\n",
        b"200 \n",
        b"200 ok\n",
        b"200-result=1\n",
        b"999 result=1\n",
        b"result=1\n",
        b"hangup\n",
        b"HANGUP \n",
        b"\xff\xfe\n",
        b"200 result=0 endpos=x\n",
        b"200 result=0 endpos=99999999999999999999\n",
    ],
)
def test_reply_that_cannot_be_read_ends_the_session(reply: bytes) -> None:
    """What is no reply is a fault, and nothing is read after it."""
    core = _asked()
    events = core.receive_data(reply)

    assert [Fault("A reply cannot be read.")] == events
    assert [] == core.receive_data(b"200 result=1\n")


def test_reply_that_nothing_asked_for_ends_the_session() -> None:
    """One reply too many would make every later one the answer to something else."""
    events = _asked().receive_data(b"200 result=1\n200 result=0\n")

    assert [
        Reply(code=200, result="1"),
        Fault("A reply came that nothing had asked for."),
    ] == events


def test_hangup_between_replies_is_told_each_time() -> None:
    """With AGIEXITONHANGUP the line comes twice."""
    events = _begun().receive_data(b"HANGUP\nHANGUP\n")

    assert [HangupNotice(), HangupNotice()] == events


def test_reply_before_the_hangup_is_told() -> None:
    """The verb that was running answers first."""
    events = _asked().receive_data(b"200 result=-1 (hangup) endpos=8\nHANGUP\n")

    assert [Reply(code=200, result="-1", data="hangup", endpos=8), HangupNotice()] == events


def test_replies_after_a_hangup_are_dropped() -> None:
    """A command that was on its way when the caller left has no answer."""
    events = _asked().receive_data(b"HANGUP\n511 Command Not Permitted on a dead channel\n")

    assert [HangupNotice()] == events


def test_no_command_can_be_sent_after_a_hangup() -> None:
    """There is nobody to play to."""
    core = _begun()
    core.receive_data(b"HANGUP\n")

    with pytest.raises(ProtocolError):
        core.send_command("ANSWER")


def test_one_command_is_outstanding_at_a_time() -> None:
    """What is written early would cut a STREAM FILE."""
    with pytest.raises(ProtocolError):
        _asked().send_command("ANSWER")


def test_no_command_can_be_sent_before_the_environment() -> None:
    """The first word is Asterisk's."""
    with pytest.raises(ProtocolError):
        AgiConnection().send_command("ANSWER")


@pytest.mark.parametrize(
    "data",
    [
        b"a" * (LINE_LIMIT + 1),
        b"agi_network: " + b"a" * (LINE_LIMIT + 1) + b"\n",
        b"agi_network: yes\n" + b"agi_x: 1\n" * (ENVIRONMENT_LINES + 1),
        b"agi_network: yes\n" + (b"agi_x: " + b"a" * 16_000 + b"\n") * 5,
    ],
)
def test_environment_has_a_limit(data: bytes) -> None:
    """Lines that are too long, or too many, end the session."""
    events = AgiConnection().receive_data(data)

    assert ["Fault"] == [type(event).__name__ for event in events]


def test_reply_has_a_limit() -> None:
    """A reply without end is not collected."""
    events = _asked().receive_data(b"200 result=1 (" + b"a" * LINE_LIMIT)

    assert [Fault("A line is too long.")] == events


def test_usage_text_has_a_limit() -> None:
    """A usage text without end is not collected."""
    events = _asked().receive_data(b"520-Usage\n" + b"\n" * (USAGE_LINES + 1))

    assert [Fault("A usage text is too long.")] == events


def test_end_after_a_whole_session_is_no_fault() -> None:
    """Asterisk closes when the dialplan goes on."""
    assert [] == _begun().receive_eof()


def test_end_without_a_word_is_no_fault() -> None:
    """A health check connects and leaves."""
    assert [] == AgiConnection().receive_eof()


def test_end_after_a_hangup_is_no_fault() -> None:
    """With AGIEXITONHANGUP the connection ends so, a command on its way or not."""
    core = _asked()
    core.receive_data(b"HANGUP\n")

    assert [] == core.receive_eof()


@pytest.mark.parametrize("said", [b"agi_network: yes\n", b"agi_ne"])
def test_end_within_the_environment_is_a_fault(said: bytes) -> None:
    """Half a request is none."""
    core = AgiConnection()
    core.receive_data(said)

    assert [Fault("The connection ended in the middle.")] == core.receive_eof()


@pytest.mark.parametrize("said", [b"", b"200 resu", b"520-Usage\n", b"520-Usage\nPl"])
def test_end_within_a_reply_is_a_fault(said: bytes) -> None:
    """A command whose reply did not come may or may not have been done."""
    core = _asked()
    core.receive_data(said)

    assert [Fault("The connection ended in the middle.")] == core.receive_eof()


def test_nothing_is_read_after_the_end() -> None:
    """Bytes behind the end of the stream are none of ours."""
    core = _begun()
    core.receive_eof()

    assert [] == core.receive_data(b"HANGUP\n")


# A session as Asterisk sends it; a None stands where we send a command.
SESSION: tuple[bytes | None, ...] = (
    environment(),
    None,
    b"200 result=1\n",
    None,
    USAGE,
    None,
    b"200 result=35 (dtmf) endpos=22218\n",
    None,
    b"200 result=-1 (hangup) endpos=15840\nHANGUP\nHANGUP\n",
)


def _hear(parts: list[bytes | None]) -> list[Event]:
    core = AgiConnection()
    heard: list[Event] = []
    for part in parts:
        if part is None:
            core.send_command("ANSWER")
        else:
            heard += core.receive_data(part)
    return heard + core.receive_eof()


def test_session_fed_one_byte_at_a_time_is_the_same() -> None:
    """Where the network cuts makes no difference."""
    single = [
        part if part is None else part[n : n + 1]
        for part in SESSION
        for n in range(1 if part is None else len(part))
    ]

    assert _hear(list(SESSION)) == _hear(single)


@given(st.data())
def test_session_fed_in_any_portions_is_the_same(data: st.DataObject) -> None:
    """Where the network cuts makes no difference, for any cuts."""
    portions: list[bytes | None] = []
    for part in SESSION:
        if part is None:
            portions.append(None)
            continue
        cuts = sorted(data.draw(st.sets(st.integers(0, len(part)), max_size=8)) | {0, len(part)})
        portions += [part[start:end] for start, end in itertools.pairwise(cuts)]

    assert _hear(list(SESSION)) == _hear(portions)


@given(st.integers(0, len(environment()) - 1))
def test_cut_environment_is_never_a_request(end: int) -> None:
    """A request that was cut anywhere is not answered."""
    core = AgiConnection()
    events = core.receive_data(environment()[:end]) + core.receive_eof()

    assert not [event for event in events if isinstance(event, Environment)]


@given(
    st.lists(st.binary(max_size=80) | st.sampled_from([b"HANGUP\n", b"200 result=1\n", USAGE]), max_size=8)
)
def test_any_bytes_are_survived(portions: list[bytes]) -> None:
    """Whatever comes, there is at most one reply to one command, and at most one fault, at the end."""
    core = _asked()
    events = [event for portion in portions for event in core.receive_data(portion)] + core.receive_eof()

    assert sum(isinstance(event, Reply) for event in events) <= 1
    assert not any(isinstance(event, Fault) for event in events[:-1])
