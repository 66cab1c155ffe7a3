"""What may be dialled: numbers of objects and feature codes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from controlplane.domain.errors import InvalidValue

_NUMBER = re.compile(r"[0-9]{3,64}", re.ASCII)
_FEATURE_CODE = re.compile(r"[*#]{1,3}[0-9]{0,4}", re.ASCII)
MAX_NOTE = 200


class Number(str):
    """A number of a tenant's number space: 3 to 64 digits."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str, *, field: str = "number") -> Number:
        """Return the number; raise InvalidValue (`invalid-number`) if it is none."""
        if not _NUMBER.fullmatch(text):
            raise InvalidValue(
                "A number has 3 to 64 digits and nothing else.", error_id="invalid-number", field=field
            )
        return cls(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservedNumbers:
    """Numbers that something else than us answers: all of `first` to `last`, which are equally long."""

    first: str
    last: str
    note: str

    def check(self) -> None:
        """Raise InvalidValue (`invalid-number`, `invalid-range`, `invalid-text`)."""
        Number.parse(self.first, field="first")
        Number.parse(self.last, field="last")
        if len(self.first) != len(self.last) or self.first > self.last:
            raise InvalidValue(
                "A range has two equally long ends, the smaller first.",
                error_id="invalid-range",
                field="last",
            )
        if len(self.note) > MAX_NOTE or not self.note.isprintable():
            raise InvalidValue(
                f"A note has at most {MAX_NOTE} characters, none of them invisible.",
                error_id="invalid-text",
                field="note",
            )


class NumberKind(StrEnum):
    """What a number belongs to; the word in route files, URLs and `GET /numbers`."""

    MAILBOX = "mailbox"
    EXTENSION = "extension"
    RING_GROUP = "ring-group"
    CALL_QUEUE = "call-queue"
    VIRTUAL_RECEPTIONIST = "virtual-receptionist"


class Feature(StrEnum):
    """What a feature code does."""

    CHECK_MESSAGES = "check-messages"
    CHECK_OWN_MAILBOX = "check-own-mailbox"
    CLOSED_NOW = "closed-now"
    DO_NOT_DISTURB_ON = "do-not-disturb-on"
    DO_NOT_DISTURB_OFF = "do-not-disturb-off"
    QUEUE_LOG_IN = "queue-log-in"
    QUEUE_LOG_OUT = "queue-log-out"


def parse_feature_code(text: str, *, field: str = "code") -> str:
    """Return the code: one to three of `*` and `#`, then up to four digits, 2 to 7 characters."""
    if not _FEATURE_CODE.fullmatch(text) or not 2 <= len(text) <= 7:  # noqa: PLR2004 (said in the sentence)
        raise InvalidValue(
            "A feature code is 1 to 3 of * and #, then up to 4 digits, 2 to 7 characters in all.",
            error_id="invalid-feature-code",
            field=field,
        )
    return text


def codes_clash(one: str, other: str) -> bool:
    """Say whether two codes cannot be told apart: one is the other, or the beginning of it."""
    return one.startswith(other) or other.startswith(one)
