"""What people may do with a mailbox that was given to them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from controlplane.domain.errors import DomainError, InvalidValue


class Right(StrEnum):
    """A thing that a member of a mailbox may do, in the order in which people are shown them."""

    LISTEN = "listen"
    """See the messages, hear them, mark them read and unread."""
    DOWNLOAD = "download"
    """Keep recordings as files."""
    DELETE = "delete"
    """Move messages to the trash, see what is there, restore it, and remove it for good."""
    MANAGE = "manage"
    """Change the settings and the members; neither make nor delete mailboxes."""


Rights = frozenset[Right]

NO_RIGHTS: Rights = frozenset()
ALL_RIGHTS: Rights = frozenset(Right)
OUTSIDE_RIGHTS: Rights = ALL_RIGHTS - {Right.MANAGE}
"""Of a caller from outside who knows the PIN, where one may log in."""

# Who decides who has which right could give themselves any.
_IMPLIED: Mapping[Right, Rights] = MappingProxyType(
    {
        Right.LISTEN: frozenset({Right.LISTEN}),
        Right.DOWNLOAD: frozenset({Right.LISTEN, Right.DOWNLOAD}),
        Right.DELETE: frozenset({Right.LISTEN, Right.DELETE}),
        Right.MANAGE: ALL_RIGHTS,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """What a caller may do with a mailbox (nothing: is not let in), and whether without its PIN.

    `user_name` is whose extension it is, if it is somebody's.
    """

    rights: Rights
    pin_spared: bool = False
    user_name: str | None = None


class NotAllowed(DomainError):
    """Whoever asks may see the thing, and may not do this with it."""

    error_id = "not-allowed"


def union(given: Iterable[Collection[str]]) -> Rights:
    """Return what somebody may do who got rights in several ways, with all that these bring along."""
    return frozenset(brought for some in given for each in some for brought in _IMPLIED[Right(each)])


def parse_rights(names: Collection[str], *, field: str = "rights") -> Rights:
    """Return rights with all that they bring along; raises InvalidValue (`invalid-rights`).

    Nobody is a member without a right: that would be no member.
    """
    known = {right.value for right in Right}
    if not names or not known.issuperset(names):
        raise InvalidValue(
            "Give at least one right: listen, download, delete or manage.",
            error_id="invalid-rights",
            field=field,
        )
    return union([names])


def in_order(rights: Rights) -> list[str]:
    """Return the names of rights in the order in which people are shown them."""
    return [right.value for right in Right if right in rights]


def check_right(rights: Rights, right: Right) -> None:
    """Let through who has a right; raises NotAllowed (`right-needed`)."""
    if right not in rights:
        raise NotAllowed(
            f"This needs the right to {right.value}, which you do not have at this mailbox.",
            error_id="right-needed",
            details={"right": right.value},
        )
