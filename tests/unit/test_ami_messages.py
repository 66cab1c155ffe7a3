"""What is written to the manager interface, and how a message of it is read."""

from __future__ import annotations

import pytest
from controlplane.switches.asterisk.ami import AmiMessage, encode_action
from tests.support.hostile import HOSTILE_TEXTS


def test_action_is_lines_and_an_empty_one() -> None:
    """Fields keep their order."""
    assert b"Action: Ping\r\nActionID: cp-1\r\n\r\n" == encode_action(
        [("Action", "Ping"), ("ActionID", "cp-1")]
    )


@pytest.mark.parametrize("name", ["", "a b", "a:", "a\r\nAction", "ü"])
def test_name_with_other_characters_is_refused(name: str) -> None:
    """A name cannot begin another line."""
    with pytest.raises(ValueError, match="name"):
        encode_action([(name, "x")])


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_value_is_one_line_or_refused(text: str) -> None:
    """No value becomes a second line or an expansion."""
    try:
        data = encode_action([("Action", "Getvar"), ("Variable", text)])
    except ValueError:
        return

    assert ["Action: Getvar", f"Variable: {text}", "", ""] == data.decode().split("\r\n")
    assert b"${" not in data


def test_refusal_does_not_quote_the_value() -> None:
    """One of the values is the secret."""
    with pytest.raises(ValueError, match="Secret") as refusal:
        encode_action([("Secret", "hush\n")])

    assert "hush" not in str(refusal.value)


def test_value_is_found_by_its_first_line() -> None:
    """A line that was forged behind it does not replace it; `all` shows both."""
    message = AmiMessage((("Event", "Hangup"), ("Uniqueid", "1.1"), ("uniqueid", "2.2")))

    assert ("1.1", ("1.1", "2.2")) == (message.get("Uniqueid"), message.all("UniqueID"))


def test_missing_value_is_empty() -> None:
    """A line that is not there has an empty value."""
    assert "" == AmiMessage((("Event", "x"),)).get("Uniqueid")


def test_repr_shows_no_caller() -> None:
    """Names of callers get into no log by accident."""
    assert "AmiMessage(Hangup)" == repr(AmiMessage((("Event", "Hangup"), ("CallerIDName", "Alice"))))
