"""Passwords of users: what they are, and which ones are too easy."""

from __future__ import annotations

import unicodedata

from controlplane.domain.errors import InvalidValue

MIN_LENGTH = 10
MAX_LENGTH = 256
_FEWEST_CHARACTERS = 4


class Password:
    """A password in clear; prints and logs as `***`, and is never stored."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return it as it is hashed, in one of Unicode's forms: keyboards differ in how they write ü."""
        return unicodedata.normalize("NFKC", self._text)

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a password is not stored")


def check_password(password: Password, *, user_name: str, field: str = "password") -> None:
    """Raise InvalidValue naming the rule that a new password breaks, never the password itself.

    Length is what counts (NIST SP 800-63B): no rule asks for kinds of characters.
    """
    text = password.reveal()
    error_id = None
    if len(text) < MIN_LENGTH:
        error_id = "password-too-short"
    elif len(text) > MAX_LENGTH:
        error_id = "password-too-long"
    elif len(set(text.casefold())) < _FEWEST_CHARACTERS:
        error_id = "password-too-simple"
    elif text.casefold() == user_name.casefold():
        error_id = "password-is-user-name"
    if error_id is None:
        return
    sentence = {
        "password-too-short": f"The password is too short: {MIN_LENGTH} characters at least.",
        "password-too-long": f"The password is too long: {MAX_LENGTH} characters at most.",
        "password-too-simple": "The password repeats few characters; choose one that is harder to guess.",
        "password-is-user-name": "The password is the user name; choose another one.",
    }[error_id]
    raise InvalidValue(
        sentence, error_id=error_id, field=field, details={"least": MIN_LENGTH, "most": MAX_LENGTH}
    )
