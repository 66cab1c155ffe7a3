"""The simulator: what a caller to a number would meet at a moment, step by step, with what is heard."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import Request, Response
from pydantic import ValidationError

from controlplane.domain.errors import DomainError, NotFound
from controlplane.domain.message import ReachedBy
from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.hours import Hours
from controlplane.domain.routing.simulation import PhoneState, Simulation, Step
from controlplane.services.routing.announced import Said, announcements, audio_of, said_at, said_by_us
from controlplane.services.routing.simulating import simulate_call
from controlplane.web.api.schemas_simulate import SimulateQuery
from controlplane.web.audio import Audio, audio_response
from controlplane.web.etag import etag_of
from controlplane.web.portal.access import Inside
from controlplane.web.portal.addresses import PREFIX
from controlplane.web.portal.forms import Fault, Faults, faults_of, faults_of_schema
from controlplane.web.portal.object_pages import page_of
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.visits import Visit
from controlplane.web.portal.words import Words

router = page_router()
SIMULATOR: Final = f"{PREFIX}/simulator"
_OK, _WRONG = 200, 422
_HOURS: Final = {Hours.OPEN: "open", Hours.CLOSED: "closed", Hours.HOLIDAY: "holiday"}
_FIELDS: Final[Mapping[str, str]] = {"did": "number", "to": "number", "at": "date", "states": "others"}
"""Which field of the form a field of the REST API is asked for by."""
_MOST_PHONES: Final = 50
_PHONE, _FULL = "phone-", "full-"


@dataclass(frozen=True, slots=True, kw_only=True)
class _ToldStep:
    """A step in words; `audio` is where to hear what is said there, if it was spoken.

    `source` is the number for whose callers a mailbox greets so.
    """

    kind: str
    name: str
    number: str | None
    path: str | None
    hours: str | None
    rang: Sequence[tuple[str, str | None]]
    what: str
    words: str
    audio: str | None
    recorded: bool
    source: str


class _Asked:
    """What the address of the page asks; it fills in the form again."""

    def __init__(self, request: Request, now: datetime, zone: ZoneInfo) -> None:
        asked = {key: value.replace("\0", "")[:200].strip() for key, value in request.query_params.items()}
        self.number = asked.get("number", "")
        self.outside = asked.get("from") == "outside"
        self.caller = asked.get("caller", "")
        self.trunk = asked.get("trunk", "")
        local = now.astimezone(zone)
        self.date = asked.get("date") or local.date().isoformat()
        self.time = asked.get("time") or local.strftime("%H:%M")
        self.others = asked.get("others", PhoneState.UNANSWERED.value)
        self.keys = ",".join(asked.get("keys", "").replace(",", " ").split())
        self.phones = {key[len(_PHONE) :]: value for key, value in asked.items() if key.startswith(_PHONE)}
        self.full = [key[len(_FULL) :] for key in asked if key.startswith(_FULL)]
        self.is_asked = "number" in asked
        self._zone = zone

    def query(self) -> SimulateQuery:
        """Return it as the REST API takes it; raises ValidationError."""
        states = [f"{number}:{state}" for number, state in self.phones.items() if state]
        states += [f"{number}:full" for number in self.full]
        states.append(f"*:{self.others}")
        return SimulateQuery.model_validate(
            {
                "did" if self.outside else "to": self.number,
                "caller": self.caller,
                "trunk": self.trunk or None,
                "at": self._moment(),
                "states": ",".join(states),
                "keys": self.keys,
            }
        )

    def _moment(self) -> str:
        try:
            local = datetime.fromisoformat(f"{self.date}T{self.time}").replace(tzinfo=self._zone)
        except (ValueError, OverflowError):
            return f"{self.date}T{self.time}"
        # An offset of hours and minutes alone, as zones have had for a century.
        return local.isoformat(timespec="minutes") if local.year > 1999 else self.date  # noqa: PLR2004


@router.get(SIMULATOR)
async def simulator_page(visit: Inside) -> Response:
    """Show the form, and what a call would meet if one is asked for."""
    asked = _Asked(visit.request, visit.deps.clock(), ZoneInfo(visit.person.time_zone))
    if not asked.is_asked:
        return _page(visit, asked)
    try:
        call = asked.query().call(visit.deps.clock())
        found = await simulate_call(visit.deps.db, tenant_id=visit.person.tenant_id, call=call)
    except ValidationError as error:
        return _page(visit, asked, faults=_renamed(faults_of_schema(error, visit.words), visit.words))
    except DomainError as error:
        return _page(visit, asked, faults=_renamed(faults_of(error, visit.words), visit.words))
    heard = await announcements(visit.deps.db, tenant_id=visit.person.tenant_id, found=found, at=call.at)
    spoken = {place: await _address(visit, found, place, said, call.at) for place, said in heard.items()}
    return _page(visit, asked, found=found, heard=heard, spoken=spoken, at=call.at)


@router.get(f"{SIMULATOR}/audio")
async def simulator_audio(visit: Inside) -> Response:
    """Play what is said at a number, or a prompt."""
    asked = visit.request.query_params
    tenant_id, db = visit.person.tenant_id, visit.deps.db
    if "prompt" in asked:
        said = await said_by_us(db, tenant_id=tenant_id, key=asked["prompt"])
    else:
        number = asked.get("number", "").replace("\0", "")
        way, at = _way_asked(visit)
        said = await said_at(db, tenant_id=tenant_id, number=number, way=way, at=at)
    wav = await _wav(visit, said)
    if wav is None:
        raise NotFound("This is not spoken yet.", error_id="nothing-said")
    audio = Audio(source=wav, size=len(wav), media_type="audio/wav", etag=etag_of(1, wav))
    return audio_response(visit.request, audio, file_name="said.wav", cache_control="no-store")


async def _wav(visit: Visit, said: Said) -> bytes | None:
    try:
        return await audio_of(said, visit.deps.publisher.rendering.prompts)
    except OSError:
        # A file that went just now.
        return None


async def _address(visit: Visit, found: Simulation, place: int, said: Said, at: datetime) -> str | None:
    if await _wav(visit, said) is None:
        return None
    step = found.steps[place] if place < len(found.steps) else None
    if step is None or step.kind == NumberKind.CALL_QUEUE:
        query = {"prompt": getattr(said.utterance, "value", "")}
    else:
        way = json.dumps(found.way_to(place).to_json(), separators=(",", ":"))
        query = {"number": step.number or "", "way": way, "at": at.isoformat()}
    return f"{visit.portal.base}/simulator/audio?{urlencode(query)}"


def _way_asked(visit: Visit) -> tuple[ReachedBy, datetime]:
    """Return which way the call of an address came, and when; without them it came by none, and now."""
    asked = visit.request.query_params
    try:
        at = datetime.fromisoformat(asked["at"]).astimezone(UTC)
        return ReachedBy.from_json(json.loads(asked["way"])), at
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError, RecursionError):
        return ReachedBy(), visit.deps.clock()


def _renamed(faults: Faults, words: Words) -> Faults:
    """Say faults beside the fields of the form; the library's own sentences are in words of ours."""
    told = []
    for fault in faults:
        field = _FIELDS.get(fault.field, fault.field)
        key = f"simulator.wrong-{field}"
        told.append(Fault(field=field, text=words(key) if words.has(key) else fault.text))
    return Faults(told)


def _page(
    visit: Visit,
    asked: _Asked,
    *,
    faults: Faults | None = None,
    found: Simulation | None = None,
    heard: Mapping[int, Said] | None = None,
    spoken: Mapping[int, str | None] | None = None,
    at: datetime | None = None,
) -> Response:
    words, heard, spoken = visit.words, heard or {}, spoken or {}
    steps = [] if found is None else list(found.steps)
    rang = dict.fromkeys([*asked.phones, *(number for step in steps for number in step.rang)])
    rang.update(dict.fromkeys(s.number for s in steps if s.kind == NumberKind.EXTENSION and s.number))
    queues = dict.fromkeys([*asked.full, *(s.number for s in steps if s.kind == NumberKind.CALL_QUEUE)])
    return visit.page(
        "simulator.html",
        section="simulator",
        status=_WRONG if faults else _OK,
        faults=faults,
        asked=asked,
        steps=[
            _told(step, words, heard.get(place), spoken.get(place), steps[place + 1 :])
            for place, step in enumerate(steps)
        ],
        found=found,
        end=None if found is None else _end(found, words),
        end_words="" if len(steps) not in heard else heard[len(steps)].words,
        end_audio=spoken.get(len(steps)),
        at=None if at is None else words.moment(at, visit.person.time_zone),
        zone=visit.person.time_zone,
        waited=None if found is None or not found.seconds else words.count("wait.seconds", found.seconds),
        states=[(state.value, words(f"phone-states.{state.value}")) for state in PhoneState],
        phones=list(rang)[:_MOST_PHONES],
        queues=list(queues)[:_MOST_PHONES],
    )


def _told(
    step: Step, words: Words, said: Said | None, address: str | None, after: Sequence[Step]
) -> _ToldStep:
    return _ToldStep(
        kind=words(f"kinds.{step.kind}"),
        name=step.name,
        number=step.number,
        path=page_of(step.kind, step.number or step.name),
        hours=None if step.hours is None else words(f"simulator.hours-{_HOURS[step.hours]}"),
        rang=[(number, page_of(NumberKind.EXTENSION.value, number)) for number in step.rang],
        what=_went_on(step, words, is_last=not after),
        words="" if said is None else said.words,
        audio=address,
        recorded=said is not None and said.wav is not None,
        source="" if said is None else said.source,
    )


def _went_on(step: Step, words: Words, *, is_last: bool) -> str:
    """Say why the call went on, after how long, and where to."""
    parts = []
    if step.key:
        parts.append(words("simulator.pressed", key=step.key))
    if step.reason is not None and not (step.key and step.reason == "direct"):
        parts.append(words(f"reached-reasons.{step.reason.value}"))
    if step.seconds:
        parts.append(words("simulator.after", time=words.count("wait.seconds", step.seconds)))
    if step.next and step.next.isdecimal() and not is_last:
        parts.append(words("simulator.to", number=step.next))
    return " · ".join(parts)


def _end(found: Simulation, words: Words) -> str:
    if found.result == "hung_up":
        key = f"simulator.end-hung_up-{found.cause}"
        return words(key if words.has(key) else "simulator.end-hung_up-normal")
    return words(f"simulator.end-{found.result.value}", number=found.number or "")
