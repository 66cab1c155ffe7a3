"""What a call meets at a virtual receptionist, and how that comes to be heard."""

from __future__ import annotations

import asyncio
import io
import wave
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import numpy as np
import pytest
import soundfile
from controlplane.callflows.prompts import OwnWords
from controlplane.callflows.reception import Dialled
from controlplane.domain.routing.hours import Holiday, OfficeHours, TimeRange, Weekday
from controlplane.domain.routing.kinds import TENANT_HOURS, RoutingKind
from controlplane.jobs import speech as speech_jobs
from controlplane.services.receptionist_greetings import speak_missing, speak_receptionist
from controlplane.services.receptionists import ReceptionistService
from controlplane.services.routing.objects import create_object
from controlplane.services.speaking import Speech
from controlplane.speech.cache import PromptCache
from controlplane.speech.engines import SpeechUnavailable
from controlplane.speech.speaker import Speaker
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from controlplane.storage.recordings import RecordingStore
from procrastinate import App
from sqlalchemy import text
from tests.support.api import Api
from tests.support.speech_engines import HummingEngine

URL = "/api/v1/virtual-receptionists"
MONDAY_NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MONDAY_NIGHT = datetime(2026, 11, 23, 22, 0, tzinfo=UTC)
CHRISTMAS = datetime(2026, 12, 25, 12, 0, tzinfo=UTC)
SHOP_HOURS = OfficeHours(
    time_zone="UTC",
    week={Weekday.MONDAY: (TimeRange(start=time(9), end=time(17)),)},
    holidays=(Holiday(name="Christmas", first_day=CHRISTMAS.date(), last_day=CHRISTMAS.date()),),
)


def to(number: str) -> dict[str, Any]:
    """Return a destination in JSON."""
    return {"action": "forward_to_number", "number": number}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return where greetings are found."""
    return tmp_path / "greetings"


@pytest.fixture
def receptionists(database: Database, folder: Path) -> ReceptionistService:
    """Return the service."""
    return ReceptionistService(database=database, greetings=folder, languages=["en", "de"])


@pytest.fixture
async def extensions(client: httpx.AsyncClient) -> None:
    """Make extensions 101, 1012, 102 and 205."""
    for number in ("101", "1012", "102", "205"):
        made = await client.post("/api/v1/extensions", json={"number": number, "display_name": number})
        assert 201 == made.status_code, made.text


async def make(client: httpx.AsyncClient, **fields: Any) -> UUID:
    """Make the receptionist 6000; return its id."""
    answer = await client.post(URL, json={"number": "6000", "display_name": "Main", **fields})
    assert 201 == answer.status_code, answer.text
    return UUID(answer.json()["id"])


async def tenant_of(api: Api) -> UUID:
    """Return the id of the tenant `default`."""
    (row,) = api.rows("SELECT id FROM tenants WHERE name = 'default'")
    return UUID(str(row["id"]))


async def test_a_receptionist_is_as_it_was_set(
    client: httpx.AsyncClient, receptionists: ReceptionistService, extensions: None
) -> None:
    """Keys as tokens, waits, and the standard words as long as nothing was spoken."""
    rules = [
        {"keys": "1", "destination": {"office_hours": to("101")}},
        {"keys": "0", "destination": {"office_hours": {"action": "repeat"}}},
        {"keys": "9", "destination": {"office_hours": {"action": "hangup"}}},
        {"keys": "8", "destination": {"office_hours": {"action": "forward_to_voicemail", "number": "101"}}},
    ]
    await client.post("/api/v1/mailboxes", json={"number": "8001", "display_name": "Alice", "pin": "290174"})
    owning = await client.put("/api/v1/extensions/101/rules", json={"mailbox": "8001"})
    assert 200 == owning.status_code, owning.text
    made = await make(
        client, keys=rules, greeting="Welcome.", language="de-AT", timeout=to("102"), call_failed=to("205")
    )
    found = await receptionists.reception(made, at=MONDAY_NOON)

    assert found is not None
    assert {"1": "101", "0": "repeat", "9": "hangup", "8": "8001"} == found.keys
    assert ("6000", "de", None, "102", "205", True, 2, 30, 3) == (
        found.number,
        found.language,
        found.greeting,
        found.timeout,
        found.call_failed,
        found.dial_extensions,
        found.digit_gap_seconds,
        found.timeout_seconds,
        found.timeout_repeats,
    )


async def test_the_language_is_the_tenants_without_one(
    client: httpx.AsyncClient, receptionists: ReceptionistService
) -> None:
    """`null` is the tenant's."""
    made = await make(client)
    found = await receptionists.reception(made, at=MONDAY_NOON)

    assert found is not None
    assert "en" == found.language


async def test_nobody_else_is_a_receptionist(
    client: httpx.AsyncClient, receptionists: ReceptionistService
) -> None:
    """Neither one that was deleted nor a ring group."""
    made = await make(client)
    await client.delete(f"{URL}/6000")
    group = await client.post("/api/v1/ring-groups", json={"number": "6100", "display_name": "Sales"})

    assert None is await receptionists.reception(made, at=MONDAY_NOON)
    assert None is await receptionists.reception(UUID(group.json()["id"]), at=MONDAY_NOON)


@pytest.mark.parametrize("name", [TENANT_HOURS, "shop"])
async def test_keys_lead_where_the_hours_say(  # noqa: PLR0917 (fixtures)
    api: Api,
    client: httpx.AsyncClient,
    database: Database,
    jobs: Jobs,
    receptionists: ReceptionistService,
    extensions: None,
    name: str,
) -> None:
    """In office hours, outside and on holidays, by the tenant's schedule or one of its own."""
    await create_object(
        database,
        jobs,
        tenant_id=await tenant_of(api),
        kind=RoutingKind.OFFICE_HOURS,
        number=None,
        name=name,
        settings=SHOP_HOURS,
        by="tests",
    )
    destination = {"office_hours": to("101"), "outside_hours": to("102"), "holidays": to("205")}
    made = await make(
        client,
        keys=[{"keys": "1", "destination": destination}],
        office_hours=None if name == TENANT_HOURS else name,
    )
    led = [await receptionists.reception(made, at=at) for at in (MONDAY_NOON, MONDAY_NIGHT, CHRISTMAS)]

    assert ["101", "102", "205"] == [one.keys["1"] for one in led if one is not None]


@pytest.mark.parametrize(
    ("digits", "is_extension", "may_go_on"),
    [
        ("1", False, True),
        ("10", False, True),
        ("101", True, True),
        ("1012", True, False),
        ("102", True, False),
        ("103", False, False),
        ("2", False, True),
        ("3", False, False),
    ],
)
async def test_digits_are_looked_up_among_the_extensions(
    api: Api,
    receptionists: ReceptionistService,
    extensions: None,
    *,
    digits: str,
    is_extension: bool,
    may_go_on: bool,
) -> None:
    """Whether they are one, and whether they begin a longer one."""
    found = await receptionists.dialled(await tenant_of(api), digits)

    assert Dialled(is_extension=is_extension, may_go_on=may_go_on) == found


async def test_other_numbers_and_other_tenants_are_not_dialled(
    api: Api, client: httpx.AsyncClient, receptionists: ReceptionistService, extensions: None
) -> None:
    """A mailbox is no extension, and an extension is one of its own tenant alone."""
    await client.post("/api/v1/mailboxes", json={"number": "8001", "display_name": "Sales", "pin": "290174"})

    assert Dialled(is_extension=False, may_go_on=False) == await receptionists.dialled(
        await tenant_of(api), "8001"
    )
    assert Dialled(is_extension=False, may_go_on=False) == await receptionists.dialled(UUID(int=9), "101")


# What it says.


@pytest.fixture
def engine() -> HummingEngine:
    """Return an engine that hums."""
    return HummingEngine()


@pytest.fixture
def speech(tmp_path: Path, engine: HummingEngine) -> Speech:
    """Return speech into an empty cache."""
    cache = PromptCache(tmp_path / "prompts", voices=lambda _language: [engine.voice])
    return Speech(Speaker(cache, engines=lambda _language: [engine]))


def recording() -> bytes:
    """Return two seconds of a tone."""
    content = io.BytesIO()
    sound = 0.3 * np.sin(np.arange(16_000) / 3)
    soundfile.write(content, sound, 8000, subtype="PCM_16", format="WAV")
    return content.getvalue()


async def test_its_text_is_spoken(
    client: httpx.AsyncClient,
    database: Database,
    speech: Speech,
    folder: Path,
    receptionists: ReceptionistService,
) -> None:
    """All sentences are in one file, and calls find it."""
    made = await make(client, greeting="Welcome. For Sales, press 1.")
    await speak_receptionist(database, speech, made, folder)
    found = await receptionists.reception(made, at=MONDAY_NOON)

    assert found is not None
    assert folder / f"{made}.wav" == found.greeting
    parts = speech.cache.files(OwnWords(text="Welcome. For Sales, press 1."), "en")
    assert 2 == len(parts)
    assert _frames(folder / f"{made}.wav") == sum(map(_frames, parts)) + 2000


def _frames(path: Path) -> int:
    with wave.open(str(path)) as file:
        return file.getnframes()


async def test_a_new_text_replaces_the_old_one_and_none_takes_it_away(
    client: httpx.AsyncClient, database: Database, speech: Speech, folder: Path
) -> None:
    """Changed: other words; taken back: the standard words; a second run changes nothing."""
    made = await make(client, greeting="Welcome.")
    await speak_receptionist(database, speech, made, folder)
    before = (folder / f"{made}.wav").read_bytes()
    await client.patch(f"{URL}/6000", json={"greeting": "Welcome to the shop."})
    await speak_receptionist(database, speech, made, folder)
    await speak_receptionist(database, speech, made, folder)
    assert before != (folder / f"{made}.wav").read_bytes()
    await client.patch(f"{URL}/6000", json={"greeting": None})
    await speak_receptionist(database, speech, made, folder)

    assert [] == list(folder.iterdir())


async def test_a_recording_wins_until_it_is_removed(
    client: httpx.AsyncClient, database: Database, speech: Speech, folder: Path
) -> None:
    """The text is said again afterwards."""
    made = await make(client, greeting="Welcome.")
    await speak_receptionist(database, speech, made, folder)
    spoken = (folder / f"{made}.wav").read_bytes()
    await client.put(f"{URL}/6000/greeting", content=recording())
    await speak_receptionist(database, speech, made, folder)
    recorded = (folder / f"{made}.wav").read_bytes()
    assert (await client.get(f"{URL}/6000/greeting")).content == recorded != spoken
    await client.delete(f"{URL}/6000/greeting")
    await speak_receptionist(database, speech, made, folder)

    assert spoken == (folder / f"{made}.wav").read_bytes()


async def test_the_greeting_of_a_deleted_receptionist_goes(
    client: httpx.AsyncClient, database: Database, speech: Speech, folder: Path
) -> None:
    """Twice is no error."""
    made = await make(client, greeting="Welcome.")
    await speak_receptionist(database, speech, made, folder)
    await client.delete(f"{URL}/6000")
    await speak_receptionist(database, speech, made, folder)
    await speak_receptionist(database, speech, made, folder)

    assert [] == list(folder.iterdir())


async def test_a_greeting_that_is_lost_is_made_again(  # noqa: PLR0917 (fixtures)
    client: httpx.AsyncClient,
    database: Database,
    queue_app: App,
    jobs: Jobs,
    speech: Speech,
    engine: HummingEngine,
    folder: Path,
) -> None:
    """Text and recording alike, also beside one that cannot be spoken; who has neither is left alone."""
    spoken = await make(client, greeting="Welcome.")
    made = [await client.post(URL, json={"number": n, "display_name": "Shop"}) for n in ("6001", "6002")]
    await client.put(f"{URL}/6001/greeting", content=recording())
    await make(client, number="6003", greeting="Unspeakable.")
    engine.broken = frozenset({"Unspeakable."})
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM procrastinate_jobs"))
    speech_jobs.register(
        queue_app, database, speech, jobs=jobs, greetings=folder, recordings=RecordingStore(folder)
    )
    counts = []
    for _ in range(2):
        counts.append(await speak_missing(database, jobs, folder))
        async with asyncio.timeout(20):
            await queue_app.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)

    assert [3, 1] == counts
    assert {f"{spoken}.wav", f"{made[0].json()['id']}.wav"} == {path.name for path in folder.iterdir()}


async def test_the_old_greeting_stays_when_the_engine_fails(
    client: httpx.AsyncClient, database: Database, speech: Speech, engine: HummingEngine, folder: Path
) -> None:
    """The job fails and is tried again; until then callers hear what they heard."""
    made = await make(client, greeting="Welcome.")
    await speak_receptionist(database, speech, made, folder)
    before = (folder / f"{made}.wav").read_bytes()
    await client.patch(f"{URL}/6000", json={"greeting": "Other words."})
    engine.broken = frozenset({"Other words."})

    with pytest.raises(SpeechUnavailable):
        await speak_receptionist(database, speech, made, folder)
    assert before == (folder / f"{made}.wav").read_bytes()


async def test_the_language_of_the_tenant_is_followed(api: Api, client: httpx.AsyncClient) -> None:
    """When it changes, receptionists without one of their own are spoken again."""
    made = await make(client, greeting="Welcome.")
    await client.post(URL, json={"number": "6001", "display_name": "Shop", "language": "en"})
    api.jobs()
    system = api.client(await api.token(None))
    await system.patch("/api/v1/tenants/default", json={"language": "de"})
    spoken = [args["receptionist_id"] for name, args in api.jobs() if name == "speech.receptionist"]
    await system.aclose()

    assert [str(made)] == spoken


async def test_the_worker_speaks_what_is_queued(  # noqa: PLR0917 (fixtures)
    client: httpx.AsyncClient,
    database: Database,
    speech: Speech,
    jobs: Jobs,
    queue_app: App,
    folder: Path,
) -> None:
    """The job `speech.receptionist` places the greeting."""
    speech_jobs.register(
        queue_app, database, speech, jobs=jobs, greetings=folder, recordings=RecordingStore(folder)
    )
    made = await make(client, greeting="Welcome.")
    async with asyncio.timeout(20):
        await queue_app.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)

    assert (folder / f"{made}.wav").is_file()
