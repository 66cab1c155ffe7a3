r"""How a command is written to an AGI session: every argument quoted, and what must not be sent refused.

Asterisk splits a line at blanks, `"` quotes and `\` escapes (parse_args in res/res_agi.c).
"""

from __future__ import annotations

import re
from typing import Final

COMMAND_LIMIT: Final = 2_048
"""Bytes of a command with its newline: the buffer of 16.28. From 2025-07 on it is 8,192."""

_UNSENDABLE: Final = re.compile("[\\x00-\\x1f\\x7f\u0080-\u009f\u2028\u2029\ud800-\udfff]")
_COMMAND_WORD: Final = re.compile(r"[A-Z]+( [A-Z]+){0,3}", re.ASCII)


class UnsendableArgument(ValueError):
    """An argument that must not reach the switch. The text never quotes it."""


def encode_command(command: str, *arguments: str | int) -> bytes:
    """Return a line with every argument quoted; raises UnsendableArgument.

    Refused, after all formatting: control characters and other line ends, lone surrogates, `${`
    and `$[`, and what does not fit into the buffer of the oldest Asterisk we support.
    """
    if not _COMMAND_WORD.fullmatch(command):
        raise UnsendableArgument("A command is made of capital letters.")
    line = " ".join([command, *(_quoted(argument) for argument in arguments)])
    if _UNSENDABLE.search(line):
        raise UnsendableArgument("An argument holds a character that no switch may get.")
    if "${" in line or "$[" in line:
        raise UnsendableArgument("An argument holds an expansion.")
    encoded = line.encode() + b"\n"
    if len(encoded) >= COMMAND_LIMIT:
        raise UnsendableArgument("A command is too long.")
    return encoded


def _quoted(argument: str | int) -> str:
    text = str(argument)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
