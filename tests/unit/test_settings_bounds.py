"""Settings that could not work are refused at the start, each by the name of its variable."""

from __future__ import annotations

import pytest
from controlplane.settings import Settings, SettingsError, load

GIVEN = {
    "CONTROLPLANE_PATHS__RECORDINGS": "/srv/recordings",
    "CONTROLPLANE_PATHS__SPOOL": "/srv/spool",
    "CONTROLPLANE_PATHS__PROMPTS": "/srv/prompts",
    "CONTROLPLANE_PATHS__CONFIGURATION": "/srv/configuration",
    "CONTROLPLANE_PRIVATE": "true",
}
WRONG = [
    ("HTTP__PORT", "0"),
    ("HTTP__MAX_BODY_BYTES", "0"),
    ("HTTP__PUBLIC_URL", "voicemail.example.org"),
    ("HTTP__PUBLIC_URL", "ftp://voicemail.example.org"),
    ("HTTP__PUBLIC_URL", "https://"),
    ("HTTP__PUBLIC_URL", "https://host:port"),
    ("HTTP__PUBLIC_URL", "https://host/?a=b"),
    ("FASTAGI__MAX_CALLS", "0"),
    ("FASTAGI__MAX_CALLS", "-5"),
    ("FASTAGI__FIRST_LINE_SECONDS", "inf"),
    ("FASTAGI__ALLOWED_ADDRESSES", "everybody"),
    ("FASTAGI__ALLOWED_ADDRESSES", ""),
    ("MONITORING__PORT", "0"),
    ("SIP__MAX_CONTACTS", "0"),
    ("SIP__RTP_PORTS", "20000-10000"),
    ("SIP__RTP_PORTS", "10000-70000"),
    ("SIP__RTP_PORTS", "0-10"),
    ("SIP__RTP_PORTS", "many"),
    ("SIP__REALM", ""),
    ("SMTP__SENDER", "nobody"),
    ("SMTP__SENDER", "Voicemail <voicemail@>"),
    ("SMTP__SENDER", "a b@example.org"),
    ("SMTP__OAUTH_TOKEN_URL", "http://login.example.org/token"),
    ("SMTP__OAUTH_TOKEN_URL", "https://user@login.example.org/token"),
    ("SMTP__OAUTH_TOKEN_URL", "token"),
    ("SMTP__RETRY_SECONDS", "60, 0"),
    ("SMTP__RETRY_SECONDS", "[60, -1]"),
    ("SMTP__RETRY_SECONDS", "soon"),
    ("SMTP__TIMEOUT_SECONDS", "0"),
    ("CALLS__SILENCE_SECONDS", "-1"),
    ("CALLS__MENU_ROUNDS", "0"),
    ("CALLS__PIN_TRIES", "0"),
    ("CALLS__DIGIT_SECONDS", "nan"),
    ("PINS__MIN_LENGTH", "3"),
    ("PINS__WRONG_IN_A_ROW", "0"),
    ("PINS__FIRST_LOCK_SECONDS", "0"),
    ("PINS__LONGEST_LOCK_SECONDS", "-1"),
    ("PINS__WRONG_OF_A_SOURCE_IN_A_DAY", "0"),
    ("PINS__SOURCE_LOCK_SECONDS", "0"),
    ("PINS__WRONG_OF_A_MAILBOX", "0"),
    ("PINS__WRONG_OF_A_MAILBOX_DAYS", "0"),
    ("RETENTION__TRASH_DAYS", "-1"),
    ("RETENTION__TRASH_DAYS", "1000000000"),
    ("RETENTION__RECORDINGS_TAKEN_DAYS", "-1"),
    ("RETENTION__MESSAGE_LINK_DAYS", "0"),
    ("DATABASE_URL", "mysql://localhost/controlplane"),
    ("DATABASE_URL", "localhost"),
    ("SIP__LOCAL_NETWORKS", '["10.0.0.0/8"'),
    ("SIP", "5060"),
    ("SIP__PROT", "5060"),
]


def settings(**given: str) -> Settings:
    """Load what is needed and what is given, without the prefix of the variables."""
    return load({**GIVEN, **{f"CONTROLPLANE_{name}": value for name, value in given.items()}})


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_value_that_cannot_work_is_refused_by_name(name: str, value: str) -> None:
    """One sentence in one line, with the variable as it was written."""
    with pytest.raises(SettingsError) as refused:
        settings(**{name: value})
    said = str(refused.value)

    assert (True, 1) == (f"CONTROLPLANE_{name}:" in said, len(said.splitlines()))


def test_longest_lock_is_not_the_shorter_one() -> None:
    """Locks grow from the first to the longest."""
    with pytest.raises(SettingsError, match="CONTROLPLANE_PINS: LONGEST_LOCK_SECONDS"):
        settings(PINS__FIRST_LOCK_SECONDS="600", PINS__LONGEST_LOCK_SECONDS="300")


def test_lists_are_written_with_commas() -> None:
    """Nobody has to write JSON into an environment file."""
    read = settings(
        SIP__LOCAL_NETWORKS="10.0.0.0/8, 192.168.0.0/16",
        FASTAGI__ALLOWED_ADDRESSES="192.0.2.7",
        SMTP__RETRY_SECONDS="60,300",
    )

    assert (("10.0.0.0/8", "192.168.0.0/16"), ("192.0.2.7",), (60, 300)) == (
        read.sip.local_networks,
        read.fastagi.allowed_addresses,
        read.smtp.retry_seconds,
    )


def test_lists_are_written_as_json_too() -> None:
    """As the documentation shows the defaults."""
    read = settings(SIP__LOCAL_NETWORKS='["10.0.0.0/8"]', SMTP__RETRY_SECONDS="[60, 300]")

    assert (("10.0.0.0/8",), (60, 300)) == (read.sip.local_networks, read.smtp.retry_seconds)


def test_every_missing_folder_is_named() -> None:
    """The variables that can be set, not the group that they are in."""
    with pytest.raises(SettingsError) as refused:
        load({"CONTROLPLANE_PRIVATE": "true"})

    assert (
        "set CONTROLPLANE_PATHS__RECORDINGS, CONTROLPLANE_PATHS__SPOOL, CONTROLPLANE_PATHS__PROMPTS,"
        " CONTROLPLANE_PATHS__CONFIGURATION: there is no default for them"
    ) == str(refused.value)


def test_one_missing_folder_is_named_alone() -> None:
    """What is set already is not asked for again."""
    given = {name: value for name, value in GIVEN.items() if not name.endswith("SPOOL")}
    with pytest.raises(SettingsError) as refused:
        load(given)

    assert "set CONTROLPLANE_PATHS__SPOOL: there is no default for it" == str(refused.value)


def test_a_wrong_address_of_the_database_is_not_repeated() -> None:
    """It may hold a password."""
    with pytest.raises(SettingsError) as refused:
        settings(DATABASE_URL="postgres://user:swordfish@db/controlplane")

    assert "swordfish" not in str(refused.value)


@pytest.mark.parametrize(
    "sender", ["voicemail@example.org", "Équipe <équipe@exämple.org>", "V <v@localhost>"]
)
def test_sender_is_an_address(sender: str) -> None:
    """With or without a name, in any alphabet."""
    assert sender == settings(SMTP__SENDER=sender).smtp.sender


def test_public_url_ends_without_a_slash() -> None:
    """Paths are put behind it."""
    assert (
        "https://example.org/voicemail"
        == settings(HTTP__PUBLIC_URL="https://example.org/voicemail/").http.public_url
    )


def test_a_choice_that_is_empty_is_none() -> None:
    """A file of variables says `NAME=` for what is not set: that is no mail server and no log-in."""
    read = settings(SMTP__HOST="", SMTP__USERNAME="", SIP__EXTERNAL_ADDRESS="")

    assert (None, None, None) == (read.smtp.host, read.smtp.username, read.sip.external_address)
