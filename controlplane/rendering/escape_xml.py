"""Text that reaches FreeSWITCH's configuration, beyond what XML's own escaping does.

FreeSWITCH expands `${…}` and `$${…}` after it has read the XML, and a backslash escapes there, so
escaping for XML alone protects nothing.
"""

from __future__ import annotations

import re

from controlplane.domain.caller import clean
from controlplane.rendering import escape
from controlplane.rendering.escape import Escaped, RenderingError, path

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PATTERN_WORD = re.compile(r"[A-Za-z0-9*#_-]*", re.ASCII)


class _Encoded(Escaped):
    """Text that is XML already."""

    __slots__ = ()

    def __html__(self) -> str:
        return str(self)


def secret(value: object) -> Escaped:
    """Take a password of visible ASCII characters as an attribute, each of them by its number.

    So `$${` stands nowhere in the file, which FreeSWITCH would expand before it reads the XML. Raises
    RenderingError.
    """
    escape.secret(value)
    return _Encoded("".join(f"&#{ord(char)};" for char in str(value)))


def path_without_blanks(value: object) -> Escaped:
    """Take a path that the applications of the dialplan read as one argument; raises RenderingError."""
    text = path(value)
    if " " in text or "@@" in text:
        raise RenderingError(
            "A folder's path has a blank or @@, which FreeSWITCH's dialplan cannot carry. Choose one that is "
            "absolute and made of letters, digits and _ . + @ ~ - only."
        )
    return text


def label(value: object) -> Escaped:
    """Make a display name one line of XML's characters that holds no variable and no backslash."""
    text = _NOT_XML.sub(" ", clean(str(value))).replace("\\", "/")
    return Escaped(text.replace("$", "S"))


def regex(value: object) -> Escaped:
    """Take a feature code or a name of ours, to be matched as it is; raises RenderingError."""
    text = str(value)
    if not _PATTERN_WORD.fullmatch(text):
        raise RenderingError("Only letters, digits, * # _ and - may stand in a pattern of the dialplan.")
    return Escaped(text.replace("*", r"\*"))
