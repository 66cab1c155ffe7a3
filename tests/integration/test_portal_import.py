"""Files in the portal: looked over, imported, and exported."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest
from controlplane.apply.exporting import export_file
from controlplane.storage.database import Database
from controlplane.web.app import give
from tests.support.api import MAX_BODY, Api
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.portal import ORIGIN, Browser, Shown, make_user

PAGE = "/portal/import"
GOOD = "number,display_name,pin\r\n8100,Support,290174\r\n8101,Workshop,290175\r\n"
BAD = "number;display_name;pin\r\n8100;Support;1\r\n81;Workshop;290175\r\n8101;Night;290174\r\n"


async def _send(
    browser: Browser, text: str | bytes, *, do: str = "check", name: str = "boxes.csv", **fields: str
) -> Shown:
    """Choose a file in the page that is shown, and press a button."""
    form = browser.shown.form("/import")
    content = text.encode() if isinstance(text, str) else text
    browser.answer = await browser.client.post(
        PAGE,
        data={**form.fields, "do": do, **fields},
        files={"file": (name, content, "text/csv")},
        headers={"Origin": ORIGIN},
    )
    browser.shown = Shown(browser.answer.text)
    return browser.shown


async def test_file_is_looked_over_and_imported(api: Api, bob: Browser) -> None:
    """Nothing changes before it is said so; then all of it, as the REST API does, by this person."""
    await bob.open(PAGE)
    looked = (await _send(bob, GOOD)).text
    before = api.rows("SELECT number FROM mailboxes")
    checked = next(one["value"] for one in bob.shown.with_attribute("name") if one["name"] == "checked")
    done = (await _send(bob, GOOD, do="import", checked=checked)).text
    again = (await _send(bob, "number,display_name\r\n8100,Support\r\n8101,Night\r\n")).text

    assert "boxes.csv: what would become of it 2 would be new." in looked
    assert [] == before
    assert "boxes.csv is imported 2 are new." in done
    assert "/portal/mailboxes/8100" in {one["href"] for one in bob.shown.with_attribute("href")}
    assert "1 would be changed. 1 stays as it is." in again
    assert {("8100", "user bob"), ("8101", "user bob")} == {
        (row["number"], row["updated_by"]) for row in api.rows("SELECT number, updated_by FROM mailboxes")
    }
    assert "290174" not in looked + done


async def test_another_file_is_not_imported(api: Api, bob: Browser) -> None:
    """What was not looked over is looked over first: another file, one of another kind, or none before."""
    await bob.open(PAGE)
    await _send(bob, GOOD)
    checked = next(one["value"] for one in bob.shown.with_attribute("name") if one["name"] == "checked")
    told = [
        (await _send(bob, GOOD.replace("Support", "Other"), do="import", checked=checked)).text,
        (await _send(bob, GOOD, do="import", checked="")).text,
        (
            await _send(
                bob, "number,display_name\r\n101,A\r\n", do="import", checked=checked, what="extensions"
            )
        ).text,
    ]

    assert all("Nothing was imported: this is not the file" in text for text in told)
    assert ([], []) == (api.rows("SELECT 1 FROM mailboxes"), api.rows("SELECT 1 FROM extensions"))


async def test_refused_rows_say_why(bob: Browser) -> None:
    """Each with its field and what to do, the refused ones first; the file cannot be imported so."""
    await bob.open(PAGE)
    text = (await _send(bob, BAD)).text

    assert "2 rows are refused. 1 would be new." in text
    assert "2 8100 Refused PIN Number: The PIN is too short: 4 digits at least." in text
    assert "3 81 Refused Extension Number: A number has 3 to 64 digits and nothing else. 4 8101 New" in text
    assert "Mend the rows that are refused" in text
    assert "checked" not in {one["name"] for one in bob.shown.with_attribute("name")}


async def test_refused_rows_say_why_in_german(api: Api) -> None:
    """No sentence of the REST API stands in a German page; that of the file itself is told so too."""
    await make_user(api, "uwe", tenant="default")
    text = (
        "number,display_name,pin,language,enabled,email_recipients,min_message_seconds,say_datetime\r\n"
        "8100,Support,1,xx-,perhaps,nobody,soon,often\r\n8100,Support,290174,,,,,\r\n81,,,,,,,\r\n"
    )
    async with Browser(api, language="de") as uwe:
        await uwe.sign_in("uwe")
        await uwe.open(PAGE)
        said = (await _send(uwe, text)).text
        rules = "number,display_name,busy\r\n101,Ann,perhaps\r\n102,Ben,7777\r\n"
        rules_said = (await _send(uwe, rules, what="extensions")).text
        file_said = (await _send(uwe, b"\xff\xfe")).text

    assert [] == [word for word in (" is ", "This ", "There ", " has ") if word in said + rules_said]
    assert "In Zeile 2 geht es um dasselbe." in said
    assert "Diese Nummer hat nichts." in rules_said
    assert "Ein Ziel ist eine Nummer" in rules_said
    assert "Die Datei ist nicht UTF-8." in file_said


async def test_made_passwords_are_shown_once(api: Api, bob: Browser) -> None:
    """Of new extensions that came without one; and they open the phone's account."""
    await bob.open(PAGE)
    text = "number,display_name\r\n101,Alice\r\n102,Bob\r\n"
    await _send(bob, text, what="extensions")
    checked = next(one["value"] for one in bob.shown.with_attribute("name") if one["name"] == "checked")
    await _send(bob, text, do="import", checked=checked, what="extensions")
    shown = bob.answer.text
    await bob.open(PAGE)

    assert "number,sip_password" in shown
    assert shown.count("\n101,") == shown.count("\n102,") == 1
    assert "number,sip_password" not in bob.answer.text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe", "not UTF-8"),
        (b"", "no header"),
        (b"colour\r\nred\r\n", "There is no column"),
        (b"number\r\n8100,too,many\r\n", "Row 2 has 3 cells"),
        (b'number\r\n"never ends', "cannot be read"),
    ],
)
async def test_what_is_no_table_is_told_beside_the_file(bob: Browser, content: bytes, said: str) -> None:
    """In words."""
    await bob.open(PAGE)
    text = (await _send(bob, content)).text

    assert (422, True) == (bob.answer.status_code, said in text)


async def test_no_file_and_too_large_ones(bob: Browser) -> None:
    """A page says so, and nothing of it is read."""
    await bob.open(PAGE)
    await bob.send("/import", do="check")
    nothing = (bob.answer.status_code, "Choose a file of CSV first." in bob.shown.text)
    await bob.open(PAGE)
    text = (await _send(bob, b"x" * (MAX_BODY + 1))).text

    assert (422, True) == nothing
    assert (413, True) == (bob.answer.status_code, "That was too much" in text)


async def test_hostile_files(bob: Browser) -> None:
    """Hostile names of files and cells stay text, whatever the outcome, and the page stays small."""
    await bob.open(PAGE)
    cells = [text.replace('"', '""').replace("\0", "") for text in HOSTILE_TEXTS if len(text) < 500]
    table = "number,display_name,pin\r\n" + "".join(f'"{cell}","{cell}","{cell}"\r\n' for cell in cells)
    shown = await _send(bob, table.encode("utf-8", "replace")[: MAX_BODY - 2000], name="<img src=x>.csv")
    if bob.answer.status_code == 422:
        shown = await _send(bob, "\r\n".join(table.split("\r\n")[:40]), name="<img src=x>.csv")

    assert "<img src=x>.csv: what would become of it" in shown.text
    assert "img" not in {tag for tag, _ in shown.tags}
    assert all("src" in attributes for tag, attributes in shown.tags if tag == "script")
    assert len(bob.answer.content) < 150_000


async def test_large_file_is_cut(api: Api, bob: Browser) -> None:
    """The first rows are shown, the others counted."""
    await bob.open(PAGE)
    table = "number,display_name\r\n" + "".join(f"{number},P\r\n" for number in range(1000, 1400))
    text = (await _send(bob, table, what="extensions")).text

    assert "400 would be new." in text
    assert "250 more rows are not listed." in text
    assert len(bob.answer.content) < 150_000


async def test_export(api: Api, client: httpx.AsyncClient, bob: Browser) -> None:
    """The same file as by REST, as a download; the whole tenant too, where there is such a file."""
    made = await client.post("/api/v1/extensions", json={"number": "101", "display_name": "=1+1"})
    assert 201 == made.status_code
    answer = await bob.client.get("/portal/export/extensions.csv")
    rest = await client.get("/api/v1/export/extensions")
    unknown = await bob.client.get("/portal/export/secrets.csv")
    without = await bob.client.get("/portal/export/tenant.yaml")

    async def written(database: Database, tenant: str) -> str:
        return await export_file(database, tenant=tenant)

    give(api.app, replace(api.deps, tenant_file=written))
    whole = await bob.client.get("/portal/export/tenant.yaml")

    assert rest.text == answer.text
    assert 'attachment; filename="extensions.csv"' == answer.headers["Content-Disposition"]
    assert (404, 404, 200) == (unknown.status_code, without.status_code, whole.status_code)
    assert "display_name: =1+1" in whole.text
    assert 'attachment; filename="default.yaml"' == whole.headers["Content-Disposition"]
