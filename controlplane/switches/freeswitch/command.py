"""How a command is written to an Event Socket, and what must never be sent refused.

A command is a line, maybe header lines, and an empty line. FreeSWITCH expands variables, and in
them whole API calls, in the argument of every application; blanks separate arguments.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

COMMAND_LIMIT: Final = 4_096
"""Bytes of a command. Nothing that we say is nearly as long."""

_UNSENDABLE: Final = re.compile("[\\x00-\\x1f\\x7f\u0080-\u009f\u2028\u2029\ud800-\udfff]")
_FIELD_NAME: Final = re.compile(r"[A-Za-z][A-Za-z_-]{0,63}", re.ASCII)
_WORD: Final = re.compile(r"[^\s\"'\\!;,{}\[\]<>|^~$`]{1,1000}")


class UnsendableArgument(ValueError):
    """An argument that must not reach the switch. The text never quotes it."""


def encode_command(line: str, fields: Sequence[tuple[str, str]] = ()) -> bytes:
    """Return the bytes of a command; raises UnsendableArgument.

    Refused, after all formatting: control characters and other line ends, lone surrogates, the
    begin of an expansion, and what is too long.
    """
    lines = [line, *(f"{name}: {value}" for name, value in fields)]
    if not all(_FIELD_NAME.fullmatch(name) for name, _ in fields):
        raise UnsendableArgument("A field is named by letters.")
    if not line or any(_UNSENDABLE.search(text) for text in lines):
        raise UnsendableArgument("An argument holds a character that no switch may get.")
    if any("${" in text or "$[" in text or "$$" in text for text in lines):
        raise UnsendableArgument("An argument holds an expansion.")
    encoded = ("\n".join(lines) + "\n\n").encode()
    if len(encoded) > COMMAND_LIMIT:
        raise UnsendableArgument("A command is too long.")
    return encoded


def log_in(user: str | None, password: str) -> str:
    """Return the command that logs in: by the socket's own password, or as `user@domain` of the directory."""
    return f"auth {password}" if user is None else f"userauth {user}:{password}"


def encode_execute(application: str, argument: str = "") -> bytes:
    """Return the bytes that run an application of the dialplan; raises UnsendableArgument."""
    fields = [("call-command", "execute"), ("execute-app-name", word(application))]
    if argument:
        fields.append(("execute-app-arg", argument))
    return encode_command("sendmsg", fields)


def word(text: str) -> str:
    """Return `text` if FreeSWITCH takes it as one argument as it stands; raises UnsendableArgument.

    It splits at blanks, unquotes, and gives some characters a meaning in paths and variables.
    """
    if not is_word(text):
        raise UnsendableArgument("An argument holds a blank, or a character with a meaning of its own.")
    return text


def is_word(text: str) -> bool:
    """Tell whether `word` takes a text."""
    return _WORD.fullmatch(text) is not None
