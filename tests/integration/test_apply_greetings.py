"""Greetings of kinds in the file of a tenant: changed, taken away, refused with their fields."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from controlplane.apply.faults import RefusedFile
from controlplane.apply.plan import FieldChange
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from tests.support.api import Api
from tests.support.applying import Applier, applier
from tests.support.greetings import recording

URL = "/api/v1/mailboxes/8001"
TEAM = """\
mailboxes:
  - number: 8001
    display_name: Team
    kind_greetings:
      - {kind: closed, greeting: We are closed.}
      - {kind: busy, source: 6100, language: de, greeting: Alle sprechen.}
"""


@pytest.fixture
def applies(database: Database, jobs: Jobs) -> Iterator[Applier]:
    """Return what applies files."""
    with applier(database, jobs) as made:
        yield made


async def test_greetings_of_kinds_are_as_the_file_says(
    applies: Applier, client: httpx.AsyncClient, api: Api
) -> None:
    """Made, the same again, changed, taken away; they are spoken each time, and recordings stay."""

    async def of_kinds() -> list[tuple[str, str, str | None, str]]:
        listed = (await client.get(URL)).json()["kind_greetings"]
        return [(one["kind"], one["source"], one["language"], one["greeting"]) for one in listed]

    await applies.apply(TEAM)
    made, spoken_first = await of_kinds(), [name for name, _ in api.jobs()]
    recorded = {"kind": "busy", "source": "6100", "language": "de"}
    sent = await client.put(
        f"{URL}/greeting", params=recorded, content=recording(), headers={"Content-Type": "audio/wav"}
    )
    api.jobs()
    again = await applies.plan(TEAM)
    changed = await applies.apply(TEAM.replace("We are closed.", "Closed until Monday."))
    changed_to, spoken_then = await of_kinds(), [name for name, _ in api.jobs()]
    await applies.apply("mailboxes: [{number: 8001, display_name: Team}]")
    left = await client.get(f"{URL}/greetings")
    sound = await client.get(f"{URL}/greeting", params=recorded)

    busy = ("busy", "6100", "de", "Alle sprechen.")
    assert [("closed", "", None, "We are closed."), busy] == made
    assert (204, ()) == (sent.status_code, again.objects)
    assert [("closed", "", None, "Closed until Monday."), busy] == changed_to
    ((change,),) = [one.changes for one in changed.plan.objects]
    assert isinstance(change, FieldChange)
    assert ("kind_greetings[0].greeting", '"We are closed."', '"Closed until Monday."') == (
        change.field,
        change.old,
        change.new,
    )
    assert ("speech.greeting" in spoken_first, ["speech.greeting"]) == (True, spoken_then)
    assert [] == await of_kinds()
    assert [("standard", False), ("busy", True)] == [
        (one["kind"], one["recording"] is not None) for one in left.json()["items"]
    ]
    assert 200 == sound.status_code


async def test_all_that_is_wrong_with_greetings_is_told_at_once(
    applies: Applier, client: httpx.AsyncClient
) -> None:
    """Each with its line, its field and what to write instead; nothing is changed."""
    await applies.apply(TEAM)
    text = """\
mailboxes:
  - number: 8001
    display_name: Team
    kind_greetings:
      - {kind: closed, greeting: We are closed.}
      - {kind: temporary, greeting: At the fair.}
      - {kind: busy, greeting: Busy., last_day: 2026-12-24}
      - {kind: standard, greeting: Hello.}
      - {kind: busy, language: xx, greeting: Busy.}
      - {kind: closed, greeting: Closed.}
      - {kind: holiday, greeting: "  "}
"""
    with pytest.raises(RefusedFile) as by_rules:
        await applies.plan(text)
    with pytest.raises(RefusedFile) as by_form:
        await applies.plan(
            """\
mailboxes:
  - number: 8001
    display_name: Team
    kind_greetings:
      - {kind: lunch, greeting: At lunch.}
      - {kind: temporary, greeting: At the fair., last_day: 2026-02-30}
      - {kind: busy, source: sales, greeting: Busy.}
      - {kind: busy}
      - {kind: busy, text: Busy., greeting: Busy.}
"""
        )

    assert [
        (6, "mailboxes[0].kind_greetings[1].last_day"),
        (7, "mailboxes[0].kind_greetings[2].last_day"),
        (8, "mailboxes[0].kind_greetings[3].kind"),
        (9, "mailboxes[0].kind_greetings[4].language"),
        (10, "mailboxes[0].kind_greetings[5].kind"),
        (11, "mailboxes[0].kind_greetings[6].greeting"),
    ] == [(fault.line, fault.path) for fault in by_rules.value.faults]
    assert "A temporary greeting needs the last day on which it is heard." == (
        by_rules.value.faults[0].sentence
    )
    assert [
        (5, "mailboxes[0].kind_greetings[0].kind"),
        (6, "mailboxes[0].kind_greetings[1].last_day"),
        (7, "mailboxes[0].kind_greetings[2].source"),
        (8, "mailboxes[0].kind_greetings[3].greeting"),
        (9, "mailboxes[0].kind_greetings[4].text"),
    ] == [(fault.line, fault.path) for fault in by_form.value.faults]
    assert all(fault.sentence for fault in by_form.value.faults)
    kept = (await client.get(URL)).json()["kind_greetings"]
    assert ["We are closed.", "Alle sprechen."] == [one["greeting"] for one in kept]
