"""A program that tells how espeak-ng would speak lines of text: its phonemes, in the IPA.

Argument: the name of the voice. Input: one JSON string a line. Output for each: a JSON list of its
clauses, between which the voice pauses. Stress marks are left out.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import sys
from pathlib import Path

import espeakng_loader

_UTF8, _IPA = 1, 2


def main() -> None:
    """Answer every line of the input."""
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    os.chdir(Path(espeakng_loader.get_data_path()).parent)  # it has no room for a long path to its data
    library.espeak_Initialize(2, 0, b"espeak-ng-data", 0)
    if library.espeak_SetVoiceByName(sys.argv[1].encode()) != 0:
        sys.exit(f"espeak-ng has no voice {sys.argv[1]}")
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    for line in sys.stdin:
        rest = ctypes.c_char_p(json.loads(line).encode())
        clauses = []
        while rest.value:
            clauses.append(library.espeak_TextToPhonemes(ctypes.byref(rest), _UTF8, _IPA).decode())
        print(json.dumps([re.sub("[ˈˌ]", "", clause).strip() for clause in clauses if clause]))  # noqa: T201


if __name__ == "__main__":
    main()
