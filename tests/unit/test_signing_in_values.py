"""User names, passwords, and when signing in must wait."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta

import pytest
from controlplane.domain.errors import InvalidValue
from controlplane.domain.password import Password, check_password
from controlplane.domain.pin_locks import Try
from controlplane.domain.sign_in_limits import source_of, waits_until
from controlplane.domain.user import parse_user_name
from controlplane.services.password_hashing import PasswordHasher
from controlplane.services.pin_hashing import HashCost
from tests.support.hostile import HOSTILE_TEXTS

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def _wrong(*seconds: float) -> list[Try]:
    return [Try(at=NOW + timedelta(seconds=each), correct=False) for each in seconds]


@pytest.mark.parametrize(
    ("text", "kept"),
    [("alice", "alice"), ("  Alice ", "alice"), ("A.B+c@Example.org", "a.b+c@example.org"), ("7", "7")],
)
def test_user_names_are_kept_in_lower_case(text: str, kept: str) -> None:
    """Mail addresses are fine."""
    assert kept == parse_user_name(text)


@pytest.mark.parametrize(
    "text", ["", ".a", "a-", "a b", "\u0430lice", "\u212aelvin", "x" * 65, "a/b", "a\nb"]
)
def test_other_user_names_are_refused(text: str) -> None:
    """Among them those that look like another one."""
    with pytest.raises(InvalidValue) as refused:
        parse_user_name(text)

    assert ("invalid-user-name", "user_name") == (refused.value.error_id, refused.value.field)


@pytest.mark.parametrize(
    ("text", "error_id"),
    [
        ("123456789", "password-too-short"),
        ("x" * 257, "password-too-long"),
        ("abababABAB", "password-too-simple"),
        ("Alice.Adams", "password-is-user-name"),
    ],
)
def test_easy_passwords_are_refused(text: str, error_id: str) -> None:
    """The error names the rule and never the password."""
    with pytest.raises(InvalidValue) as refused:
        check_password(Password(text), user_name="alice.adams")

    assert error_id == refused.value.error_id
    assert text not in str(refused.value)


@pytest.mark.parametrize(
    "text", ["seven red chairs", "\u00fc\u00f6\u00e4\u00df\u00e9" * 2, "1234567890", "x y z " * 40]
)
def test_long_passwords_are_taken(text: str) -> None:
    """No rule asks for kinds of characters."""
    check_password(Password(text), user_name="alice")


def test_password_is_never_shown() -> None:
    """Neither printed nor stored."""
    password = Password("seven red chairs")

    assert ("***", "***") == (str(password), repr(password))
    with pytest.raises(TypeError):
        pickle.dumps(password)


async def test_password_is_the_same_on_every_keyboard() -> None:
    """A letter with its accent apart is the same letter; any other text is another password."""
    hasher = PasswordHasher(cost=HashCost(time_cost=1, memory_kib=8, parallelism=1))
    stored = await hasher.hash(Password("M\u00fcnchen im Mai"))
    right = await hasher.verify(stored, Password("Mu\u0308nchen im Mai"))
    wrong = [text for text in HOSTILE_TEXTS if await hasher.verify(stored, Password(text))]
    hasher.close()

    assert (True, []) == (right, wrong)
    assert stored.startswith("$argon2id$")


async def test_damaged_hash_lets_nobody_in() -> None:
    """Nor does it stop the page."""
    hasher = PasswordHasher(cost=HashCost(time_cost=1, memory_kib=8, parallelism=1))
    found = [await hasher.verify(stored, Password("x")) for stored in ("", "$argon2id$", "plain text")]
    hasher.close()

    assert [False, False, False] == found


@pytest.mark.parametrize(
    ("tries", "seconds", "waits"),
    [
        (_wrong(0, 1, 2, 3), 5, None),
        (_wrong(0, 1, 2, 3, 4), 5, 64),
        (_wrong(0, 1, 2, 3, 4), 64, None),
        (_wrong(0, 1, 2, 3, 4, 70, 71, 72, 73, 74), 80, 74 + 120),
        (_wrong(*range(200)), 200, 199 + 900),
        ([*_wrong(0, 1, 2, 3), Try(at=NOW, correct=True), *_wrong(4, 5, 6, 7)], 8, None),
    ],
)
def test_account_waits_longer_each_time(tries: list[Try], seconds: int, waits: int | None) -> None:
    """Five wrong ones in a row cost a minute, then two, a quarter of an hour at most; a right one clears."""
    end = waits_until(tries, [], now=NOW + timedelta(seconds=seconds))

    assert end == (None if waits is None else NOW + timedelta(seconds=waits))


def test_address_waits_after_fifty() -> None:
    """For a quarter of an hour from the last one, whoever it tried."""
    newest_first = [NOW - timedelta(seconds=each) for each in range(50)]

    assert waits_until([], newest_first[1:], now=NOW) is None
    assert waits_until([], newest_first, now=NOW) == NOW + timedelta(minutes=15)


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_source_of_an_address(address: str | None, source: str) -> None:
    """A site has more IPv6 addresses than anybody can count: its network is one source."""
    assert source == source_of(address)
