"""Text that reaches a switch's configuration: each value passes one of these filters or is refused.

The environment's `finalize` takes whole numbers and `Escaped` text only, so a forgotten filter is
an error at rendering and never a hole.
"""

from __future__ import annotations

import re

from jinja2 import Undefined

from controlplane.domain.caller import clean
from controlplane.domain.errors import ControlPlaneError


class RenderingError(ControlPlaneError):
    """The configuration cannot be rendered; the sentence says why and never holds the value."""


class Escaped(str):
    """Text that went through a filter."""

    __slots__ = ()


_WORD = re.compile(r"[A-Za-z0-9_.:@*#+~/\[\]&=!-]*", re.ASCII)
_VISIBLE = re.compile(r"[!-~]+", re.ASCII)
_EXPRESSION = re.compile(r"\$\{[A-Z_]+(\((num|name)\))?\}|[A-Za-z0-9-]*", re.ASCII)


def word(value: object, name: str) -> Escaped:
    """Take what means nothing to any parser of Asterisk; `name` is what the error calls it.

    No blank, comma, semicolon, quote, backslash, bracket of an expression or control character.
    Raises RenderingError.
    """
    text = str(value)
    if not _WORD.fullmatch(text):
        raise RenderingError(
            f"The {name} has a character that the switch's configuration cannot carry. "
            "Letters, digits and _ . : @ * # + ~ / - are safe."
        )
    return Escaped(text)


def path(value: object) -> Escaped:
    """Take a path that dialplan applications and functions read as one argument.

    Letters and digits of any script, blanks and `_ . / + @ ~ -`: a comma, `&`, `=`, `%` or `$`
    means something else to one of Playback, Record, Set and FILE. Raises RenderingError.
    """
    text = str(value)
    if not text.startswith("/") or not all(char.isalnum() or char in "_./+@~- " for char in text):
        raise RenderingError(
            "A folder's path has a character that Asterisk's dialplan cannot carry. Choose one that is "
            "absolute and made of letters, digits, blanks and _ . + @ ~ - only."
        )
    return Escaped(text)


def label(value: object) -> Escaped:
    """Make a display name safe within double quotes of a configuration file.

    One line; quotes, backslashes and the beginning of a variable or expression are changed, a
    semicolon is escaped, since it would begin a comment.
    """
    text = clean(str(value)).replace('"', "'").replace("\\", "/")
    text = re.sub(r"\$(?=[{\[])", "S", text)
    return Escaped(text.replace(";", "\\;"))


def expression(value: object) -> Escaped:
    """Take a single channel variable or plain text of ours. Raises RenderingError."""
    text = str(value)
    if not _EXPRESSION.fullmatch(text):
        raise RenderingError("Only one channel variable of the dialplan's own may stand here.")
    return Escaped(text)


def secret(value: object) -> Escaped:
    """Take a password of visible ASCII characters as the value of a setting, behind `= `.

    Raises RenderingError.
    """
    text = str(value)
    if not _VISIBLE.fullmatch(text):
        raise RenderingError("A password has a character that the switch's configuration cannot carry.")
    return Escaped(text.replace(";", "\\;"))


def only_escaped(value: object) -> object:
    """Refuse what went through no filter; whole numbers need none."""
    if isinstance(value, Undefined):
        str(value)  # raises, and names the variable
    if isinstance(value, Escaped) or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise RenderingError("A template puts out a value without a filter.")
