"""What is changed by phone: in the database, the audit log, and what calls hear."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import httpx
import pytest
from controlplane.callflows.prompts import Greeting, Prompt
from controlplane.domain.errors import InvalidValue, Unavailable
from controlplane.domain.mailbox import Mailbox
from controlplane.domain.pin import Pin
from controlplane.services.phone_options import PhoneOptions
from controlplane.services.speaking import speak_greeting
from controlplane.storage import mailboxes
from controlplane.storage.database import Database
from tests.support.api import Api
from tests.support.greetings import humming, recording

URL = "/api/v1/mailboxes/8001"
BY = "extension 101 (user alice)"
WAV = {"Content-Type": "audio/wav"}


async def stored(database: Database, mailbox: httpx.Response) -> Mailbox:
    """Return the mailbox as a call meets it."""
    async with database.connection() as connection:
        found = await mailboxes.called(connection, UUID(mailbox.json()["id"]), ["en", "de"])
    assert found is not None
    return found


@pytest.fixture
def options(api: Api) -> PhoneOptions:
    """Return the changes by phone over the database of the API."""
    deps = api.deps
    return PhoneOptions(
        database=deps.db, jobs=deps.jobs, hasher=deps.hasher, pin_policy=deps.pin_policy, clock=deps.clock
    )


@pytest.fixture
def spoken(tmp_path: Path) -> Path:
    """Return what somebody spoke."""
    path = tmp_path / "spoken.wav"
    path.write_bytes(recording(2))
    return path


async def test_a_greeting_is_that_of_the_mailbox_and_goes_again(
    client: httpx.AsyncClient,
    mailbox: httpx.Response,
    options: PhoneOptions,
    api: Api,
    spoken: Path,
) -> None:
    """As if it were uploaded; back to the standard one takes a text away too. Both are in the audit log."""
    await client.patch(URL, json={"greeting": "Old words."})
    box = await stored(api.deps.db, mailbox)

    kept = await options.keep_greeting(box, spoken, by=BY)
    (own,) = (await client.get(f"{URL}/greetings")).json()["items"]
    await options.standard_greeting(box, by=BY)
    (after,) = (await client.get(f"{URL}/greetings")).json()["items"]

    assert (True, BY, 2.0) == (kept, own["recording"]["recorded_by"], own["recording"]["seconds"])
    assert (None, None) == (after["greeting"], after["recording"])
    entries = (await client.get("/api/v1/audit", params={"way": "phone"})).json()["items"]
    assert [BY, BY] == [entry["author"] for entry in entries]
    assert {"8001"} == {entry["subject"] for entry in entries}
    assert ("speech.greeting", {"mailbox_id": mailbox.json()["id"]}) in api.jobs()


async def test_a_name_is_heard_in_the_standard_sentence(
    client: httpx.AsyncClient,
    mailbox: httpx.Response,
    options: PhoneOptions,
    database: Database,
    tmp_path: Path,
) -> None:
    """Between two sentences, by calls and by the dialplan; taken away, the display name is spoken again."""
    speech, folder = humming(tmp_path / "prompts"), tmp_path / "greetings"
    box = await stored(database, mailbox)
    spoken = tmp_path / "name.wav"
    spoken.write_bytes(recording(2))
    assert await options.keep_name(box, spoken, by=BY)
    await speech.make([*speech.cache.texts(Prompt.YOU_HAVE_REACHED, "en")], "en")
    await speech.make([*speech.cache.texts(Prompt.GREETING_STANDARD, "en")], "en")
    await speak_greeting(database, speech, box.id, folder)
    named = await stored(database, mailbox)
    files = speech.cache.files(Greeting(display_name="Sales", name_recording=named.name_recording), "en")
    text = speech.cache.files(
        Greeting(display_name="Sales", text="Hello.", name_recording=named.name_recording), "en"
    )
    got = await client.get(f"{URL}/spoken-name")
    own_file = (folder / f"{box.id}.wav").read_bytes()
    await options.standard_name(named, by=BY)
    await options.standard_name(named, by=BY)

    assert 3 == len(files)
    assert got.content == files[1].read_bytes()
    assert files[1] not in text
    assert len(own_file) > len(got.content)
    assert (await stored(database, mailbox)).name_recording is None
    assert (404, "no-name-recorded") == (
        (await client.get(f"{URL}/spoken-name")).status_code,
        (await client.delete(f"{URL}/spoken-name")).json()["error_id"],
    )


async def test_a_name_is_set_over_rest(client: httpx.AsyncClient, mailbox: httpx.Response) -> None:
    """Ten seconds at most; it is no greeting, and greetings leave it alone."""
    too_long = await client.put(f"{URL}/spoken-name", content=recording(11), headers=WAV)
    made = await client.put(f"{URL}/spoken-name", content=recording(1), headers=WAV)
    await client.put(f"{URL}/greeting", content=recording(2), headers=WAV)
    listed = (await client.get(f"{URL}/greetings")).json()["items"]
    gone = await client.delete(f"{URL}/spoken-name")

    assert (422, "name-too-long") == (too_long.status_code, too_long.json()["error_id"])
    assert (204, 204, 1) == (made.status_code, gone.status_code, len(listed))
    assert 200 == (await client.get(f"{URL}/greeting")).status_code


async def test_silence_is_no_greeting(
    mailbox: httpx.Response, options: PhoneOptions, database: Database, tmp_path: Path
) -> None:
    """Neither is what cannot be read; nothing is changed."""
    silent, broken = tmp_path / "silent.wav", tmp_path / "broken.wav"
    silent.write_bytes(recording(2, level=0))
    broken.write_bytes(b"RIFF")
    box = await stored(database, mailbox)

    for path in (silent, broken, tmp_path / "missing.wav"):
        assert not await options.keep_greeting(box, path, by=BY)
        assert not await options.keep_name(box, path, by=BY)

    assert box == await stored(database, mailbox)


async def test_the_pin_is_another_one(
    client: httpx.AsyncClient, mailbox: httpx.Response, options: PhoneOptions, api: Api, database: Database
) -> None:
    """The log says that it was set, by whom and how, and never what it is; a weak one changes nothing."""
    box = await stored(database, mailbox)
    before = api.rows("SELECT pin_hash FROM mailboxes")[0]["pin_hash"]
    with pytest.raises(InvalidValue):
        await options.change_pin(box, Pin("1111"), by=BY)
    same = api.rows("SELECT pin_hash FROM mailboxes")[0]["pin_hash"]
    await options.change_pin(box, Pin("508213"), by=BY)
    after = api.rows("SELECT pin_hash FROM mailboxes")[0]["pin_hash"]
    (entry,) = (await client.get("/api/v1/audit", params={"way": "phone"})).json()["items"]

    assert before == same != after
    assert (BY, "changed", ["pin"]) == (entry["author"], entry["action"], entry["secrets"])
    assert "508213" not in str(entry)
    assert await api.deps.hasher.verify(after, Pin("508213"))


async def test_a_mailbox_that_was_deleted_meanwhile_is_changed_by_nobody(
    client: httpx.AsyncClient,
    mailbox: httpx.Response,
    options: PhoneOptions,
    database: Database,
    spoken: Path,
) -> None:
    """The caller is told as of any fault."""
    box = await stored(database, mailbox)
    await client.delete(URL)

    await _refused(options, box, spoken)


async def test_a_new_mailbox_with_the_same_number_is_changed_by_nobody(
    *,
    client: httpx.AsyncClient,
    mailbox: httpx.Response,
    options: PhoneOptions,
    database: Database,
    spoken: Path,
    api: Api,
) -> None:
    """It is another team's: who was let in to the one before has no right there, and its locks stay."""
    before = await stored(database, mailbox)
    await client.delete(URL)
    made = await client.post(
        "/api/v1/mailboxes",
        json={"number": "8001", "display_name": "Others", "pin": "739182", "greeting": "Hello from others."},
    )
    await client.put(f"{URL}/spoken-name", content=recording(1), headers=WAV)
    box, row = await stored(database, made), api.rows("SELECT * FROM mailboxes WHERE deleted_at IS NULL")
    audited = api.rows("SELECT count(*) FROM audit_entries")

    await _refused(options, before, spoken)

    assert 201 == made.status_code
    assert box == await stored(database, made)
    assert row == api.rows("SELECT * FROM mailboxes WHERE deleted_at IS NULL")
    assert audited == api.rows("SELECT count(*) FROM audit_entries")


async def _refused(options: PhoneOptions, box: Mailbox, spoken: Path) -> None:
    """Try each change of a mailbox that is not there any more."""
    for change in (
        options.keep_greeting(box, spoken, by=BY),
        options.keep_name(box, spoken, by=BY),
        options.standard_greeting(box, by=BY),
        options.standard_name(box, by=BY),
        options.change_pin(box, Pin("508213"), by=BY),
    ):
        with pytest.raises(Unavailable):
            await change
