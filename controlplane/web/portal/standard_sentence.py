"""The standard sentence of a mailbox as callers hear it where somebody said its name."""

from __future__ import annotations

from controlplane.callflows.prompts import Greeting
from controlplane.services.routing.announced import Said, audio_of
from controlplane.web.portal.visits import Visit


async def sentence_with_name(
    visit: Visit, *, display_name: str, name_recording: str | None, language: str
) -> bytes | None:
    """Return it as a WAV; None where nobody said the name, or it is not spoken yet."""
    if name_recording is None:
        return None
    words = Greeting(display_name=display_name, name_recording=name_recording)
    try:
        return await audio_of(
            Said(language=language, utterance=words), visit.deps.publisher.rendering.prompts
        )
    except OSError:
        # A file that went just now.
        return None
