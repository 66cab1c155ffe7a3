"""The audit log: who did what, as the API tells it and as the database keeps it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from controlplane.domain.user import Role
from controlplane.services.audit import purge_audit
from controlplane.services.features import FeatureService
from controlplane.services.tokens import create_token
from controlplane.services.users import update_user
from controlplane.storage.tables import Table
from sqlalchemy import event
from tests.support.api import PIN, Api
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.portal import Browser, make_user

# Tables whose changes are nobody's deed, or are kept elsewhere; every other one must be audited.
NOT_AUDITED = {
    "audit_entries": "the log itself",
    "numbers": "follows from the object that has the number",
    "pointers": "follows from the object that points",
    "trunk_registrations": "what a provider answers",
    "messages": "has triggers of its own, by state",
    "recorded_greetings": "has a trigger of its own, without the recording",
    "recordings_taken": "what the scanner has dealt with",
    "message_mails": "what the mail server answers",
    "mail_template_faults": "templates that could not be used",
    "mail_trials": "mails that tell of nothing",
    "pin_tries": "tries of PINs",
    "user_sessions": "browsers that are signed in",
    "sign_in_tries": "tries of passwords",
    "sign_in_links": "secrets that work once",
    "idempotency_keys": "answers to repeat",
    "configuration_revisions": "has a history of its own",
    "configuration_changes": "has a history of its own",
    "configuration_revision_changes": "has a history of its own",
    "configuration_mode": "what the settings say",
    "published_objects": "copies of objects",
    "running_processes": "what runs now",
    "present_calls": "who calls now",
    "present_players": "what plays in browsers now",
    "greeting_recordings": "what a mailbox's own column names, which is audited",
    "greeting_drafts": "what nobody uses yet",
    "spoken_texts": "sentences to listen to",
    "message_peaks": "computed from recordings",
    "message_ways": "an index of messages",
    "quota_warnings": "whom a mail told of a full mailbox",
}


async def entries(client: httpx.AsyncClient, **query: str) -> list[dict[str, Any]]:
    """Read the log, oldest first."""
    answer = await client.get("/api/v1/audit", params=query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items[::-1]


def told(found: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Return who did what to which object."""
    return [(entry["author"], entry["action"], entry["object"]) for entry in found]


def test_every_table_is_audited_or_says_why_not(api: Api) -> None:
    """A new table has the trigger `audit`, or stands in the list above with its reason."""
    audited = {
        row["name"]
        for row in api.rows("SELECT tgrelid::regclass::text AS name FROM pg_trigger WHERE tgname = 'audit'")
    }

    assert set(Table.metadata.tables) - audited - NOT_AUDITED.keys() == set()


async def test_mailbox_has_its_history(client: httpx.AsyncClient, mailbox: httpx.Response) -> None:
    """Making, changing and deleting a mailbox is told with what was before and after."""
    await client.patch("/api/v1/mailboxes/8001", json={"display_name": "Service", "review": True})
    await client.delete("/api/v1/mailboxes/8001")

    made, changed, removed = await entries(client, kind="mailbox", object="8001")

    assert ["added", "changed", "removed"] == [made["action"], changed["action"], removed["action"]]
    assert {"author": "token tests", "way": "api"} == {key: changed[key] for key in ("author", "way")}
    assert {"display_name": "Sales", "review": False} == changed["before"]
    assert {"display_name": "Service", "review": True} == changed["after"]
    assert "Sales" == made["after"]["display_name"]
    assert ("Service", {}) == (removed["before"]["display_name"], removed["after"])


async def test_secrets_are_told_without_what_they_are(
    api: Api, client: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """A new PIN, SIP password or trunk's password is told as set; neither it nor its hash is in the log."""
    await client.patch("/api/v1/mailboxes/8001", json={"pin": "918273"})
    await client.post("/api/v1/extensions", json={"number": "150", "display_name": "Phone"})
    await client.patch("/api/v1/extensions/150", json={"sip_password": "Long-enough-5Kx9"})

    pin = (await entries(client, kind="mailbox", action="changed"))[0]
    phone = await entries(client, kind="extension")
    kept = str(api.rows("SELECT * FROM audit_entries"))

    assert (["pin"], {}, {}) == (pin["secrets"], pin["before"], pin["after"])
    assert [["sip_password"], ["sip_password"]] == [entry["secrets"] for entry in phone]
    assert not [word for word in (PIN, "918273", "Long-enough-5Kx9", "argon2", "hash") if word in kept]


async def test_password_of_a_trunk_is_not_kept(system: httpx.AsyncClient, api: Api) -> None:
    """The password of a registration is a secret, whatever else of the trunk changes."""
    trunk = {"name": "provider", "host": "sip.example.com", "username": "u", "password": "trunk-secret-1"}
    assert (await system.post("/api/v1/trunks", json=trunk)).status_code == 201
    await system.patch("/api/v1/trunks/provider", json={"password": "trunk-secret-2"})
    await system.delete("/api/v1/trunks/provider")

    made, changed, removed = await entries(system, kind="trunk")

    assert ["password"] == made["secrets"] == changed["secrets"]
    assert "sip.example.com" == removed["before"]["host"]
    assert "trunk-secret" not in str(api.rows("SELECT * FROM audit_entries"))


async def test_messages_have_their_history(
    api: Api, client: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """Who fetched, marked, deleted, restored and purged a message is known when it is gone."""
    message = await api.message(seconds=0.2)
    at = f"/api/v1/messages/{message}"
    await client.get(f"{at}/audio")
    await client.get(f"{at}/audio", headers={"Range": "bytes=0-1"})
    await client.get(f"{at}/audio", headers={"Range": "bytes=100-"})
    await client.patch(at, json={"state": "saved"})
    await client.delete(at)
    await client.patch(at, json={"state": "restored"})
    await client.delete(at)
    await client.delete(at)

    found = await entries(client, object=str(message))

    expected = ["downloaded", "marked_read", "deleted", "restored", "deleted", "purged"]
    assert expected == [entry["action"] for entry in found]
    assert {"token tests"} == {entry["author"] for entry in found}
    assert {("8001", "102")} == {(entry["subject"], entry["caller"]) for entry in found}
    assert {"state": "saved"} == found[1]["after"]


async def test_many_at_once_are_told_one_by_one(
    api: Api, client: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """Each message of a bulk change has an entry; one that stayed as it was has none."""
    ids = [str(await api.message()) for _ in range(3)]
    await client.post("/api/v1/messages/bulk", json={"ids": ids[:2], "action": "mark_read"})
    await client.post("/api/v1/messages/bulk", json={"ids": ids, "action": "mark_read"})

    assert sorted(ids) == sorted(entry["object"] for entry in await entries(client, action="marked_read"))


async def test_portal_and_mail_link_are_ways(
    api: Api, client: httpx.AsyncClient, mailbox: httpx.Response, alice: Browser
) -> None:
    """What a user hears and downloads in the portal, and who has the link of a mail, is told apart."""
    message = await api.message(seconds=0.2)
    await alice.open(f"/portal/messages/{message}/audio?format=wav")
    await alice.open(f"/portal/messages/{message}/audio?format=wav&save=true")
    async with api.client() as stranger:
        await stranger.get(f"/m/{api.deps.links.make(message)}/audio?format=wav")

    found = await entries(client, kind="message")

    assert [
        ("user alice", "web", "heard"),
        ("user alice", "web", "downloaded"),
        ("mail link", "mail_link", "heard"),
    ] == [(entry["author"], entry["way"], entry["action"]) for entry in found]
    assert 1 == len(await entries(client, way="mail_link"))


async def test_what_failed_is_not_told(client: httpx.AsyncClient, mailbox: httpx.Response) -> None:
    """A change that is refused leaves nothing, and so does one that changes nothing."""
    before = len(await entries(client))
    await client.patch("/api/v1/mailboxes/8001", json={"display_name": "Sales"})
    await client.patch("/api/v1/mailboxes/8001", json={"pin": "1"})

    assert before == len(await entries(client))


async def test_filters_and_pages(api: Api, client: httpx.AsyncClient, mailbox: httpx.Response) -> None:
    """Each filter leaves out the others, and pages follow each other without a gap."""
    for name in ("A", "B", "C"):
        await client.patch("/api/v1/mailboxes/8001", json={"display_name": name})
    first = (await client.get("/api/v1/audit", params={"limit": 2})).json()
    rest = (await client.get("/api/v1/audit", params={"limit": 200, "after": first["next"]})).json()
    soon = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()

    assert ["C", "B"] == [entry["after"]["display_name"] for entry in first["items"]]
    assert len(await entries(client)) == len(first["items"] + rest["items"])
    assert [] == await entries(client, since=soon)
    assert [] == await entries(client, author="alice")
    assert 3 == len(await entries(client, author="tests", action="changed", subject="8001", until=soon))
    assert [] == await entries(client, way="phone")
    assert 422 == (await client.get("/api/v1/audit", params={"after": "x"})).status_code


async def test_other_tenants_see_nothing(
    client: httpx.AsyncClient,
    mailbox: httpx.Response,
    foreigner: httpx.AsyncClient,
    stranger: httpx.AsyncClient,
) -> None:
    """The log of a tenant is its own."""
    seen = await entries(foreigner)

    assert [] == [entry for entry in seen if entry["kind"] == "mailbox"]
    assert 401 == (await stranger.get("/api/v1/audit")).status_code


async def test_hostile_names_are_kept_as_they_are(client: httpx.AsyncClient) -> None:
    """What people call things comes back as it was."""
    names = [name for name in HOSTILE_TEXTS if name.strip() == name and 0 < len(name) <= 64][:20]
    made = [
        await client.post(
            "/api/v1/mailboxes", json={"number": f"{8100 + i}", "display_name": name, "pin": PIN}
        )
        for i, name in enumerate(names)
    ]
    accepted = [answer.json()["display_name"] for answer in made if answer.status_code == 201]

    assert accepted == [entry["after"]["display_name"] for entry in await entries(client, kind="mailbox")]
    assert accepted


async def test_tokens_users_and_reserved_numbers_are_told(
    api: Api, client: httpx.AsyncClient, bob: Browser
) -> None:
    """Who made a token, a user, or reserved numbers is told, without a secret."""
    await client.post("/api/v1/numbers/reserved", json={"first": "9000", "last": "9010", "note": "door"})
    await client.delete("/api/v1/numbers/reserved/9000")

    found = await entries(client)

    assert ("tests", "added", "bob") in told(found)
    assert [("added", "9000"), ("removed", "9000")] == [
        (entry["action"], entry["object"]) for entry in found if entry["kind"] == "reserved-numbers"
    ]
    user = next(entry for entry in found if entry["kind"] == "user")
    assert ["password"] == user["secrets"]
    assert "argon2" not in str(api.rows("SELECT * FROM audit_entries"))


async def test_agents_of_queues_come_and_go(api: Api, client: httpx.AsyncClient, bob: Browser) -> None:
    """Told by REST, portal and phone; who stays as he was is not told."""
    await client.post("/api/v1/extensions", json={"number": "101", "display_name": "Ann"})
    queue = {
        "number": "7000",
        "display_name": "Support",
        "agents": ["101"],
        "no_agents": {"action": "hangup"},
    }
    made = await client.post("/api/v1/call-queues", json=queue)
    assert 201 == made.status_code, made.text
    phone = FeatureService(database=api.deps.db, jobs=api.deps.jobs, languages=["en"])
    (tenant,) = api.rows("SELECT id FROM tenants WHERE name = 'default'")
    agent = "/api/v1/call-queues/7000/agents/101"
    for logged_in in (True, False, False):
        await client.put(agent, json={"logged_in": logged_in})
    await bob.open("/portal/call-queues/7000")
    await bob.send("/agents/101")
    await phone.set_logged_in(UUID(str(tenant["id"])), "7000", "101", on=False)

    found = [entry for entry in await entries(client, subject="7000") if entry["action"] != "added"]
    page = await bob.open("/portal/audit?what=7000&action=logged_out")

    assert [
        ("token tests", "logged_out", "7000"),
        ("user bob", "logged_in", "7000"),
        ("extension 101", "logged_out", "7000"),
    ] == told(found)
    assert [{"agent": "101"}] * 3 == [entry["after"] for entry in found]
    assert "Extension 101 by phone Logged out Call Queue 7000 Agent now: 101" in page.text


async def test_do_not_disturb_by_phone_is_told(api: Api, client: httpx.AsyncClient) -> None:
    """With the extension that did it."""
    await client.post("/api/v1/extensions", json={"number": "101", "display_name": "Ann"})
    phone = FeatureService(database=api.deps.db, jobs=api.deps.jobs, languages=["en"])
    (tenant,) = api.rows("SELECT id FROM tenants WHERE name = 'default'")
    await phone.set_do_not_disturb(UUID(str(tenant["id"])), "101", on=True)

    assert ("extension 101", "changed", "101") in told(await entries(client))


async def test_whose_extension_and_token_is_told_by_name(api: Api, client: httpx.AsyncClient) -> None:
    """A person's extension by its number, a token's user by name; no id that nobody can read."""
    await client.post("/api/v1/extensions", json={"number": "101", "display_name": "Ann"})
    ann = await make_user(api, "ann", tenant="default", role=Role.MEMBER, extension="101")
    await update_user(api.deps.db, ann, changes={"extension": None}, scope=None, by="tests")
    await create_token(api.deps.db, name="own", tenant=None, user="ann", expires_at=None, by="tests")

    found = {(entry["action"], entry["object"]): entry for entry in await entries(client)}

    assert "101" == found["added", "ann"]["after"]["extension"]
    assert ({"extension": "101"}, {"extension": None}) == (
        found["changed", "ann"]["before"],
        found["changed", "ann"]["after"],
    )
    assert "ann" == found["added", "own"]["after"]["user"]


async def test_log_stays_as_it_is(api: Api, client: httpx.AsyncClient, mailbox: httpx.Response) -> None:
    """The database refuses to change an entry, and to delete one but for its age."""
    with psycopg.connect(api.url) as connection:
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
            connection.execute("UPDATE audit_entries SET author = 'nobody'")
        connection.rollback()
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
            connection.execute("DELETE FROM audit_entries")

    assert await entries(client, kind="mailbox")


async def test_old_entries_are_forgotten(
    api: Api, client: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """Entries of before a time go, later ones stay."""
    kept = len(await entries(client))
    none = await purge_audit(api.deps.db, before=datetime.now(UTC) - timedelta(days=1))
    all_of_them = await purge_audit(api.deps.db, before=datetime.now(UTC) + timedelta(days=1))

    assert 0 == none
    assert all_of_them >= kept
    assert [] == await entries(client)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("101", ["extension 101 (user alice)", "extension 101"]),
        ("alice", ["extension 101 (user alice)", "user alice", "token own (user alice)"]),
        ("own", ["token own (user alice)"]),
        ("extension 101 (user alice)", ["extension 101 (user alice)"]),
        ("+4930123", ["caller +4930123"]),
        ("10", []),
        ("1%", []),
        ("ali_e", []),
    ],
)
async def test_author_is_found_by_each_of_their_names(
    api: Api, client: httpx.AsyncClient, default_tenant: UUID, asked: str, found: list[str]
) -> None:
    """The number of an extension, a user's name, a token's, a whole label; nothing that only begins so."""
    labels = {"user alice", "user bob", "extension 101", "extension 1011", "extension 101 (user alice)"}
    labels |= {"token own (user alice)", "extension 102 (user bob)", "caller +4930123", "alicent"}
    with psycopg.connect(api.url) as connection:
        for label in sorted(labels):
            connection.execute(
                "INSERT INTO audit_entries (tenant_id, author, action, kind, object_key, subject)"
                " VALUES (%s, %s, 'heard', 'message', 'x', 'x')",
                (default_tenant, label),
            )

    assert set(found) == {entry["author"] for entry in await entries(client, author=asked)}


async def test_portal_finds_an_extension_whose_user_is_named(
    api: Api, default_tenant: UUID, bob: Browser
) -> None:
    """By its number."""
    with psycopg.connect(api.url) as connection:
        for label, mailbox in (("extension 101 (user alice)", "8001"), ("extension 102", "8002")):
            connection.execute(
                "INSERT INTO audit_entries (tenant_id, author, action, kind, object_key, subject)"
                " VALUES (%s, %s, 'changed', 'mailbox', %s, %s)",
                (default_tenant, label, mailbox, mailbox),
            )
    shown = await bob.open("/portal/audit?who=101")

    assert (True, False) == ("8001" in shown.text, "8002" in shown.text)


async def test_authors_are_asked_of_an_index(api: Api, client: httpx.AsyncClient) -> None:
    """Who looks for one does not read the log: each author there is costs a step of the index."""
    asked: list[tuple[str, Any]] = []

    def note(_1: object, _2: object, statement: str, parameters: object, *_: object) -> None:
        if "authors" in statement:
            asked.append((statement, parameters))

    event.listen(api.deps.db._engine.sync_engine, "before_cursor_execute", note)
    await entries(client, author="101")
    (statement, parameters), *_ = asked
    with psycopg.connect(api.url) as connection:
        connection.execute("SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off")
        plan = "\n".join(
            row[0]
            # What a step of a recursion does is shown of one that ran.
            for row in connection.execute("EXPLAIN ANALYZE " + statement, parameters).fetchall()  # type: ignore[arg-type]
        )

    assert 2 == plan.count("Scan using ix_audit_entries_tenant_id_author"), plan
    assert "Seq Scan" not in plan


async def test_lists_go_by_index(api: Api, client: httpx.AsyncClient, default_tenant: UUID) -> None:
    """Each way to look at the log reads its index from the newest on, and sorts nothing."""
    conditions = (
        "",
        " AND object_key = '8001'",
        " AND author = 'user alice'",
        " AND subject = '8001'",
    )
    for condition in conditions:
        with psycopg.connect(api.url) as connection:
            # What earlier tests left behind in the file is no matter of the plan.
            connection.execute("TRUNCATE audit_entries")
            connection.execute("SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off")
            connection.execute("SET enable_incremental_sort = off")
            plan = "\n".join(
                row[0]
                for row in connection.execute(
                    f"EXPLAIN SELECT * FROM audit_entries WHERE tenant_id = %s{condition}"  # type: ignore[arg-type]
                    " ORDER BY happened_at DESC, id DESC LIMIT 51",
                    (default_tenant,),
                ).fetchall()
            )

        assert "Index Scan Backward" in plan
        assert "Sort" not in plan
