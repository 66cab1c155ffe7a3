"""The pages of trunks: the providers who send calls, and how each is now. Only system admins change them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Response
from markupsafe import Markup

from controlplane.domain.routing.kinds import RoutingKind
from controlplane.domain.routing.trunk import DidIn
from controlplane.domain.routing.trunk_state import TrunkState
from controlplane.services.routing.object_lists import OrderedObject
from controlplane.services.routing.objects import list_objects
from controlplane.services.trunk_states import ShownState, state_of, states_of
from controlplane.web.api.schemas_trunks import TrunkIn, TrunkOut, TrunkPatch
from controlplane.web.errors import Forbidden
from controlplane.web.paging import MAX_LIMIT
from controlplane.web.portal.access import Inside
from controlplane.web.portal.form_fields import Choice, Figure, Line, Secret, Tick
from controlplane.web.portal.named_delete_page import add_named_delete
from controlplane.web.portal.object_kinds import Details, ObjectPages, Owners
from controlplane.web.portal.object_page import add_form
from controlplane.web.portal.objects_page import add_list
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.routing_life import RoutingLife
from controlplane.web.portal.text_fields import Listed
from controlplane.web.portal.visits import Visit
from controlplane.web.portal.words import Words
from controlplane.web.portal.wrongs import Wrong

SECONDS: Final = 1.5
"""So long the switch has for an answer while somebody waits for a page; a page that is open asks again."""
_NOTHING_NEW: Final = 204
_PLAIN: Final[Mapping[str, str]] = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}
_KINDS: Final[Mapping[TrunkState, str]] = {TrunkState.REGISTERED: "good", TrunkState.FAILED: "bad"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StateInWords:
    """How a trunk is now: a word, its colour, a sentence, and `more`, which may change by the second."""

    kind: str
    word: str
    text: str
    more: str

    @property
    def seen(self) -> str:
        """What an open page has, so that nothing is read out again that is as it was."""
        return f"{self.word} {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkLife(RoutingLife):
    """The life of trunks: as in the REST API, only who looks after the whole system changes them."""

    def check(self, body: Mapping[str, Any]) -> list[Wrong]:
        """Check by the schema and the rules; a password that is not sent stays, and is looked at then."""
        kept = "password" not in body
        return [wrong for wrong in RoutingLife.check(self, body) if not (kept and wrong.field == "password")]

    async def create(self, visit: Visit, body: Mapping[str, Any]) -> Details:
        """Make a trunk; raises Forbidden."""
        _system_only(visit)
        return await RoutingLife.create(self, visit, body)

    async def update(
        self, visit: Visit, key: str, changes: Mapping[str, Any], *, whole: Mapping[str, Any], version: int
    ) -> Details:
        """Change it; raises Forbidden."""
        _system_only(visit)
        return await RoutingLife.update(self, visit, key, changes, whole=whole, version=version)

    async def delete(self, visit: Visit, key: str) -> None:
        """Delete it; raises Forbidden."""
        _system_only(visit)
        await RoutingLife.delete(self, visit, key)


def _system_only(visit: Visit) -> None:
    if not visit.person.system:
        raise Forbidden("This is for system admins.", error_id="not-allowed")


def in_words(state: ShownState, words: Words, time_zone: str) -> StateInWords:
    """Say how a trunk is."""
    key = f"{state.state}-text" if state.failure is None else f"failed-{state.failure}"
    code = "" if state.sip_code is None else f" ({state.sip_code})"
    more = []
    if state.retry_seconds is not None:
        more.append(words.count("trunk-state.retry", state.retry_seconds))
    if state.since is not None:
        more.append(words("trunk-state.since", at=words.moment(state.since, time_zone)))
    return StateInWords(
        kind=_KINDS.get(state.state, "quiet"),
        word=words(f"trunk-state.{state.state}"),
        text=words(f"trunk-state.{key}", code=code),
        more=" ".join(more),
    )


def _provider(settings: Any, words: Words, owners: Owners) -> str:
    del words, owners
    return settings.host or ", ".join(settings.addresses[:2])


async def _cells(visit: Visit, found: Sequence[OrderedObject]) -> Mapping[str, Sequence[str]]:
    """Return how the trunks of a list are now; the switch is asked once for all of them."""
    page = await list_objects(
        visit.deps.db,
        tenant_id=visit.person.tenant_id,
        kind=RoutingKind.TRUNK,
        q=None,
        limit=MAX_LIMIT,
        after=None,
    )
    keys = {one.key for one in found}
    trunks = [one for one in page.items if one.name in keys]
    states = await states_of(visit.deps.db, visit.deps.registrations, trunks=trunks, seconds=SECONDS)
    shown = {one.name: in_words(states[one.id], visit.words, visit.person.time_zone) for one in trunks}
    return {name: (_badge(one),) for name, one in shown.items()}


def _badge(state: StateInWords) -> str:
    return Markup('<span class="badge {}">{}</span>').format(state.kind, state.word)


async def _more(visit: Visit, details: Details | None) -> Mapping[str, Any]:
    """Return the state of a trunk for its page."""
    return {"state": None if details is None else await _state(visit, details.key)}


async def _state(visit: Visit, name: str) -> StateInWords:
    found = await state_of(
        visit.deps.db,
        visit.deps.registrations,
        tenant_id=visit.person.tenant_id,
        name=name,
        seconds=SECONDS,
    )
    return in_words(found, visit.words, visit.person.time_zone)


TRUNKS: Final = ObjectPages(
    plural="trunks",
    word="trunk",
    life=TrunkLife(kind=RoutingKind.TRUNK, new=TrunkIn, patch=TrunkPatch, out=TrunkOut),
    fields={
        "addresses": Listed(more=_PLAIN),
        "host": Line(optional=True, more={**_PLAIN, "maxlength": "253", "inputmode": "url"}),
        "username": Line(optional=True, more={**_PLAIN, "maxlength": "64"}),
        "password": Secret(),
        "port": Figure(),
        "did_in": Choice(values=tuple(one.value for one in DidIn)),
        "enabled": Tick(),
    },
    known=("addresses", "host", "username", "password"),
    columns={"provider": _provider},
    new=TrunkIn(name="x").model_dump(mode="json", exclude={"name", "password"}),
    more_columns=("state",),
    more_cells=_cells,
    live=True,
    system_only=True,
    template="trunk.html",
    symbol="trunk",
    more=_more,
)
router = page_router()
add_list(router, TRUNKS)
add_form(router, TRUNKS)
add_named_delete(router, TRUNKS)


@router.get(f"{TRUNKS.route}/{{key}}/state")
async def trunk_state(visit: Inside, key: str) -> Response:
    """Show how a trunk is now; an open page asks again and again, and is told what it has not seen."""
    state = await _state(visit, key.replace("\0", "\ufffd"))
    if visit.by_htmx and visit.request.query_params.get("seen") == state.seen:
        return Response(status_code=_NOTHING_NEW)
    return visit.page("trunk_state.html", section=TRUNKS.plural, key=key, state=state)
