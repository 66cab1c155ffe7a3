"""What mod_voicemail recorded: the files in its folder, and what it says of each over the Event Socket.

The files are the truth, because a message must not get lost with a row of a database that is not
ours. They are `<spool>/native/cp-voicemail-<tenant>/<mailbox>/msg_<id>.wav`. A file without a row is
being recorded, or its switch was killed meanwhile; that one is complete once the switch was started
again. A caller's name and number in an answer are hostile text; a path in one is never used.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from controlplane.domain.caller import Caller
from controlplane.domain.errors import SwitchUnavailable
from controlplane.domain.native_message import NativeMessage
from controlplane.switches.freeswitch.control import FreeSwitchControl
from controlplane.switches.freeswitch.inbound import InboundClient

_PROFILE: Final = "shared-voicemail"
_DOMAIN: Final = "cp-voicemail-"
_UUID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_FOLDER: Final = re.compile(rf"{_DOMAIN}({_UUID})/({_UUID})", re.ASCII)
_FILE: Final = re.compile(rf"msg_({_UUID})\.wav", re.ASCII)
_FACTS: Final = re.compile(rf"\.native-({_UUID})\.facts", re.ASCII)
_CALL: Final = re.compile(_UUID, re.ASCII)
_REACHED_BY: Final = re.compile(r";reached_by=([A-Za-z0-9._+/-]*)$", re.ASCII)
_AT: Final = re.compile(r";at=([0-9]{1,10});", re.ASCII)
_FACTS_BYTES: Final = 65_536
_DAY_SECONDS: Final = 86_400.0
_FACTS_WAIT_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Box:
    """A mailbox's folder, with the files in it and when each was changed."""

    tenant_id: UUID
    mailbox_id: UUID
    path: Path
    files: Mapping[str, float]

    @property
    def names(self) -> str:
        """The domain and the user, as commands want them."""
        return f"{_DOMAIN}{self.tenant_id} {self.mailbox_id}"


class FreeSwitchNativeVoicemail:
    """The messages of one mod_voicemail; implements `services.native_voicemail.NativeVoicemail`.

    `spool` is the folder that we share with the switch; every wait is bounded as the control's are.
    """

    def __init__(
        self, control: FreeSwitchControl, *, spool: Path, clock: Callable[[], float] = time.time
    ) -> None:
        self._control = control
        self._spool = spool
        self._clock = clock

    async def messages(self) -> Sequence[NativeMessage]:
        """Return every message that is complete; removes rows without a file, and facts without a call."""
        boxes = await asyncio.to_thread(lambda: list(self._boxes()))
        facts = await asyncio.to_thread(self._old_facts)
        if not boxes and not facts:
            return []
        found: list[NativeMessage] = []
        started_at = await self._control.started_at()
        async with self._control.connected() as client:
            for box in boxes:
                found += await self._of_box(client, box, started_at)
            kept = {message.call_id for message in found}
            for call_id, path in facts.items():
                if call_id not in kept and not await client.call_exists(call_id):
                    await asyncio.to_thread(path.unlink, missing_ok=True)
        return found

    async def remove(self, message: NativeMessage) -> None:
        """Have mod_voicemail remove a message with its file; one that it does not know is ours to remove."""
        if message.call_id:
            async with self._control.connected() as client:
                await self._delete(client, message.tenant_id, message.mailbox_id, message.call_id)
            facts = self._spool / f".native-{message.call_id}.facts"
            await asyncio.to_thread(facts.unlink, missing_ok=True)
        else:
            await asyncio.to_thread(message.audio.unlink, missing_ok=True)

    async def _of_box(self, client: InboundClient, box: _Box, started_at: float) -> list[NativeMessage]:
        found: list[NativeMessage] = []
        unknown = dict(box.files)
        for row in await _rows(client, box):
            file = Path(str(row.get("VM-Message-File-Path", ""))).name
            call_id = str(row.get("VM-Message-UUID", ""))
            if file not in box.files:
                # It came after we had listed the files, or a deletion died half-way.
                if not await asyncio.to_thread((box.path / file).exists):
                    await self._delete(client, box.tenant_id, box.mailbox_id, call_id)
                continue
            unknown.pop(file, None)
            facts = await asyncio.to_thread(self._facts, call_id)
            caller = Caller.of(
                str(row.get("VM-Message-Caller-Number", "")), str(row.get("VM-Message-Caller-Name", ""))
            )
            at = _AT.search(facts)
            found.append(
                _message(
                    box,
                    file,
                    call_id=call_id,
                    caller=caller,
                    facts=facts,
                    at=float(at[1]) if at else _epoch(row, box.files[file]),
                )
            )
        for file, changed_at in unknown.items():
            # No row yet: it is being recorded, unless the switch or a day has gone since.
            if changed_at < started_at or changed_at < self._clock() - _DAY_SECONDS:
                found.append(_message(box, file, call_id="", caller=Caller(), facts="", at=changed_at))
        return found

    async def _delete(self, client: InboundClient, tenant_id: UUID, mailbox_id: UUID, call_id: str) -> None:
        if not _CALL.fullmatch(call_id):
            raise SwitchUnavailable("mod_voicemail names a message in a way that it cannot be.")
        answer = await client.api(f"vm_delete {mailbox_id}@{_DOMAIN}{tenant_id}/{_PROFILE} {call_id}")
        if not answer.startswith("+OK"):
            raise SwitchUnavailable("mod_voicemail did not remove a message.")

    def _boxes(self) -> Iterator[_Box]:
        """Find the folders that have a message, or were changed within a day."""
        root = self._spool / "native"
        for tenant in _folders(root):
            for folder in _folders(tenant):
                match = _FOLDER.fullmatch(f"{tenant.name}/{folder.name}")
                if match is None:
                    continue
                files = {
                    each.name: each.stat(follow_symlinks=False).st_mtime
                    for each in os.scandir(folder)
                    if _FILE.fullmatch(each.name) and each.is_file(follow_symlinks=False)
                }
                if files or folder.stat().st_mtime > self._clock() - _DAY_SECONDS:
                    yield _Box(tenant_id=UUID(match[1]), mailbox_id=UUID(match[2]), path=folder, files=files)

    def _old_facts(self) -> dict[str, Path]:
        """Find what the dialplan noted of calls a while ago, by their ids."""
        before = self._clock() - _FACTS_WAIT_SECONDS
        found: dict[str, Path] = {}
        try:
            for each in os.scandir(self._spool):
                match = _FACTS.fullmatch(each.name)
                if match and each.stat(follow_symlinks=False).st_mtime < before:
                    found[match[1]] = Path(each.path)
        except FileNotFoundError:
            pass
        return found

    def _facts(self, call_id: str) -> str:
        """Read what the dialplan noted of a call; empty if it did not."""
        if not _CALL.fullmatch(call_id):
            return ""
        try:
            descriptor = os.open(
                self._spool / f".native-{call_id}.facts", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
            )
        except OSError:
            return ""
        with os.fdopen(descriptor, "rb") as file:
            return file.read(_FACTS_BYTES).decode(errors="replace").strip()


async def _rows(client: InboundClient, box: _Box) -> list[dict[str, Any]]:
    """Ask for the messages of a mailbox, one after the other: only this form of the answer is escaped."""
    listed = _read(await client.api(f"vm_fsdb_msg_list json {_PROFILE} {box.names} inbox not-read"))
    try:
        count = int(listed.get("VM-List-Count", ""))
    except ValueError as error:
        raise SwitchUnavailable("mod_voicemail does not say which messages it has.") from error
    rows: list[dict[str, Any]] = []
    for number in range(1, count + 1):
        call_id = str(listed.get(f"VM-List-Message-{number}-UUID", ""))
        if not _CALL.fullmatch(call_id):
            raise SwitchUnavailable("mod_voicemail names a message in a way that it cannot be.")
        row = _read(await client.api(f"vm_fsdb_msg_get json {_PROFILE} {box.names} {call_id}"))
        if row.get("VM-Message-UUID") == call_id:
            rows.append(row)
    return rows


def _read(answer: str) -> dict[str, Any]:
    try:
        read = json.loads(answer)
    except ValueError as error:
        raise SwitchUnavailable("mod_voicemail does not say which messages it has.") from error
    if not isinstance(read, dict):
        raise SwitchUnavailable("mod_voicemail does not say which messages it has.")
    return read


def _folders(root: Path) -> list[Path]:
    try:
        with os.scandir(root) as listing:
            return sorted(Path(each.path) for each in listing if each.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return []


def _epoch(row: Mapping[str, Any], changed_at: float) -> float:
    """Return when the message came, which is at its end."""
    try:
        return float(row["VM-Message-Received-Epoch"])
    except (KeyError, TypeError, ValueError):
        return changed_at


def _message(box: _Box, file: str, *, call_id: str, caller: Caller, facts: str, at: float) -> NativeMessage:
    reached_by = _REACHED_BY.search(facts)
    match = _FILE.fullmatch(file)
    assert match is not None
    return NativeMessage(
        file_id=UUID(match[1]),
        audio=box.path / file,
        tenant_id=box.tenant_id,
        mailbox_id=box.mailbox_id,
        call_id=call_id,
        caller=caller,
        reached_by=reached_by[1] if reached_by else "",
        started_at=datetime.fromtimestamp(at, UTC),
    )
