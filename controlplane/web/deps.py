"""What the web process is made of; composed by its entry point."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, cast
from uuid import UUID

from fastapi import Request

from controlplane.domain.pin import PinPolicy
from controlplane.services.mailboxes import PinHashing
from controlplane.services.message_links import MessageLinks
from controlplane.services.password_hashing import PasswordHasher
from controlplane.services.phone_set_up import PhoneLinks
from controlplane.services.publisher import Publisher
from controlplane.services.trunk_states import TrunkRegistrations
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs


class Recordings(Protocol):
    """Where the audio of messages is; `storage.recordings.RecordingStore` is one."""

    def path(self, message_id: UUID) -> Path:
        """Return the file of a recording; it may be missing."""
        ...

    async def take_in(self, message_id: UUID, wav: Path) -> int:
        """Copy a recording durably under an id; return its length in milliseconds."""
        ...

    async def remove(self, message_id: UUID) -> None:
        """Remove a recording; does nothing if there is none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSetting:
    """A setting of the installation, for people; of a `secret` the value says only that it is set."""

    variable: str
    value: str
    secret: bool
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneAccess:
    """Where phones register, and what makes links that set them up."""

    host: str
    port: int
    links: PhoneLinks


@dataclass(frozen=True, slots=True, kw_only=True)
class WebDeps:
    """Everything a request may need.

    `switch_answers` raises SwitchUnavailable, or is None where there is no switch, and so is
    `registrations`; `clock` returns the time with its zone; `realm` is that of the extensions' digests.
    `publisher` renders and reads what is published, and never publishes: jobs do. `tenant_file` writes
    a tenant, by name, as a file; None where there is no such file. `phones` is None where phones do not
    register with our extensions.
    """

    db: Database
    jobs: Jobs
    hasher: PinHashing
    passwords: PasswordHasher
    pin_policy: PinPolicy
    recordings: Recordings
    links: MessageLinks
    spool: Path
    realm: str
    public_url: str
    max_body_bytes: int
    switch_answers: Callable[[], Awaitable[object]] | None
    registrations: TrunkRegistrations | None
    clock: Callable[[], datetime]
    publisher: Publisher
    installation: tuple[ShownSetting, ...] = ()
    tenant_file: Callable[[Database, str], Awaitable[str]] | None = None
    phones: PhoneAccess | None = None


def deps_of(request: Request) -> WebDeps:
    """Return what the app of this request was made of."""
    return cast("WebDeps", request.app.state.deps)
