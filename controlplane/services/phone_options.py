"""What a caller changes of a mailbox by phone: greeting, name and PIN, with the record of all changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import structlog

from controlplane.domain.errors import InvalidValue, NotFound, Unavailable
from controlplane.domain.mailbox import Mailbox
from controlplane.domain.pin import Pin, PinPolicy
from controlplane.services import mailbox_greetings, spoken_names
from controlplane.services.mailboxes import MailboxChanges, PinHashing, update_mailbox
from controlplane.speech.recorded import greeting_from
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs


class PhoneOptions:
    """Implements `callflows.option_ports.MailboxChanges`; `clock` gives UTC.

    What is changed is the mailbox that the caller was let in to, never another one that got its number since.
    """

    def __init__(
        self,
        *,
        database: Database,
        jobs: Jobs,
        hasher: PinHashing,
        pin_policy: PinPolicy,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._hasher = hasher
        self._pin_policy = pin_policy
        self._clock = clock

    async def keep_greeting(self, mailbox: Mailbox, wav: Path, *, by: str) -> bool:
        """Let callers hear a recording as the mailbox's own greeting; False if it cannot be used."""
        audio = await _telephone_audio(wav)
        if audio is None:
            return False
        with _still_there():
            await mailbox_greetings.use_recording(
                self._database,
                self._jobs,
                tenant_id=mailbox.tenant_id,
                number=mailbox.number,
                meant=mailbox.id,
                source="",
                wav=audio,
                by=by,
                clock=self._clock,
            )
        return True

    async def standard_greeting(self, mailbox: Mailbox, *, by: str) -> None:
        """Let them hear the standard sentence again."""
        with _still_there():
            await mailbox_greetings.say_greeting(
                self._database,
                self._jobs,
                tenant_id=mailbox.tenant_id,
                number=mailbox.number,
                meant=mailbox.id,
                source="",
                text=None,
                language=None,
                by=by,
            )

    async def keep_name(self, mailbox: Mailbox, wav: Path, *, by: str) -> bool:
        """Let them hear a recording as the mailbox's name in it; False if it cannot be used."""
        audio = await _telephone_audio(wav)
        if audio is None:
            return False
        with _still_there():
            await spoken_names.record_name(
                self._database,
                self._jobs,
                tenant_id=mailbox.tenant_id,
                number=mailbox.number,
                meant=mailbox.id,
                wav=audio,
                by=by,
                clock=self._clock,
            )
        return True

    async def standard_name(self, mailbox: Mailbox, *, by: str) -> None:
        """Have the name spoken again; nothing happens where none was recorded."""
        try:
            await spoken_names.remove_name(
                self._database,
                self._jobs,
                tenant_id=mailbox.tenant_id,
                number=mailbox.number,
                meant=mailbox.id,
                by=by,
            )
        except NotFound as error:
            if error.error_id != "no-name-recorded":
                raise _gone() from error

    async def change_pin(self, mailbox: Mailbox, pin: Pin, *, by: str) -> None:
        """Set another PIN, which keeps the rules."""
        changes: MailboxChanges = {"pin": pin}
        with _still_there():
            await update_mailbox(
                self._database,
                self._jobs,
                self._hasher,
                self._pin_policy,
                tenant_id=mailbox.tenant_id,
                number=mailbox.number,
                meant=mailbox.id,
                changes=changes,
                by=by,
            )


async def _telephone_audio(wav: Path) -> bytes | None:
    try:
        return await asyncio.to_thread(lambda: greeting_from(wav.read_bytes()))
    except (InvalidValue, OSError) as error:
        structlog.get_logger().info("greeting.unusable", error=type(error).__name__)
        return None


@contextmanager
def _still_there() -> Iterator[None]:
    """Turn the fault of a mailbox that is gone into that of a port."""
    try:
        yield
    except NotFound as error:
        raise _gone() from error


def _gone() -> Unavailable:
    return Unavailable("The mailbox was deleted meanwhile.")
