"""Speaks what belongs to one mailbox, one message or one person, outside of any transaction.

Greetings go into the cache for our own flows, and as a file per mailbox to where the dialplan
finds them when it has to do without us.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from controlplane.callflows.prompts import FromNumber, Greeting, MessageLength, ReceivedAt, Utterance
from controlplane.domain.colleague import Colleague
from controlplane.domain.mailbox import Mailbox, SayDatetime
from controlplane.services.reached import names_on_the_way, sent_on_by
from controlplane.services.recorded_files import place_recordings
from controlplane.speech import audio
from controlplane.speech.cache import PromptCache
from controlplane.speech.catalogue import available_languages
from controlplane.speech.engines import SpeechUnavailable
from controlplane.speech.sentences import name_of
from controlplane.storage import mailboxes, messages
from controlplane.storage.database import Database


class BlockingSpeaker(Protocol):
    """What speaks into the cache; `speech.speaker.Speaker` is one."""

    @property
    def cache(self) -> PromptCache:
        """The cache that it fills."""
        ...

    def make(self, texts: Iterable[str], language: str) -> None:
        """Speak them."""
        ...


class Speech:
    """Speaks for many jobs at once with one engine at a time.

    Starting an engine costs far more than a sentence, so whatever waits while it runs goes into
    the next run together.
    """

    def __init__(self, speaker: BlockingSpeaker) -> None:
        self._speaker = speaker
        self._turn = asyncio.Lock()
        self._waiting: dict[str, dict[str, None]] = {}

    @property
    def cache(self) -> PromptCache:
        """The cache that it fills."""
        return self._speaker.cache

    async def make(self, texts: Iterable[str], language: str) -> None:
        """Return when the texts are in the cache; raises SpeechUnavailable or OSError."""
        wanted = list(texts)
        self._waiting.setdefault(language, {}).update(dict.fromkeys(wanted))
        async with self._turn:
            batch = list(self._waiting.pop(language, {}))
            try:
                await asyncio.to_thread(self._speaker.make, batch, language)
            except SpeechUnavailable:
                if not self._spoken(wanted, language):
                    raise
                return  # It was somebody else's text that failed.
        if not self._spoken(wanted, language):
            raise SpeechUnavailable("The run of the speech engine that was to speak this failed.")

    def _spoken(self, texts: list[str], language: str) -> bool:
        return all(self.cache.holds(text, language) for text in texts)


async def speak_greeting(database: Database, speech: Speech, mailbox_id: UUID, greetings: Path) -> None:
    """Speak the greetings of a mailbox, and place its own as `<greetings>/<mailbox id>.wav`.

    Of a deleted mailbox that file is removed. Reads the mailbox again afterwards and starts over
    if it was changed meanwhile, so that of two runs in any order the present name remains.
    Raises SpeechUnavailable, OSError or Unavailable: the old greeting stays.
    """
    target = greetings / f"{mailbox_id}.wav"
    mailbox = await _mailbox(database, mailbox_id)
    while True:
        if mailbox is None:
            await asyncio.to_thread(target.unlink, missing_ok=True)
        else:
            await place_recordings(database, speech.cache, mailbox)
            await _place_greeting(speech, mailbox, target)
            for own in mailbox.greetings:
                # Of a recording too: the text is what calls fall back to.
                words = Greeting(display_name=mailbox.display_name, text=own.greeting)
                language = own.language or mailbox.language
                await speech.make(speech.cache.texts(words, language), language)
            for one in mailbox.kind_greetings:
                words = Greeting(display_name=mailbox.display_name, text=one.greeting)
                language = one.spoken_language or mailbox.language
                await speech.make(speech.cache.texts(words, language), language)
        now = await _mailbox(database, mailbox_id)
        if _spoken_of(now) == _spoken_of(mailbox):
            break
        mailbox = now
    structlog.get_logger().info(
        "greeting.spoken" if mailbox else "greeting.removed", mailbox_id=str(mailbox_id)
    )


async def speak_envelope(database: Database, speech: Speech, message_id: UUID) -> None:
    """Speak who left a message, by which way, when (by both clocks), and how long it is, into the cache.

    Does nothing for a purged message. Raises SpeechUnavailable, OSError or Unavailable.
    """
    async with database.transaction() as session:
        message = await messages.get(session, message_id)
        found = message and await mailboxes.get(session, message.mailbox_id, with_deleted=True)
        names = await names_on_the_way(session, message.tenant_id, [message.reached_by]) if message else {}
    if message is None or not found:
        return
    mailbox = mailboxes.mailbox_values(*found, available_languages())
    local = message.received_at.astimezone(ZoneInfo(mailbox.time_zone))
    utterances: list[Utterance] = [
        FromNumber(number=message.caller.speakable_number),
        ReceivedAt(at=local, clock=SayDatetime.H12),
        ReceivedAt(at=local, clock=SayDatetime.H24),
        MessageLength(seconds=message.seconds),
    ]
    if (way := sent_on_by(message.reached_by, names)) is not None:
        utterances.append(way)
    texts = [text for utterance in utterances for text in speech.cache.texts(utterance, mailbox.language)]
    await speech.make(texts, mailbox.language)
    structlog.get_logger().info("envelope.spoken", message_id=str(message_id))


async def speak_colleague(speech: Speech, name: str, language: str) -> None:
    """Speak a person's name into the cache; raises SpeechUnavailable or OSError."""
    known = speech.cache.nearest(language)
    if known is not None and (said := name_of(Colleague(name=name))):
        await speech.make(said, known)


async def _mailbox(database: Database, mailbox_id: UUID) -> Mailbox | None:
    async with database.transaction() as session:
        found = await mailboxes.get(session, mailbox_id)
    return None if found is None else mailboxes.mailbox_values(*found, available_languages())


def _spoken_of(mailbox: Mailbox | None) -> object:
    """Return what a greeting says, to be compared."""
    return mailbox and (
        mailbox.display_name,
        mailbox.language,
        mailbox.greetings,
        mailbox.own_greeting,
        mailbox.kind_greetings,
        mailbox.name_recording,
    )


async def _place_greeting(speech: Speech, mailbox: Mailbox, target: Path) -> None:
    own, name, language = mailbox.own_greeting, mailbox.display_name, mailbox.language
    await speech.make(speech.cache.texts(Greeting(display_name=name, text=own.greeting), language), language)
    greeting = Greeting(
        display_name=name, text=own.greeting, recording=own.recording, name_recording=mailbox.name_recording
    )

    def place() -> None:
        if found := speech.cache.files(greeting, language):
            audio.place(target, found[0].read_bytes() if len(found) == 1 else audio.joined(found))

    await asyncio.to_thread(place)
