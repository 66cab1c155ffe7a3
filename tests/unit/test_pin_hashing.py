"""How PINs are stored and verified."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import closing

import pytest
from controlplane.domain.pin import Pin
from controlplane.services.pin_hashing import (
    HashCost,
    MalformedPinKeys,
    PinHasher,
    UnreadablePin,
    make_key,
    parse_keys,
)

OLD = "old:" + base64.b64encode(b"o" * 32).decode()
NEW = "new:" + base64.b64encode(b"n" * 32).decode()
CHEAP = HashCost(time_cost=1, memory_kib=64)


@pytest.fixture
def hasher() -> Iterator[PinHasher]:
    """Hash with one key, cheaply."""
    with closing(PinHasher(OLD, cost=CHEAP)) as made:
        yield made


async def test_right_pin_is_verified(hasher: PinHasher) -> None:
    """What was stored of a PIN verifies it."""
    assert await hasher.verify(await hasher.hash(Pin("4071")), Pin("4071"))


async def test_wrong_pin_is_not_verified(hasher: PinHasher) -> None:
    """What was stored of a PIN verifies no other one."""
    assert not await hasher.verify(await hasher.hash(Pin("4071")), Pin("4072"))


async def test_nothing_stored_verifies_nothing(hasher: PinHasher) -> None:
    """For a mailbox that does not exist every PIN is wrong."""
    assert not await hasher.verify(None, Pin("4071"))


async def test_stored_form_is_the_key_id_and_argon2id_with_the_parameters() -> None:
    """By default a PIN is stored as the key's id and argon2id with t=2, 19 MiB and p=1."""
    with closing(PinHasher(f"{NEW}\n{OLD}\n")) as hasher:
        stored = await hasher.hash(Pin("4071"))

    assert stored.startswith("new$argon2id$v=19$m=19456,t=2,p=1$")


async def test_same_pin_is_stored_differently_each_time(hasher: PinHasher) -> None:
    """Two mailboxes with the same PIN cannot be told by what is stored."""
    assert await hasher.hash(Pin("4071")) != await hasher.hash(Pin("4071"))


async def test_without_the_key_a_right_pin_is_not_verified() -> None:
    """A stored PIN is of no use with a key of the same id and other bytes."""
    other = "old:" + base64.b64encode(b"x" * 32).decode()
    with closing(PinHasher(OLD, cost=CHEAP)) as ours, closing(PinHasher(other, cost=CHEAP)) as theirs:
        stored = await ours.hash(Pin("4071"))

        assert not await theirs.verify(stored, Pin("4071"))


async def test_older_key_still_verifies() -> None:
    """After a new key was put first, what the old one stored is still verified."""
    with (
        closing(PinHasher(OLD, cost=CHEAP)) as before,
        closing(PinHasher(f"{NEW}\n{OLD}", cost=CHEAP)) as now,
    ):
        assert await now.verify(await before.hash(Pin("4071")), Pin("4071"))


async def test_older_key_and_other_parameters_are_outdated() -> None:
    """What was hashed by an older key or with other parameters is to be hashed anew."""
    with (
        closing(PinHasher(f"{NEW}\n{OLD}", cost=CHEAP)) as now,
        closing(PinHasher(OLD, cost=CHEAP)) as old_key,
        closing(PinHasher(NEW, cost=HashCost(time_cost=2, memory_kib=64))) as old_cost,
    ):
        stored = [await hasher.hash(Pin("4071")) for hasher in (now, old_key, old_cost)]

        assert [now.is_outdated(one) for one in stored] == [False, True, True]


async def test_unknown_key_is_said(hasher: PinHasher) -> None:
    """A PIN whose key is not given cannot be verified, which is not the same as wrong."""
    with closing(PinHasher(NEW, cost=CHEAP)) as other:
        stored = await other.hash(Pin("4071"))

    with pytest.raises(UnreadablePin, match="'new'"):
        await hasher.verify(stored, Pin("4071"))


async def test_damaged_hash_is_said(hasher: PinHasher) -> None:
    """A damaged hash cannot be verified, which is not the same as wrong."""
    with pytest.raises(UnreadablePin, match="damaged"):
        await hasher.verify("old$argon2id$v=19$rubbish", Pin("4071"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no PIN key"),
        ("\n \n", "no PIN key"),
        ("change-me", "line 1: write id:base64"),
        ("a b:c2VjcmV0", "line 1: write id:base64"),
        (f"{OLD}\n:c2VjcmV0", "line 2: write id:base64"),
        (f"{OLD}\n{OLD}", "line 2: the id old is there twice"),
        ("one:c2Vjc!mV0", "line 1: what follows the id is no base64"),
        ("one:c2Vj", "line 1: the key has less than 16 bytes"),
    ],
)
def test_malformed_keys_are_refused_by_line(text: str, said: str) -> None:
    """A fault in the keys is told with its line."""
    with pytest.raises(MalformedPinKeys, match=said):
        parse_keys(text)


def test_fault_in_the_keys_does_not_show_them() -> None:
    """The error about a key, with all that it was raised from, does not hold the key."""
    with pytest.raises(MalformedPinKeys) as caught:
        parse_keys("one:TopSecretKeyMaterial!!")

    assert "TopSecret" not in f"{caught.value!r} {caught.value.__cause__!r}"


def test_made_key_is_accepted() -> None:
    """A key that we made is one line that can be used."""
    assert len(parse_keys(make_key("first"))["first"]) == 32
