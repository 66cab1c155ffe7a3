"""Brings home what the switch's own voicemail took while `calls` did not answer: file, row, mail.

A message is copied into our spool under a name made of its own id, becomes a message as every take
does, and is removed there only once that is committed. So each step may be done again: until the
last one the switch still has it, and the recording id says whether we have it too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import structlog

from controlplane.domain.message import recording_id_of_fallback
from controlplane.domain.native_message import NativeMessage
from controlplane.services.ingest import Ingest
from controlplane.storage import native_takes, takes

FETCH = "voicemail.fetch"


class NativeVoicemail(Protocol):
    """The switch's own voicemail; raises SwitchUnavailable."""

    async def messages(self) -> Sequence[NativeMessage]:
        """Return every message that is complete, over all mailboxes."""
        ...

    async def remove(self, message: NativeMessage) -> None:
        """Remove a message with its audio; does nothing if it is gone."""
        ...


class NativeStep(StrEnum):
    """What was just done; the tests of crashes stop there."""

    LISTED = "native-listed"
    PLACED = "native-placed"
    SCANNED = "native-scanned"
    REMOVED = "native-removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeHome:
    """Brings messages home. `reached` is told of each step once it is done."""

    native: NativeVoicemail
    ingest: Ingest
    reached: Callable[[NativeStep], None] = lambda _: None

    async def fetch(self) -> int:
        """Bring home what is there, and return how many messages must be looked after again.

        One at a time: two runs at once would do the same work twice. Raises SwitchUnavailable,
        Unavailable or OSError; what was not done then is done by the next run.
        """
        waiting: list[NativeMessage] = []
        for message in await self.native.messages():
            self.reached(NativeStep.LISTED)
            try:
                if not await self._is_done(message):
                    await self._place(message)
                    waiting.append(message)
            except OSError:
                # It stays where it is, and no bad one holds up the others.
                structlog.get_logger().exception("native.failed", mailbox_id=str(message.mailbox_id))
                waiting.append(message)
        if not waiting:
            return 0
        await self.ingest.scan()
        self.reached(NativeStep.SCANNED)
        return [await self._is_done(message) for message in waiting].count(False)

    async def _place(self, message: NativeMessage) -> None:
        root = self.ingest.spool.root
        if not await asyncio.to_thread(native_takes.is_in_spool, root, message):
            await asyncio.to_thread(native_takes.place, root, message)
            self.reached(NativeStep.PLACED)

    async def _is_done(self, message: NativeMessage) -> bool:
        """Tell whether a message is ours now, and remove it there; one without audio is none."""
        log = structlog.get_logger().bind(mailbox_id=str(message.mailbox_id), call_id=message.call_id)
        recording_id = recording_id_of_fallback(message.name, switch=self.ingest.switch_kind)
        if not await asyncio.to_thread(native_takes.has_audio, message):
            log.warning("native.empty_removed")
        elif await asyncio.to_thread(native_takes.is_put_aside, self.ingest.spool.root, message):
            log.warning("native.put_aside")
        else:
            async with self.ingest.depositor.database.connection() as connection:
                outcome = await takes.outcome(connection, recording_id)
            if outcome is None:
                return False
            log.info("native.brought_home", message_id=str(recording_id), outcome=outcome.value)
        await self.native.remove(message)
        self.reached(NativeStep.REMOVED)
        return True
