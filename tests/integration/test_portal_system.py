"""The pages about the system: audit log, mails, tokens, settings; without script."""

from __future__ import annotations

from uuid import UUID

import httpx
from controlplane.domain.user import Role
from controlplane.storage.database import Database
from tests.support.api import MAILBOX, PIN, Api
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.portal import Browser, make_user
from tests.support.rows import add_mailbox, add_message


async def test_log_tells_before_and_after(
    client: httpx.AsyncClient, mailbox: httpx.Response, bob: Browser
) -> None:
    """A change is told with who made it, the field by its label, and both values; a secret without any."""
    await client.patch("/api/v1/mailboxes/8001", json={"display_name": "Service", "pin": "918273"})

    page = await bob.open("/portal/audit?what=8001&action=changed")

    assert "Token tests by a program" in page.text
    assert "Display Name before: Sales → now: Service" in page.text
    assert "PIN Number now: was set" in page.text
    assert "918273" not in bob.answer.text


async def test_log_is_narrowed(
    api: Api, client: httpx.AsyncClient, mailbox: httpx.Response, bob: Browser
) -> None:
    """By who, what and days; what finds nothing says so, and a day that is none counts for nothing."""
    message = await api.message(seconds=0.2)
    await bob.open(f"/portal/messages/{message}/audio")

    heard = await bob.open("/portal/audit?who=bob&what=8001")
    nobody = await bob.open("/portal/audit?who=charlie")
    later = await bob.open("/portal/audit?since=2199-01-01")
    no_day = await bob.open("/portal/audit?since=yesterday&after=x&action=danced&of=everything")

    assert "Heard Voicemail in 8001 left by 102" in heard.text
    assert "Nothing like that" in nobody.text
    assert "Nothing like that" in later.text
    assert "Added" in no_day.text


async def test_log_comes_as_csv(client: httpx.AsyncClient, bob: Browser) -> None:
    """A name that a spreadsheet would run is words in it."""
    await client.post("/api/v1/mailboxes", json={"number": "8002", "display_name": "=1+1", "pin": PIN})

    await bob.open("/portal/audit.csv?what=8002")

    assert "attachment" in bob.answer.headers["content-disposition"]
    assert "Shared Voicemail,8002" in bob.answer.text
    assert ",=1" not in bob.answer.text


async def test_installation_is_for_system_admins(alice: Browser, api: Api) -> None:
    """What concerns no single tenant is shown to system admins alone."""
    seen = await alice.open("/portal/audit?of=installation")
    await make_user(api, "carl", tenant="default")
    async with Browser(api) as carl:
        await carl.sign_in("carl")
        await carl.open("/portal/audit?of=installation")

    assert "User alice" in seen.text
    assert 403 == carl.answer.status_code


async def test_hostile_names_break_no_page_of_the_log(client: httpx.AsyncClient, bob: Browser) -> None:
    """Names that people may give stand as words in the log."""
    names = [name for name in HOSTILE_TEXTS if 0 < len(name.strip()) <= 64][:40]
    for i, name in enumerate(names):
        await client.post(
            "/api/v1/mailboxes", json={"number": f"{8100 + i}", "display_name": name, "pin": PIN}
        )

    await bob.open("/portal/audit")

    assert 200 == bob.answer.status_code
    assert "<script>alert" not in bob.answer.text
    assert not [tags for tag, tags in bob.shown.tags if any(name.startswith("on") for name in tags)]
    assert len(bob.answer.content) < 150_000


async def test_failed_mail_is_tried_again(
    api: Api, database: Database, default_tenant: UUID, bob: Browser
) -> None:
    """What the server said is shown; to try again queues it as new, and defers its job."""
    box = await add_mailbox(database, default_tenant)
    message = await add_message(
        database,
        box,
        mails=(("a@example.com", "failed", "550 no <b>such</b> user"), ("b@example.com", "sent", None)),
    )
    page = await bob.open("/portal/mails")
    form = page.form("/mails/retry")
    api.jobs()
    again = await bob.post(
        "/portal/mails/retry", {**form.fields, "message": str(message), "recipient": "a@example.com"}
    )

    assert "1 failed" in page.text
    assert "550 no <b>such</b> user" in page.text
    assert "b@example.com" not in page.text
    assert "Trying again now: 1." in again.text
    assert [("mail.send", {"message_id": str(message), "recipient": "a@example.com"})] == api.jobs()
    assert [{"status": "queued", "attempts": 0}] == api.rows(
        "SELECT status, attempts FROM message_mails WHERE recipient = 'a@example.com'"
    )
    assert [{"author": "user bob", "object_key": "a@example.com", "subject": "8001"}] == api.rows(
        "SELECT author, object_key, subject FROM audit_entries WHERE action = 'retried'"
    )


async def test_waiting_mail_is_hurried(
    api: Api, database: Database, default_tenant: UUID, alice: Browser
) -> None:
    """All that waits is tried now by the job that waits for it, and by no second one."""
    box = await add_mailbox(database, default_tenant)
    message = await add_message(database, box, mails=(("a@example.com", "queued", "451 later"),))
    async with database.transaction() as session:
        await api.deps.jobs.defer(session, "mail.send", message_id=str(message), recipient="a@example.com")
    with_later = "UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 hour' RETURNING id"
    api.rows(with_later)
    await alice.open("/portal/mails")
    await alice.send("/mails/retry")

    waiting = api.rows(
        "SELECT scheduled_at <= now() AS due FROM procrastinate_jobs WHERE task_name = 'mail.send'"
    )

    assert [{"due": True}] == waiting


async def test_mail_is_discarded_after_a_question(
    api: Api, database: Database, default_tenant: UUID, bob: Browser
) -> None:
    """The first press asks, the second forgets it; a second time says that it is gone."""
    box = await add_mailbox(database, default_tenant)
    message = await add_message(database, box, mails=(("a@example.com", "failed", "550"),))
    page = await bob.open("/portal/mails")
    fields = {**page.form("/mails/discard").fields, "message": str(message), "recipient": "a@example.com"}
    asked = await bob.post("/portal/mails/discard", fields)
    done = await bob.send("", sure="yes")
    gone = await bob.post("/portal/mails/discard", {**fields, "sure": "yes"})
    log = await bob.open("/portal/audit?what=8001&action=discarded")

    assert "Discard this mail?" in asked.text
    assert "Nothing waits" in done.text
    assert "does not wait any more" in gone.text
    assert "in the portal Discarded Mail to a@example.com" in log.text
    assert [] == api.rows("SELECT * FROM message_mails")


async def test_mails_of_other_tenants_stay_alone(
    api: Api, database: Database, default_tenant: UUID, foreigner: httpx.AsyncClient
) -> None:
    """An admin of another tenant neither sees, hurries nor discards them."""
    box = await add_mailbox(database, default_tenant)
    message = await add_message(database, box, mails=(("a@example.com", "failed", "550"),))
    await make_user(api, "nora", tenant="north")
    async with Browser(api) as nora:
        await nora.sign_in("nora")
        page = await nora.open("/portal/mails")
        token = page.form("/sign-out").fields["csrf"]
        fields = {"csrf": token, "message": str(message), "recipient": "a@example.com", "sure": "yes"}
        await nora.post("/portal/mails/retry", fields)
        refused = await nora.post("/portal/mails/discard", fields)

    assert "Nothing waits" in page.text
    assert 404 == nora.answer.status_code
    assert "does not wait" in refused.text
    assert [{"status": "failed"}] == api.rows("SELECT status FROM message_mails")


async def test_token_is_made_shown_once_and_revoked(api: Api, bob: Browser) -> None:
    """It works, belongs to the tenant, is in the list without its secret, and ends at once."""
    await bob.open("/portal/tokens/add")
    made = await bob.send("", name="billing", expires_at="2199-12-31")
    clear = next(tags["value"] for _, tags in made.tags if tags.get("name") == "token")
    works = await api.client(clear).get("/api/v1/mailboxes")
    listed = await bob.open("/portal/tokens")
    token_id = api.rows("SELECT id FROM api_tokens WHERE name = 'billing'")[0]["id"]
    asked = await bob.send(f"{token_id}/revoke")
    revoked = await bob.send("", sure="yes")
    refused = await api.client(clear).get("/api/v1/mailboxes")

    assert (200, 401) == (works.status_code, refused.status_code)
    assert "billing Tenant default" in listed.text
    assert clear not in str(listed.tags) + listed.text
    assert "Revoke the token “billing”?" in asked.text
    assert "does not work any more" in revoked.text
    assert [
        {"author": "user bob", "action": "added"},
        {"author": "user bob", "action": "removed"},
    ] == api.rows(
        "SELECT author, action FROM audit_entries WHERE kind = 'token' AND object_key = 'billing' ORDER BY id"
    )


async def test_token_of_a_user_is_made_and_says_whose_it_is(api: Api, bob: Browser) -> None:
    """It has the rights of the chosen user, whatever else is chosen; one of another tenant is none."""
    await make_user(api, "mia", tenant="default", role=Role.MEMBER)
    await (await api.tenant("north")).aclose()
    await make_user(api, "nora", tenant="north")
    await bob.open("/portal/tokens/add")
    foreign = await bob.send("", name="fetcher", user="nora")
    made = await bob.send("", user="mia", **{"for": "system"})
    clear = next(tags["value"] for _, tags in made.tags if tags.get("name") == "token")
    answer = await api.client(clear).post("/api/v1/mailboxes", json=MAILBOX)
    listed = await bob.open("/portal/tokens")

    assert "There is no such user" in foreign.text
    assert "admin-needed" == answer.json()["error_id"]
    assert "fetcher User mia" in listed.text
    assert 1 == len(api.rows("SELECT 1 FROM api_tokens WHERE user_id IS NOT NULL"))


async def test_member_makes_and_revokes_own_tokens(api: Api, bob: Browser) -> None:
    """On the page of the account; those of others are none."""
    await make_user(api, "mia", tenant="default", role=Role.MEMBER)
    async with Browser(api) as mia:
        await mia.sign_in("mia")
        await mia.open("/portal/account")
        made = await mia.send("/account/tokens", name="phone app")
        clear = next(tags["value"] for _, tags in made.tags if tags.get("name") == "token")
        own = api.rows("SELECT id, user_id FROM api_tokens WHERE name = 'phone app'")[0]["id"]
        works = await api.client(clear).get("/api/v1/mailboxes")
        await bob.open("/portal/account")
        csrf = bob.shown.form("/account/tokens").fields["csrf"]
        refused = await bob.post(f"/portal/account/tokens/{own}/revoke", {"csrf": csrf, "sure": "yes"})
        await mia.open("/portal/account")
        await mia.send(f"/tokens/{own}/revoke")
        revoked = await mia.send("", sure="yes")
        ended = await api.client(clear).get("/api/v1/mailboxes")

    assert "no such token" in refused.text
    assert "does not work any more" in revoked.text
    assert (200, 401) == (works.status_code, ended.status_code)


async def test_faults_of_a_token_stand_beside_the_field(bob: Browser) -> None:
    """A name that is too long, and a day that has passed or is none, are told in words."""
    await bob.open("/portal/tokens/add")
    no_day = await bob.send("", name="x", expires_at="31.12.2199")
    passed = await bob.send("", name="x", expires_at="2001-01-01")
    long_name = await bob.send("", name="x" * 65, expires_at="")

    assert "This is no day." in no_day.text
    assert "This day has passed." in passed.text
    assert "1 to 64 visible characters" in long_name.text


async def test_admin_of_a_tenant_makes_no_token_for_all(api: Api, bob: Browser) -> None:
    """Whatever the form says; nor does one revoke another tenant's token."""
    system = await api.token(None)
    (row,) = api.rows("SELECT id FROM api_tokens WHERE tenant_id IS NULL")
    await bob.open("/portal/tokens/add")
    token = bob.shown.form("").fields["csrf"]
    await bob.send("", name="all", **{"for": "system"})
    refused = await bob.post(f"/portal/tokens/{row['id']}/revoke", {"csrf": token, "sure": "yes"})

    assert [False] == [
        each["tenant_id"] is None for each in api.rows("SELECT * FROM api_tokens WHERE name = 'all'")
    ]
    assert "no such token" in refused.text
    assert 200 == (await api.client(system).get("/api/v1/tenants")).status_code


async def test_settings_of_the_tenant_are_changed(api: Api, alice: Browser) -> None:
    """By a system admin; a wrong value is told beside its field, and nobody overwrites a colleague unseen.

    A language that falls back, and so is not in the list, stays as it is.
    """
    api.rows("UPDATE tenants SET language = 'en-GB' RETURNING 1")
    page = await alice.open("/portal/settings")
    stale = page.form("/settings/tenant").fields
    saved = await alice.send("/settings/tenant", time_zone="Europe/Berlin")
    wrong = await alice.send("/settings/tenant", time_zone="Europe/Nowhere")
    clash = await alice.post("/portal/settings/tenant", {**stale, "language": "de"})

    assert "The settings are saved." in saved.text
    assert wrong.with_attribute("aria-invalid")
    assert "alice was first. Changed at" in clash.text
    assert [{"time_zone": "Europe/Berlin", "language": "en-GB"}] == api.rows(
        "SELECT time_zone, language FROM tenants"
    )


async def test_admin_of_a_tenant_reads_settings(api: Api, bob: Browser) -> None:
    """The tenant's own settings are for system admins, as over REST; how it publishes is chosen elsewhere."""
    page = await bob.open("/portal/settings")
    token = page.form("/sign-out").fields["csrf"]
    await bob.post("/portal/settings/tenant", {"csrf": token, "time_zone": "Europe/Berlin"})

    assert not page.has_form("/settings/tenant")
    assert "CONTROLPLANE_" not in page.text
    assert "Each change works at once" in page.text
    assert "/portal/publishing#mode" in [each["href"] for each in page.with_attribute("href")]
    assert 403 == bob.answer.status_code


async def test_steps_tick_themselves_off(api: Api, client: httpx.AsyncClient, bob: Browser) -> None:
    """Who signs in meets the steps until a message was heard; each is ticked off by what happened."""
    begun = await bob.open("/portal/")
    await client.post("/api/v1/mailboxes", json={"number": "8001", "display_name": "Sales", "pin": PIN})
    await client.post("/api/v1/extensions", json={"number": "102", "display_name": "Phone"})
    made = await bob.open("/portal/")
    message = await api.message(caller="102", seconds=0.2)
    left = await bob.open("/portal/welcome")
    await bob.open(f"/portal/messages/{message}/audio")
    ended = await bob.open("/portal/welcome")
    await bob.open("/portal/")

    assert [0, 2, 4, 5] == [page.text.count("(done)") for page in (begun, made, left, ended)]
    assert "Connect 102" in made.text
    assert "That was all." in ended.text
    assert "/portal/mailboxes" == bob.path


async def test_steps_are_dismissed(bob: Browser) -> None:
    """Who knows the way begins with the mailboxes from then on."""
    await bob.open("/portal/")
    first = bob.path
    await bob.send("/welcome/dismiss")
    await bob.open("/portal/")

    assert ("/portal/welcome", "/portal/mailboxes") == (first, bob.path)
