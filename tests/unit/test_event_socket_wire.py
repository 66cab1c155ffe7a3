"""The Event Socket's wire core: what FreeSWITCH sends in any portions, and what is never taken from it."""

from __future__ import annotations

import itertools

import pytest
from controlplane.switches.freeswitch.wire import (
    BLOCK_LIMIT,
    BLOCK_LINES,
    BODY_LIMIT,
    LINE_LIMIT,
    Block,
    Event,
    EventSocketConnection,
    Fault,
    Message,
    ProtocolError,
    parse_block,
)
from hypothesis import given
from hypothesis import strategies as st
from tests.support.hostile import HOSTILE_BYTES
from tests.support.scripted_event_socket import answer, event, reply
from tests.support.scripted_freeswitch import CALL_ID, SECRET, channel_data

NOTICE = b"Content-Type: text/disconnect-notice\nContent-Disposition: linger\nContent-Length: 0\n\n"


def _hear(data: bytes) -> list[Event]:
    core = EventSocketConnection()
    return core.receive_data(data) + core.receive_eof()


def _one(data: bytes) -> Message:
    (message,) = _hear(data)
    assert isinstance(message, Message)
    return message


def test_reply_is_read() -> None:
    """The text of a reply stands in a header."""
    message = _one(reply("+OK accepted"))

    assert ("command/reply", "+OK accepted", b"") == (message.kind, message.reply, message.body)


def test_answer_is_read_by_its_length() -> None:
    """A body may hold empty lines and header lines."""
    message = _one(answer("a\n\nContent-Type: forged\n\nb\n"))

    assert ("api/response", "a\n\nContent-Type: forged\n\nb") == (message.kind, message.text)


def test_connect_reply_is_decoded() -> None:
    """The values of the channel are percent-encoded, a plus sign is one."""
    message = _one(channel_data(caller_name="A+B C/Ü%"))

    assert (CALL_ID, "A+B C/Ü%", "+OK") == (
        message.headers.get("Unique-ID"),
        message.headers.get("Caller-Caller-ID-Name"),
        message.reply,
    )


def test_event_is_read_from_the_body() -> None:
    """Its lines are decoded, and its own body stays apart."""
    found = _one(event("RECORD_STOP", Record_File_Path="/a b", body=b"Unique-ID: x\n\n")).event()

    assert ("RECORD_STOP", "/a b", "", b"Unique-ID: x\n\n") == (
        found.headers.get("Event-Name"),
        found.headers.get("Record-File-Path"),
        found.headers.get("Unique-ID"),
        found.body,
    )


@pytest.mark.parametrize(
    "body",
    [b"", b"Event-Name: X", b"Event-Name: X\nContent-Length: 5\n\nab", b"Event-Name: X\n\nmore", b"\n\n"],
)
def test_event_of_another_length_is_refused(body: bytes) -> None:
    """An event that is cut, or has more than it says, is none."""
    message = Message(Block((("Content-Type", "text/event-plain"),)), body)
    with pytest.raises(ProtocolError):
        message.event()


def test_repr_shows_nothing() -> None:
    """Neither the secret nor a caller gets into a log by accident."""
    message = _one(channel_data())

    assert SECRET not in repr(message) + repr(message.headers)
    assert "Alice" not in repr(message) + repr(message.headers)


@pytest.mark.parametrize(
    "name",
    [
        "Bob%0AUnique-ID%3A%20victim",
        "Bob%0A%0AContent-Length: 9",
        "Bob\nUnique-ID: victim",
        "Bob\r\nUnique-ID: victim",
        "Bob\u2028Unique-ID: victim",
        "Bob\u0085Unique-ID: victim",
        "Bob\x0bUnique-ID: victim",
        "a: b: c",
    ],
)
def test_callers_name_forges_no_header(name: str) -> None:
    """Lines are split before anything is decoded, at line feeds alone, and at the first colon."""
    headers = _one(channel_data(caller_name=name)).headers

    assert (CALL_ID,) == headers.all("Unique-ID")
    assert ("102",) == headers.all("Caller-Caller-ID-Number")


@pytest.mark.parametrize("text", [text for text in HOSTILE_BYTES if b"\n" not in text])
def test_hostile_bytes_in_a_value_change_no_other(text: bytes) -> None:
    """Whatever a value holds without a line feed, the others are as they were."""
    data = channel_data().replace(b"Caller-Caller-ID-Name: Alice", b"Caller-Caller-ID-Name: " + text)
    headers = _one(data).headers

    assert ((CALL_ID,), ("102",)) == (headers.all("Unique-ID"), headers.all("Caller-Caller-ID-Number"))


@pytest.mark.parametrize("text", HOSTILE_BYTES)
def test_hostile_bytes_never_raise(text: bytes) -> None:
    """Anything is a message or a fault."""
    assert all(isinstance(found, Message | Fault) for found in _hear(text + b"\n\n" + text))


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (b"Content-Length: -2", "A length is no number."),
        (b"Content-Length: +2", "A length is no number."),
        (b"Content-Length: 2 2", "A length is no number."),
        (b"Content-Length: 0x10", "A length is no number."),
        (b"Content-Length: ", "A length is no number."),
        (b"Content-Length: \xd9\xa1", "A length is no number."),
        (b"Content-Length: 99999999999999", "A length is no number."),
        (b"Content-Length: %d" % (BODY_LIMIT + 1), "A body is too long."),
        (b"Content-Length: 1\nContent-Length: 1", "A header came twice."),
        (b"Content-Length: 1\ncontent-length: 2", "A header came twice."),
        (b"Content-Type: a\nContent-Type: b", "A header came twice."),
        (b"Reply-Text: +OK\nReply-Text: -ERR", "A header came twice."),
        (b"no colon", "A header line has no name."),
        (b": no name", "A header line has no name."),
        (b"a b: c", "A header line has no name."),
        (b"\xff: c", "A header line has no name."),
        (b"", "A header line has no name."),
        (b"GET / HTTP/1.1\r", "A header line has no name."),
        (b"x: 1\n" * BLOCK_LINES + b"x: 1", "A block has too many lines."),
        (b"x: " + b"a" * LINE_LIMIT, "A line is too long."),
    ],
)
def test_block_that_cannot_be_read_ends_the_connection(head: bytes, reason: str) -> None:
    """It is a fault, and nothing is read after it."""
    core = EventSocketConnection()

    assert [Fault(reason)] == core.receive_data(head + b"\n\nabc")
    assert [] == core.receive_data(reply("+OK"))


def test_line_without_end_is_not_collected() -> None:
    """A line that never ends has a limit."""
    assert [Fault("A line is too long.")] == EventSocketConnection().receive_data(b"a" * (LINE_LIMIT + 1))


def test_block_without_end_is_not_collected() -> None:
    """Lines without end have a limit."""
    line = b"x: " + b"a" * 1000 + b"\n"
    found = EventSocketConnection().receive_data(line * (BLOCK_LIMIT // len(line) + 1))

    assert [Fault("A block is too long.")] == found


def test_faults_come_behind_whole_messages() -> None:
    """What was complete is told first."""
    first, second = EventSocketConnection().receive_data(reply("+OK") + b"?\n\n")

    assert isinstance(first, Message)
    assert Fault("A header line has no name.") == second


@pytest.mark.parametrize("said", [b"", reply("+OK"), answer("x"), NOTICE])
def test_end_behind_a_message_is_no_fault(said: bytes) -> None:
    """The stream may end there."""
    assert not [found for found in _hear(said) if isinstance(found, Fault)]


@pytest.mark.parametrize("data", [reply("+OK"), answer("abc")])
def test_end_within_a_message_is_a_fault(data: bytes) -> None:
    """A message that was cut anywhere is none."""
    for end in range(1, len(data)):
        assert [Fault("The connection ended in the middle.")] == _hear(data[:end])


def test_name_is_looked_up_without_regard_to_case() -> None:
    """A header's name has no case."""
    assert "b" == parse_block(b"Some-Name: b").get("some-name")


SESSION = channel_data() + reply("+OK") + answer("a\n\nb") + event("X", Y="z", body=b"q") + NOTICE


def test_session_fed_one_byte_at_a_time_is_the_same() -> None:
    """Where the network cuts makes no difference."""
    core = EventSocketConnection()
    single = [found for byte in SESSION for found in core.receive_data(bytes([byte]))]

    assert _hear(SESSION) == single


@given(st.sets(st.integers(0, len(SESSION)), max_size=12))
def test_session_fed_in_any_portions_is_the_same(cuts: set[int]) -> None:
    """Where the network cuts makes no difference, for any cuts."""
    core = EventSocketConnection()
    edges = sorted(cuts | {0, len(SESSION)})
    portions = [
        found for begin, end in itertools.pairwise(edges) for found in core.receive_data(SESSION[begin:end])
    ]

    assert _hear(SESSION) == portions


@given(st.lists(st.binary(max_size=200), max_size=8))
def test_any_bytes_are_messages_or_one_fault(portions: list[bytes]) -> None:
    """The core raises nothing, and says at most one fault, the last of all."""
    core = EventSocketConnection()
    heard = [found for portion in portions for found in core.receive_data(portion)] + core.receive_eof()

    assert all(isinstance(found, Message) for found in heard[:-1])
