"""Which languages may be chosen: those with a catalogue and a voice."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from controlplane.domain.errors import InvalidValue
from controlplane.domain.language import resolve
from controlplane.speech.catalogue import available_languages
from controlplane.speech.engines import Engine, engines_for


def offered_languages(engines: Callable[[str], Sequence[Engine]] = engines_for) -> list[str]:
    """List the languages that can be spoken here, in order of their tags.

    Where no engine at all is installed, another process speaks: then all that have a catalogue.
    """
    known = available_languages()
    return [language for language in known if engines(language)] or known


def choose_language(
    tag: str, *, field: str = "language", engines: Callable[[str], Sequence[Engine]] = engines_for
) -> str:
    """Return the language nearest to a tag that somebody chooses.

    Raises InvalidValue as `domain.language.resolve` does, and `language-without-voice` for one that has
    sentences, but that nothing speaks.
    """
    found = resolve(tag, available_languages(), field=field)
    if engines(found) or found in (offered := offered_languages(engines)):
        return found
    raise InvalidValue(
        f"No voice for {found} is installed. Put a piper voice into the folder voices, or choose one of: "
        f"{', '.join(offered)}.",
        error_id="language-without-voice",
        field=field,
    )
