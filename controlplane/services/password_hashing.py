"""How passwords of users are stored: argon2id."""

from __future__ import annotations

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor

import structlog
from argon2 import PasswordHasher as Argon2
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from controlplane.domain.password import Password
from controlplane.services.pin_hashing import HashCost

_COST = HashCost(time_cost=2, memory_kib=46 * 1024)


class PasswordHasher:
    """Hashes and verifies passwords in a few threads of its own; argon2 lets other threads run.

    At most `at_once` hashes are computed at a time, each with the memory of `cost`.
    """

    def __init__(self, *, cost: HashCost = _COST, at_once: int = 2) -> None:
        self._argon2 = Argon2(
            time_cost=cost.time_cost, memory_cost=cost.memory_kib, parallelism=cost.parallelism
        )
        # Nobody knows what it was made of, so that no password fits it.
        self._nobodys = self._argon2.hash(secrets.token_hex())
        self._executor = ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="password-hashing")

    def close(self) -> None:
        """End the threads; waits for what they compute."""
        self._executor.shutdown()

    async def hash(self, password: Password) -> str:
        """Return what is stored of a password."""
        return await asyncio.get_running_loop().run_in_executor(
            self._executor, self._argon2.hash, _bytes(password)
        )

    async def verify(self, stored: str | None, password: Password) -> bool:
        """Say whether `password` is the stored one; None costs the same work and is never right."""
        return await asyncio.get_running_loop().run_in_executor(
            self._executor, self._verify, stored or self._nobodys, password
        )

    def is_outdated(self, stored: str) -> bool:
        """Say whether a password should be hashed anew, with other parameters."""
        return self._argon2.check_needs_rehash(stored)

    def _verify(self, stored: str, password: Password) -> bool:
        try:
            return self._argon2.verify(stored, _bytes(password))
        except VerifyMismatchError:
            return False
        except (InvalidHashError, VerificationError):
            structlog.get_logger().exception("user.password_damaged")
            return False


def _bytes(password: Password) -> bytes:
    # What a form may hold and Unicode does not is hashed as well, and fits nothing.
    return password.reveal().encode("utf-8", "surrogatepass")
