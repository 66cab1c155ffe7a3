"""Where spoken sentences are kept: `<root>/<language>/<voice>/<SHA-256 of the text>.wav`.

What a person recorded is kept like a voice named `person`, the best of all (`prepare` brings it there from
`<root>/<language>/<name>.wav`). Besides that, `<root>/tones/<tone>.wav` is what is no speech, and
`<root>/recorded/<digest>.wav` a greeting that somebody recorded for a mailbox. Files are written by rename
and never changed, so that several processes may use and fill one cache, and a switch may play from it, at the
same time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from controlplane.callflows.prompts import (
    AudioFile,
    ByColleague,
    FromNumber,
    Greeting,
    Prompt,
    ReceivedAt,
    Tone,
    Utterance,
)
from controlplane.domain.language import LAST_RESORT
from controlplane.speech import catalogue as catalogues
from controlplane.speech import sentences
from controlplane.speech.catalogue import Catalogue
from controlplane.speech.engines import engines_for

PERSON = "person"
RECORDED = "recorded"


def installed_voices(language: str) -> tuple[str, ...]:
    """Return the ids of the voices of a language, best first."""
    return tuple(engine.voice for engine in engines_for(language))


class PromptCache:
    """The WAV files of utterances; implements `callflows.prompts.PromptFiles`.

    `voices` says for a language which voices to look for, best first. Languages fall back along
    their tag.
    """

    def __init__(
        self,
        root: Path,
        *,
        voices: Callable[[str], Sequence[str]] = installed_voices,
        catalogue_folder: Path = catalogues.FOLDER,
    ) -> None:
        self.root = root
        self._voices = voices
        self._folder = catalogue_folder
        self._known: dict[str, tuple[Catalogue, Sequence[str]] | None] = {}

    def files(self, utterance: Utterance, language: str) -> list[Path]:
        """Return the existing WAV files that say it, in order; [] if there are none.

        Says less where something is missing: a count without the other, a date without its time,
        a number digit by digit, a greeting without the mailbox's name, `a colleague` without a name; nothing
        instead of half a sentence.
        What a language has not spoken yet is said in English, but for dates.
        """
        match utterance:
            case AudioFile():
                return [utterance.path] if utterance.path.is_file() else []
            case Tone():
                path = self.tone(utterance)
                return [path] if path.is_file() else []
            case ReceivedAt():
                # Of each message: one that happens to be there in another language helps nobody.
                return self._spoken(utterance, language)
            case Greeting(recording=str() as digest) if (path := self.recording(digest)).is_file():
                return [path]
            case Greeting(text=None, name_recording=str() as digest) if (
                path := self.recording(digest)
            ).is_file():
                before, after = Prompt.YOU_HAVE_REACHED, Prompt.GREETING_STANDARD
                return [*self.files(before, language), path, *self.files(after, language)]
        return self._spoken(utterance, language) or self._spoken(utterance, LAST_RESORT)

    def _spoken(self, utterance: Utterance, language: str) -> list[Path]:
        """Return the files of a sentence in the language nearest to a tag, as `files` does."""
        known = self._look_up(language)
        if known is None:
            return []
        catalogue, voices = known
        found = [self._find(text, catalogue, voices) for text in sentences.sentences(utterance, catalogue)]
        if isinstance(utterance, Greeting) and None in found:
            return self._spoken(Prompt.GREETING_STANDARD, language)
        if isinstance(utterance, ByColleague) and None in found:
            return self._spoken(utterance.deed.by_somebody, language)
        if isinstance(utterance, ReceivedAt) and found and found[0] is None:
            return []
        if isinstance(utterance, FromNumber) and None in found:
            found = [
                self._find(text, catalogue, voices) for text in sentences.spelled(utterance.number, catalogue)
            ]
            return [] if None in found else [path for path in found if path is not None]
        return [path for path in found if path is not None]

    def texts(self, utterance: Utterance, language: str) -> list[str]:
        """Return the sentences that say it in the language nearest to a tag; [] if there is none."""
        known = self._look_up(language)
        return [] if known is None else sentences.sentences(utterance, known[0])

    def holds(self, text: str, tag: str) -> bool:
        """Tell whether a sentence was spoken by any voice of the language nearest to a tag."""
        known = self._look_up(tag)
        return known is not None and self._find(text, *known) is not None

    def path(self, text: str, language: str, voice: str) -> Path:
        """Return where a sentence in an available language is kept."""
        return self.root / language / voice / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.wav"

    def tone(self, tone: Tone) -> Path:
        """Return where a tone is kept."""
        return self.root / "tones" / f"{tone.value}.wav"

    def recording(self, digest: str) -> Path:
        """Return where a greeting that somebody recorded is kept."""
        return self.root / RECORDED / f"{digest}.wav"

    def spoken(self, texts: Sequence[str], tag: str) -> list[Path] | None:
        """Return the files of sentences in the language nearest to a tag; None if one is missing."""
        known = self._look_up(tag)
        found = [None if known is None else self._find(text, *known) for text in texts]
        return None if None in found else [path for path in found if path is not None]

    def nearest(self, tag: str) -> str | None:
        """Return the available language nearest to a tag, or None."""
        known = self._look_up(tag)
        return None if known is None else known[0].language

    def _find(self, text: str, catalogue: Catalogue, voices: Sequence[str]) -> Path | None:
        paths = (self.path(text, catalogue.language, voice) for voice in voices)
        return next((path for path in paths if path.is_file()), None)

    def _look_up(self, tag: str) -> tuple[Catalogue, Sequence[str]] | None:
        """Return catalogue and voices for a tag; a catalogue does not change while we run."""
        if tag not in self._known:
            language = catalogues.nearest(tag, self._folder)
            self._known[tag] = (
                None
                if language is None
                else (catalogues.load(language, self._folder), (PERSON, *self._voices(language)))
            )
        return self._known[tag]
