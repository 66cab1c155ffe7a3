"""What is done with messages by the buttons of a page, and how the next page tells it.

A colleague may have been faster: services change only what still is as it was, and what was left as
it is now is told.
"""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from controlplane.domain.message import MessageState
from controlplane.services.message_changes import (
    BulkAction,
    BulkOutcome,
    MessageOutcome,
    bulk,
    purge_messages,
)
from controlplane.web.portal.forms import Form
from controlplane.web.portal.notices import COOKIE, unpacked
from controlplane.web.portal.visits import Visit
from controlplane.web.portal.words import Words

NOTICE, NOTHING_CHOSEN, PURGE = "messages", "nothing-chosen", "purge"
_MAX_UNDONE = 50
_MAX_COUNT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a form asks to do with which messages; `do` may be anything."""

    do: str
    ids: tuple[UUID, ...]

    @classmethod
    def of(cls, form: Form) -> Asked:
        """Read the button that was pressed: `delete`, or `delete:<id>` for the button of one message."""
        do, _, one = form.text("do").partition(":")
        return cls(do=do, ids=tuple(dict.fromkeys(_ids([one] if one else form.all("id")))))


def _ids(texts: Sequence[str]) -> list[UUID]:
    found = []
    for text in texts:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found


async def act(visit: Visit, asked: Asked) -> dict[str, str]:
    """Do it, and return what the next page has to tell; raises ValueError for what cannot be asked."""
    deps, by = visit.deps, visit.person
    if not asked.ids:
        return {"did": NOTHING_CHOSEN}
    if asked.do == PURGE:
        outcomes = await purge_messages(
            deps.db, deps.jobs, deps.recordings, by.tenant_id, asked.ids, by=by.label, member=visit.member
        )
    else:
        action = BulkAction(asked.do)
        outcomes = await bulk(
            deps.db, deps.jobs, by.tenant_id, asked.ids, action=action, by=by.label, member=visit.member
        )
    counts = Counter(_fate(asked.do, outcome) for outcome in outcomes)
    told = {"did": asked.do, **{fate: str(count) for fate, count in counts.items()}}
    done = [outcome.id for outcome in outcomes if outcome.outcome is MessageOutcome.DONE]
    if asked.do == BulkAction.DELETE and 0 < len(done) <= _MAX_UNDONE:
        told["undo"] = base64.urlsafe_b64encode(b"".join(i.bytes for i in done)).decode().rstrip("=")
    return told


def _fate(do: str, outcome: BulkOutcome) -> str:
    """Say how one message fared: `done`, or why it was left as it is."""
    if outcome.outcome is not MessageOutcome.UNCHANGED:
        return outcome.outcome.value
    if outcome.state is MessageState.DELETED:
        return "already-deleted" if do == BulkAction.DELETE else "in-trash"
    if do in {BulkAction.RESTORE, PURGE}:
        return "not-in-trash"
    return "already"


_LEFT = (
    "already",
    "already-deleted",
    "in-trash",
    "not-in-trash",
    "not-found",
    "not-allowed",
    "mailbox-deleted",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a page tells of what was done, and what can be taken back."""

    sentences: tuple[str, ...] = ()
    undo: tuple[UUID, ...] = ()


def told(visit: Visit) -> Told:
    """Read what the page before left to be told; the cookie may be anybody's."""
    kept = visit.request.cookies.get(COOKIE)
    notice = None if kept is None else unpacked(kept)
    if notice is None or notice.key != NOTICE:
        return Told()
    values, words = notice.values, visit.words
    did = values.get("did", "")
    if did == NOTHING_CHOSEN:
        return Told(sentences=(words("voicemail.nothing-chosen"),))
    sentences = [_counted(words, f"voicemail.done.{did}", values.get("done"))]
    sentences += [_counted(words, f"voicemail.left.{fate}", values.get(fate)) for fate in _LEFT]
    return Told(sentences=tuple(filter(None, sentences)), undo=_unpacked_ids(values.get("undo", "")))


def _counted(words: Words, key: str, count: str | None) -> str:
    if count is None or not (count.isascii() and count.isdigit()) or not words.has(f"{key}.other"):
        return ""
    n = int(count[:9])
    return words.count(key, n) if 0 < n <= _MAX_COUNT else ""


def _unpacked_ids(text: str) -> tuple[UUID, ...]:
    try:
        packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return ()
    whole = len(packed) - len(packed) % 16
    return tuple(UUID(bytes=packed[at : at + 16]) for at in range(0, whole, 16))
