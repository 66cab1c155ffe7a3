"""How PINs are stored: argon2id over a keyed HMAC, with the id of the key in front.

A stored PIN is `<key id>$argon2id$v=19$m=…`. A PIN has so few digits that argon2 alone would be
undone by trying all of them on a stolen database; the key is not in the database.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import re
import secrets
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from controlplane.domain.errors import ControlPlaneError, Unavailable
from controlplane.domain.pin import Pin

_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)
_MIN_KEY_BYTES = 16
_NEW_KEY_BYTES = 32
_MARKED = b"shared-voicemail: which key"


class MalformedPinKeys(ControlPlaneError):
    """The text of the keys cannot be used; the sentence names the line and never the key."""


class UnreadablePin(Unavailable):
    """A stored PIN cannot be verified: its key is not given, or the text is damaged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HashCost:
    """The parameters of argon2id."""

    time_cost: int = 2
    memory_kib: int = 19 * 1024
    parallelism: int = 1


def make_key(key_id: str = "1") -> str:
    """Return a line for the keys' text with a random key."""
    return f"{key_id}:{base64.b64encode(secrets.token_bytes(_NEW_KEY_BYTES)).decode()}"


def parse_keys(text: str) -> dict[str, bytes]:
    """Read lines `id:base64`, newest first; raises MalformedPinKeys."""
    keys: dict[str, bytes] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        key_id, colon, encoded = line.strip().partition(":")
        if not colon or not _KEY_ID.fullmatch(key_id):
            raise MalformedPinKeys(
                f"PIN keys, line {number}: write id:base64, the id with 1 to 32 letters, digits, - or _."
            )
        if key_id in keys:
            raise MalformedPinKeys(f"PIN keys, line {number}: the id {key_id} is there twice.")
        try:
            key = base64.b64decode(encoded.strip(), validate=True)
        except binascii.Error:
            # The library's error says nothing more, and its traceback would hold the line.
            raise MalformedPinKeys(f"PIN keys, line {number}: what follows the id is no base64.") from None
        if len(key) < _MIN_KEY_BYTES:
            raise MalformedPinKeys(
                f"PIN keys, line {number}: the key has less than {_MIN_KEY_BYTES} bytes;"
                " make one with: openssl rand -base64 32"
            )
        keys[key_id] = key
    if not keys:
        raise MalformedPinKeys("There is no PIN key; write a line id:base64.")
    return keys


def key_marks(text: str) -> dict[str, str]:
    """Return for each key's id something that only this key gives, and that says nothing of the key."""
    return {
        key_id: hmac.digest(key, _MARKED, "sha256").hex()[:16] for key_id, key in parse_keys(text).items()
    }


class PinHasher:
    """Hashes and verifies PINs in a few threads of its own; argon2 lets other threads run.

    `keys` are lines `id:base64`, newest first: the first hashes, all verify. At most
    `at_once` hashes are computed at a time, each with the memory of `cost`.
    """

    def __init__(self, keys: str, *, cost: HashCost | None = None, at_once: int = 2) -> None:
        self._keys: Mapping[str, bytes] = parse_keys(keys)
        self._newest = next(iter(self._keys))
        cost = cost or HashCost()
        self._argon2 = PasswordHasher(
            time_cost=cost.time_cost, memory_cost=cost.memory_kib, parallelism=cost.parallelism
        )
        # Nobody knows what it was made of, so that no PIN fits it.
        self._nobodys = self._hash(Pin(secrets.token_hex(_NEW_KEY_BYTES)))
        self._executor = ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="pin-hashing")

    def close(self) -> None:
        """End the threads; waits for what they compute."""
        self._executor.shutdown()

    async def hash(self, pin: Pin) -> str:
        """Return what is stored of a PIN."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._hash, pin)

    async def verify(self, stored: str | None, pin: Pin) -> bool:
        """Say whether `pin` is the stored one; None costs the same work and is never right.

        Raises UnreadablePin.
        """
        return await asyncio.get_running_loop().run_in_executor(
            self._executor, self._verify, stored or self._nobodys, pin
        )

    def is_outdated(self, stored: str) -> bool:
        """Say whether a PIN should be hashed anew: by an older key, or with other parameters."""
        key_id, _, encoded = stored.partition("$")
        return key_id != self._newest or self._argon2.check_needs_rehash(f"${encoded}")

    def _hash(self, pin: Pin) -> str:
        return self._newest + self._argon2.hash(self._keyed(self._newest, pin))

    def _verify(self, stored: str, pin: Pin) -> bool:
        key_id, _, encoded = stored.partition("$")
        if key_id not in self._keys:
            raise UnreadablePin(f"The PIN was stored with the key {key_id!r}, which is not among the keys.")
        try:
            return self._argon2.verify(f"${encoded}", self._keyed(key_id, pin))
        except VerifyMismatchError:
            return False
        except (InvalidHashError, VerificationError) as error:
            raise UnreadablePin("The stored PIN is damaged; set a new one.") from error

    def _keyed(self, key_id: str, pin: Pin) -> bytes:
        return hmac.digest(self._keys[key_id], pin.reveal().encode(), "sha256")
