"""The switch's own voicemail as a folder: what is a message there is a file, and removing removes it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from controlplane.domain.caller import Caller
from controlplane.domain.native_message import NativeMessage
from tests.support.takes import closed_wav

STARTED_AT = datetime(2026, 11, 23, 15, 45, tzinfo=UTC)


class FakeNativeVoicemail:
    """Implements NativeVoicemail over `<folder>/<mailbox>/<file>.wav`, so that it outlives a process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def messages(self) -> Sequence[NativeMessage]:
        """Return a message for each file."""
        return [self._message(path) for path in sorted(self._folder.glob("*/*.wav"))]

    async def remove(self, message: NativeMessage) -> None:
        """Remove the file."""
        message.audio.unlink(missing_ok=True)

    def take(self, mailbox_id: UUID, file_id: UUID, seconds: float = 3.0) -> NativeMessage:
        """Take a message of Bob, as it would with `calls` away."""
        path = self._folder / str(mailbox_id) / f"{file_id}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        return self._message(closed_wav(path, seconds))

    def _message(self, path: Path) -> NativeMessage:
        return NativeMessage(
            file_id=UUID(path.stem),
            audio=path,
            tenant_id=UUID(int=1),
            mailbox_id=UUID(path.parent.name),
            call_id="9f13a4ad-36c3-4049-882d-32cd7e47fc1b",
            caller=Caller(number="5551234", name="Bob; Müller\u2028=x"),
            reached_by="/extension.102..busy.3",
            started_at=STARTED_AT,
        )
