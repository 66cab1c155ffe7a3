"""Which greeting a caller hears, as an utterance."""

from __future__ import annotations

from datetime import datetime

from controlplane.callflows.prompts import Greeting
from controlplane.callflows.voicemail import Voicemail
from controlplane.domain.greeting import CallMoment, HeardGreeting, heard_greeting
from controlplane.domain.mailbox import Mailbox
from controlplane.domain.message import ReachedBy


async def choose_greeting(
    mailbox: Mailbox, way: ReachedBy, *, voicemail: Voicemail, at: datetime
) -> HeardGreeting:
    """Return what a caller hears who came this way at a moment; raises Unavailable.

    Office hours are asked for only where the mailbox has greetings of kinds.
    """
    moment = CallMoment(way=way, at=at)
    if mailbox.kind_greetings:
        moment = CallMoment(way=way, at=at, hours=await voicemail.hours(mailbox, way, at))
    return heard_greeting(mailbox, moment)


def said_greeting(mailbox: Mailbox, heard: HeardGreeting) -> Greeting:
    """Return it as it is said."""
    return Greeting(
        display_name=mailbox.display_name,
        text=heard.greeting,
        recording=heard.recording,
        name_recording=mailbox.name_recording,
    )
