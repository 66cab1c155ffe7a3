"""What the Voicemail page shows, and what an open one takes over: made once for all who may see the same."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, cast

from fastapi import Request

from controlplane.domain.rights import Rights
from controlplane.services.messages import right_to_see
from controlplane.services.voicemail_page import COUNTED, read_mailbox_page
from controlplane.web.api.messages import cursor_of
from controlplane.web.portal.forms import Faults
from controlplane.web.portal.together import Together
from controlplane.web.portal.visits import Visit
from controlplane.web.portal.voicemail_actions import Told
from controlplane.web.portal.voicemail_query import SHOWN, Query
from controlplane.web.portal.voicemail_rows import Teller

_PAGE = 30
# Stands for the token of whoever asks; no caller can know it.
_TOKEN = secrets.token_hex(16)


async def page_values(
    visit: Visit, number: str, query: Query, *, rights: Rights | None = None
) -> dict[str, Any]:
    """Return what the page shows to who has these rights; None: to the visitor, whose rights are looked up.

    Raises NotFound `no-such-mailbox`, NotAllowed.
    """
    by = visit.person
    wanted, faults = query.wanted(by.time_zone, visit.words)
    found = await read_mailbox_page(
        visit.deps.db,
        by.tenant_id,
        number,
        wanted=wanted,
        limit=_PAGE,
        after=query.position(),
        member=visit.member,
        rights=rights,
    )
    teller = Teller(words=visit.words, time_zone=by.time_zone, now=visit.deps.clock())
    return {
        "faults": Faults(faults),
        "mailbox": found,
        "counted": COUNTED,
        "query": query,
        "shown": [each for each, states in SHOWN.items() if right_to_see(states) in found.rights],
        "rows": [teller.row(view, found.names, found.listeners) for view in found.page.items],
        "following": cursor_of(found.page),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePage:
    """What an open page takes over, of a mailbox as its address asks for it."""

    visit: Visit
    number: str
    query: Query

    async def text(self, rights: Rights) -> str:
        """Return it for who has these rights at the mailbox at this moment.

        It tells nothing of what was done: that is for the page that did it. Raises NotFound, NotAllowed.
        """
        visit = self.visit
        by = visit.person
        key = (by.tenant_id, self.number, rights, self.query, by.time_zone, visit.words.language)

        async def made() -> str:
            values = await page_values(visit, self.number, self.query, rights=rights)
            shared = {"t": visit.words, "csrf": _TOKEN, "live": True, "notice": None, "told": Told()}
            return visit.portal.render("voicemail.html", {**values, **shared, "sources": []})

        page = await _together_of(visit.request).get(key, made)
        return page.replace(_TOKEN, visit.csrf or "")


def _together_of(request: Request) -> Together[str]:
    return cast("Together[str]", request.app.state.together)
