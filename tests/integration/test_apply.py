"""Applying a file of a tenant on a real PostgreSQL: one transaction, the same again, nothing by accident."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from controlplane.apply.applying import ChangedMeanwhile, apply_file, plan_file
from controlplane.apply.declaration import read_declaration
from controlplane.apply.faults import RefusedFile
from controlplane.apply.plan import FieldChange, Plan
from controlplane.domain.extension import a1_hash
from controlplane.domain.pin import Pin
from controlplane.domain.routing.kinds import RoutingKind
from controlplane.services.extensions import create_extension
from controlplane.services.mailboxes import NewMailbox, create_mailbox
from controlplane.services.pin_hashing import PinHasher
from controlplane.services.routing.objects import update_object
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from sqlalchemy import text as sql
from tests.support.api import Api
from tests.support.applying import REALM, Applier, applier, outcomes

PIN, OTHER_PIN = "290174", "841703"
PASSWORD, OTHER_PASSWORD = "Wq7-vmZ9_xbT2", "Lk3-ppR8_yuC4"

COMPANY = """\
mailboxes:
  - {number: "8001", display_name: Team}
extensions:
  - {number: "101", display_name: Alice}
  - {number: "102", display_name: Bob}
ring-groups:
  - number: "6100"
    display_name: Sales
    members: ["101"]
    no_answer: {action: forward_to_number, number: "8001"}
call-queues:
  - number: "6200"
    display_name: IT
    agents: ["101", "102"]
    no_answer: {action: forward_to_number, number: "8001"}
"""


@pytest.fixture
def applies(database: Database, jobs: Jobs) -> Iterator[Applier]:
    """Return what applies files."""
    with applier(database, jobs) as made:
        yield made


async def refusals(applies: Applier, text: str, *, prune: bool = False) -> list[tuple[int | None, str]]:
    """Return lines and paths with sentences of what is refused."""
    with pytest.raises(RefusedFile) as caught:
        await applies.plan(text, prune=prune)
    return [(fault.line, f"{fault.path}: {fault.sentence}") for fault in caught.value.faults]


def counts(api: Api) -> tuple[int, ...]:
    """Count everything that a file can make."""
    tables = ("mailboxes", "extensions", "routing_objects", "numbers", "pointers", "configuration_changes")
    return tuple(api.rows(f"SELECT count(*) AS n FROM {table}")[0]["n"] for table in tables)


def changed_fields(plan: Plan) -> list[tuple[str, FieldChange]]:
    """Return the fields that a plan changes."""
    return [(one.key, change) for one in plan.objects for change in one.changes]


async def test_the_example_applies_to_an_empty_tenant(applies: Applier, api: Api, root: Path) -> None:
    """All of it is made by one publishing job; a second run has nothing to change and does nothing."""
    text = (root / "examples/company.yaml").read_text()
    first = await applies.apply(text)
    jobs = [name for name, _ in api.jobs()]
    second = await applies.plan(text)

    assert {"added"} == {action for action, _ in first.outcomes}
    assert (1, 1) == (jobs.count("configuration.publish"), jobs.count("configuration.routes"))
    assert (0, len(first.plan.objects)) == (len(second.objects), second.unchanged)
    assert [] == api.jobs()


async def test_the_example_takes_over_what_up_makes(
    applies: Applier, api: Api, database: Database, jobs: Jobs, root: Path
) -> None:
    """The mailbox keeps its PIN, the two extensions their passwords; only what is new gets others."""
    (tenant,) = api.rows("SELECT id FROM tenants")
    await create_mailbox(
        database,
        jobs,
        applies.to.hasher,
        applies.to.pin_policy,
        tenant_id=tenant["id"],
        new=NewMailbox(number="8001", display_name="Sales", pin=Pin(PIN)),
    )
    for number in ("101", "102"):
        await create_extension(
            database,
            jobs,
            tenant_id=tenant["id"],
            number=number,
            display_name=number,
            sip_password=PASSWORD,
            realm=REALM,
            by="system",
        )
    secrets = (
        "SELECT pin_hash FROM mailboxes WHERE number = '8001' UNION ALL (SELECT sip_a1_hash FROM extensions"
    )
    secrets += " WHERE number IN ('101', '102') ORDER BY number)"
    before = api.rows(secrets)
    done = await applies.apply((root / "examples/company.yaml").read_text())

    assert before == api.rows(secrets)
    assert ["mailbox 8001", "extension 101", "extension 102"] == [
        key for action, key in done.outcomes if action == "changed"
    ]
    assert [("mailbox", "8101"), ("mailbox", "8102"), ("extension", "103"), ("extension", "104")] == [
        (one.words, one.key) for one in done.made
    ]


async def test_a_plan_changes_nothing(applies: Applier, api: Api) -> None:
    """It is found out by doing it all, of which nothing is kept."""
    before = counts(api)
    plan = await applies.plan(COMPANY)

    assert (5, before, []) == (len(plan.objects), counts(api), api.jobs())


async def test_the_change_of_one_field_is_one_change(applies: Applier, api: Api) -> None:
    """In the plan, in the object's version, in the record of changes, and in the jobs."""
    await applies.apply(COMPANY)
    api.jobs()
    done = await applies.apply(COMPANY.replace('agents: ["101", "102"]', 'agents: ["102"]'))
    notes = api.rows("SELECT kind, name, action, fields, author FROM configuration_changes ORDER BY id")[-1:]
    versions = api.rows("SELECT number, version FROM routing_objects ORDER BY number")

    assert [("6200", FieldChange(field="agents", old='["101", "102"]', new='["102"]'))] == changed_fields(
        done.plan
    )
    assert [("6100", 1), ("6200", 2)] == [(row["number"], row["version"]) for row in versions]
    assert [("call-queue", "6200", "changed", ["agents"], "cli")] == [tuple(row.values()) for row in notes]
    assert ["configuration.publish", "configuration.routes"] == sorted(name for name, _ in api.jobs())


async def test_what_is_left_out_has_its_default_again(applies: Applier) -> None:
    """A file says all of an object: a line that is taken out of it takes its setting away."""
    await applies.apply(COMPANY.replace("display_name: Sales", "display_name: Sales\n    ring_seconds: 44"))
    done = await applies.apply(COMPANY)

    assert [("6100", FieldChange(field="ring_seconds", old="44", new="20"))] == changed_fields(done.plan)


async def test_what_the_service_writes_otherwise_is_no_change(applies: Applier) -> None:
    """Names without their blanks, addresses in their normal form: the second run has nothing to do."""
    text = (
        'mailboxes: [{number: "8001", display_name: " Büro ", email_recipients: [Team@EXAMPLE.com]}]\n'
        'ring-groups: [{number: "6100", display_name: " Sales "}]\n'
        'extensions: [{number: "101", display_name: " Alice "}]\n'
        "tenant: {sip_domain: LOCALHOST}\n"
    )
    await applies.apply(text)

    assert () == (await applies.plan(text)).objects


async def test_a_fault_at_the_last_object_leaves_nothing(applies: Applier, api: Api) -> None:
    """What was made before it in the transaction is gone, and no job exists."""
    before = counts(api)
    text = COMPANY + (
        "inbound-rules:\n- {name: main, dids: [x], destination: {office_hours: {action: hangup}}}\n"
    )

    ((line, said),) = await refusals(applies, text)
    assert (17, "inbound-rules[0].dids[0]") == (line, said.split(":")[0])
    assert (before, []) == (counts(api), api.jobs())


async def test_all_faults_are_told_without_those_that_follow(applies: Applier) -> None:
    """Each with its line; what points at something that was refused is not a fault of its own."""
    text = COMPANY.replace(
        'mailboxes:\n  - {number: "8001", display_name: Team}',
        'mailboxes:\n  - {number: "8001", display_name: Team, pin: 1111, email_recipients: [a@b.de, x]}',
    ).replace('members: ["101"]', 'members: ["101", "999"]')

    assert [
        (2, "mailboxes[0].email_recipients[1]: This is not a mail address such as sales@example.com."),
        (2, "mailboxes[0].pin: The PIN repeats one digit; choose one that is harder to guess."),
        (9, "ring-groups[0].members[1]: Nothing has the number 999."),
    ] == sorted(await refusals(applies, text))


async def test_what_leads_into_a_voicemail_that_was_refused_is_no_fault_of_its_own(applies: Applier) -> None:
    """The rules of the extension are, which come after its account."""
    text = """\
mailboxes: [{number: 8001, display_name: Alice}]
extensions:
  - number: 101
    display_name: Alice
    rules: {mailbox: 8001, always: {office_hours: {action: forward_to_number, number: 999}}, office_hours: x}
ring-groups:
  - {number: 6100, display_name: Sales, no_answer: {action: forward_to_voicemail, number: 101}}
"""
    told = [line for line, _ in await refusals(applies, text)]

    assert [5] == told


async def test_a_number_of_another_kind_is_refused(applies: Applier) -> None:
    """The sentence says who has it."""
    await applies.apply('mailboxes: [{number: "6100", display_name: Old}]')

    assert [(7, "ring-groups[0].number: The number 6100 belongs to the mailbox “Old”.")] == await refusals(
        applies, COMPANY
    )


async def test_a_loop_is_refused(applies: Applier) -> None:
    """As over REST."""
    text = """\
ring-groups:
  - {number: "6100", display_name: A, no_answer: {action: forward_to_number, number: "6101"}}
  - {number: "6101", display_name: B, no_answer: {action: forward_to_number, number: "6100"}}
"""

    assert ["A call would go round in a circle"] == [
        said.split(": ")[1] for _, said in await refusals(applies, text)
    ]


async def test_objects_may_point_at_each_other(applies: Applier, api: Api) -> None:
    """A receptionist's key at a group whose callers come back, an extension at a group that ends with it."""
    text = """\
virtual-receptionists:
  - number: "6000"
    display_name: Main
    keys: [{keys: "1", destination: {office_hours: {action: forward_to_number, number: "6100"}}}]
ring-groups:
  - number: "6100"
    display_name: Sales
    members: ["101"]
    no_answer: {action: forward_to_number, number: "6000"}
  - number: "6101"
    display_name: Service
    no_answer: {action: forward_to_voicemail, number: "101"}
extensions:
  - number: "101"
    display_name: Alice
    rules: {mailbox: "8101", no_answer: {office_hours: {action: forward_to_number, number: "6101"}}}
mailboxes: [{number: "8101", display_name: Alice}]
"""
    await applies.apply(text)
    pointers = api.rows("SELECT number, slot FROM pointers ORDER BY number, slot")

    assert [
        ("101", "members.0"),
        ("101", "no_answer"),
        ("6000", "no_answer"),
        ("6100", "keys.0.destination.office_hours"),
        ("6101", "no_answer.office_hours"),
        ("8101", "mailbox"),
    ] == [(row["number"], row["slot"]) for row in pointers]
    assert () == (await applies.plan(text)).objects
    removed = await applies.apply(
        "mailboxes: []\nextensions: []\nring-groups: []\nvirtual-receptionists: []\n", prune=True
    )
    assert ({"removed"}, 5) == ({action for action, _ in removed.outcomes}, len(removed.outcomes))
    assert [] == api.rows(
        "SELECT * FROM numbers UNION ALL SELECT tenant_id, number, NULL, NULL FROM pointers"
    )


async def test_only_prune_removes_and_only_where_the_file_speaks(applies: Applier) -> None:
    """What a section does not name is listed, or removed on request; a section that is not there is not."""
    await applies.apply(COMPANY)
    fewer = 'call-queues: [{number: "6200", display_name: IT}]\nring-groups: []\n'
    kept = await applies.apply(fewer)
    pruned = await applies.apply(fewer, prune=True)

    assert ([("changed", "call queue 6200")], (("ring group", "6100"),)) == (kept.outcomes, kept.plan.left)
    assert ([("removed", "ring group 6100")], ()) == (pruned.outcomes, pruned.plan.left)
    assert {"mailbox", "extension"} == {
        one.words for one in (await applies.plan("mailboxes: []\nextensions: []\n", prune=True)).objects
    }


async def test_what_is_still_pointed_at_is_not_removed(applies: Applier) -> None:
    """The refusal names who points there, and that it was to be removed."""
    await applies.apply(COMPANY)

    ((line, said),) = await refusals(applies, "mailboxes: []", prune=True)
    assert line == 1
    assert said.startswith(
        "mailboxes: The mailbox 8001 cannot be removed: 8001 is still in use: the call queue"
    )


async def test_a_number_moves_to_another_kind(applies: Applier) -> None:
    """The old object goes and the new one comes, in one step."""
    await applies.apply('ring-groups: [{number: "6100", display_name: Old}]\ncall-queues: []')
    done = await applies.apply(
        'call-queues: [{number: "6100", display_name: New}]\nring-groups: []', prune=True
    )

    assert [("removed", "ring group 6100"), ("added", "call queue 6100")] == done.outcomes


async def test_the_messages_of_a_removed_mailbox_are_told(applies: Applier, api: Api) -> None:
    """Before somebody says yes."""
    await applies.apply('mailboxes: [{number: "8001", display_name: Team}]')
    await api.message("8001")
    (planned,) = (await applies.plan("mailboxes: []", prune=True)).objects

    assert "1 message to the trash" == planned.note


async def test_a_change_between_plan_and_apply_is_noticed(
    applies: Applier, api: Api, database: Database, jobs: Jobs
) -> None:
    """Nothing is applied: who said yes saw another plan."""
    await applies.apply(COMPANY)
    (tenant,) = api.rows("SELECT id FROM tenants")
    file = read_declaration(COMPANY.replace('members: ["101"]', 'members: ["102"]').encode(), {})
    shown = await plan_file(applies.to, file, prune=False)
    await update_object(
        database,
        jobs,
        tenant_id=tenant["id"],
        kind=RoutingKind.RING_GROUP,
        key="6100",
        name=None,
        changes={"members": ("101", "102")},
        by="token other",
    )
    before = api.rows("SELECT settings, version FROM routing_objects ORDER BY number")
    with pytest.raises(ChangedMeanwhile):
        await apply_file(applies.to, file, prune=False, shown=shown)

    assert before == api.rows("SELECT settings, version FROM routing_objects ORDER BY number")


async def test_what_phones_switch_stays(applies: Applier, api: Api) -> None:
    """Do not disturb and "closed now" are no matter of a file that says nothing of them."""
    text = COMPANY + "office-hours: [{name: default}]\n"
    await applies.apply(text)
    async with api.client(await api.token()) as client:
        rules = (await client.get("/api/v1/extensions/101/rules")).json()
        await client.put("/api/v1/extensions/101/rules", json={**rules, "do_not_disturb": True})
        await client.patch("/api/v1/office-hours/default", json={"closed_now": True})
    silent = await applies.apply(text.replace("Alice", "Alice Smith"))
    said = await applies.plan(text.replace("name: default", "name: default, closed_now: false"))

    assert ["display_name"] == [change.field for _, change in changed_fields(silent.plan)]
    assert ("closed_now", "true", "false") in [
        (change.field, change.old, change.new) for _, change in changed_fields(said)
    ]


async def test_office_hours_follow_the_tenants_time_zone(applies: Applier) -> None:
    """Where they have none of their own, also when it changes in the same file."""
    await applies.apply("office-hours: [{name: default}]")
    done = await applies.apply("tenant: {time_zone: Europe/Berlin}\noffice-hours: [{name: default}]")

    assert [
        ("default", FieldChange(field="time_zone", old='"UTC"', new='"Europe/Berlin"')),
        ("default", FieldChange(field="time_zone", old='"UTC"', new='"Europe/Berlin"')),
    ] == changed_fields(done.plan)


async def test_secrets_change_only_when_they_are_others(applies: Applier, api: Api) -> None:
    """A PIN, a SIP password and a trunk's are compared, told as a word, and never shown."""
    text = (
        "mailboxes: [{{number: '8001', display_name: Team, pin: '{pin}'}}]\n"
        "extensions: [{{number: '101', display_name: Alice, sip_password: '{password}'}}]\n"
        "trunks: [{{name: p, host: sip.example.com, username: u, password: '{password}'}}]\n"
    )
    first = await applies.apply(text.format(pin=PIN, password=PASSWORD))
    again = await applies.plan(text.format(pin=PIN, password=PASSWORD))
    other = await applies.apply(text.format(pin=OTHER_PIN, password=OTHER_PASSWORD))
    without = await applies.plan(
        "mailboxes: [{number: '8001', display_name: Team}]\n"
        "extensions: [{number: '101', display_name: Alice}]\n"
        "trunks: [{name: p, host: sip.example.com, username: u, password: null}]\n"
    )
    (box,) = api.rows("SELECT pin_hash FROM mailboxes")
    (alice,) = api.rows("SELECT sip_a1_hash FROM extensions")
    hasher = applies.to.hasher
    assert isinstance(hasher, PinHasher)

    assert {"pin set", "sip_password set", "password set"} == {one.note for one in first.plan.objects}
    assert ((), ()) == (again.objects, without.objects)
    assert ["password set", "pin changed", "sip_password changed"] == sorted(
        one.note or "" for one in other.plan.objects
    )
    assert ([], []) == (list(first.made), list(other.made))
    assert not [
        secret for secret in (PIN, OTHER_PIN, PASSWORD, OTHER_PASSWORD) if secret in repr((first, other))
    ]
    assert await hasher.verify(box["pin_hash"], Pin(OTHER_PIN))
    assert a1_hash(number="101", realm=REALM, password=OTHER_PASSWORD) == alice["sip_a1_hash"]


async def test_secrets_that_are_made_are_right_ones(applies: Applier, api: Api) -> None:
    """What is shown once opens the mailbox and registers the phone."""
    pin, password = (await applies.apply(COMPANY)).made[:2]
    (box,) = api.rows("SELECT pin_hash FROM mailboxes")
    (alice,) = api.rows("SELECT sip_a1_hash FROM extensions WHERE number = '101'")
    hasher = applies.to.hasher
    assert isinstance(hasher, PinHasher)

    assert ("pin", "sip_password") == (pin.field, password.field)
    assert await hasher.verify(box["pin_hash"], Pin(pin.secret))
    assert a1_hash(number="101", realm=REALM, password=password.secret) == alice["sip_a1_hash"]
    assert pin.secret not in repr(pin)


async def test_another_host_needs_the_password_again(applies: Applier) -> None:
    """As over REST: a password that nobody can read goes to nobody else."""
    text = "trunks: [{{name: p, host: {host}, username: u{password}}}]"
    await applies.apply(text.format(host="sip.example.com", password=f", password: {PASSWORD}"))

    assert [
        (1, "trunks[0].password: Send the password again with another host, port or username.")
    ] == await refusals(applies, text.format(host="sip.example.org", password=""))
    done = await applies.apply(text.format(host="sip.example.org", password=f", password: {PASSWORD}"))
    assert ["host"] == [change.field for _, change in changed_fields(done.plan)]


async def test_a_tenant_is_made_where_its_domain_is_said(applies: Applier, api: Api) -> None:
    """With what it has; without a domain there is nobody to apply it to."""
    text = "tenant: {name: north, sip_domain: north.example.com, language: de}\n" + COMPANY
    done = await applies.apply(text)
    again = await applies.plan(text)

    assert [("added", "tenant north"), ("added", "mailbox 8001")] == done.outcomes[:2]
    assert ((), 5) == (again.objects, again.unchanged)
    assert [1] == [row["n"] for row in api.rows("SELECT count(DISTINCT tenant_id) AS n FROM mailboxes")]
    ((line, said),) = await refusals(applies, "tenant: {name: south}")
    assert line == 1
    assert said.startswith("tenant.name: There is no tenant south. Name another one, or give it a sip_domain")


async def test_what_a_tenant_says_for_its_mailboxes_is_set_and_taken_back(applies: Applier) -> None:
    """Limits and words of mails; what is left out stays, and null takes back what may be left to others."""
    await applies.apply("tenant: {retain_days: 60, trash_days: 7, email_subject: ours, max_messages: 5}")
    done = await applies.plan("tenant: {trash_days: null, email_subject: null}")
    (changed,) = done.objects

    assert ['email_subject: "ours" → null', "trash_days: 7 → null"] == sorted(
        f"{each.field}: {each.old} → {each.new}" for each in changed.changes
    )


async def test_codes_and_reserved_numbers(applies: Applier) -> None:
    """A feature keeps its code where the file says nothing; a range that changes is reserved anew."""
    first = await applies.apply(
        "feature-codes: [{feature: closed-now, code: '*17'}]\n"
        "reserved-numbers: [{first: '9000', last: '9009'}, {first: '9100'}]\n"
    )
    second = await applies.apply(
        "reserved-numbers: [{first: '9000', last: '9019', note: lift}]\n", prune=True
    )

    assert [
        ("added", "reserved numbers 9000"),
        ("added", "reserved numbers 9100"),
        ("changed", "feature code closed-now"),
    ] == first.outcomes
    assert [("changed", "reserved numbers 9000"), ("removed", "reserved numbers 9100")] == second.outcomes


def codes(api: Api) -> dict[str, str]:
    """Return which code does which feature."""
    return {row["feature"]: row["code"] for row in api.rows("SELECT feature, code FROM feature_codes")}


async def test_codes_change_places_in_one_run(applies: Applier, api: Api) -> None:
    """Two of them, and three in a round of which one begins as another does; each is one change."""
    two = "feature-codes: [{feature: closed-now, code: '*38'}, {feature: queue-log-in, code: '*16'}]"
    three = (
        "feature-codes: [{feature: closed-now, code: '*39'}, {feature: queue-log-in, code: '*381'},"
        " {feature: queue-log-out, code: '*16'}]"
    )
    first = await applies.apply(two)
    swapped = codes(api)
    second = await applies.apply(three)
    again = await applies.plan(three)

    assert [
        ("changed", "feature code closed-now"),
        ("changed", "feature code queue-log-in"),
    ] == first.outcomes
    assert ("*38", "*16") == (swapped["closed-now"], swapped["queue-log-in"])
    assert 3 == len(second.outcomes)
    assert ("*39", "*381", "*16") == tuple(
        codes(api)[feature] for feature in ("closed-now", "queue-log-in", "queue-log-out")
    )
    assert () == again.objects


async def test_codes_that_clash_with_one_that_stays_are_refused(applies: Applier, api: Api) -> None:
    """As many faults as there are such entries, and nothing is changed."""
    before = codes(api)
    ((line, said),) = await refusals(applies, "feature-codes:\n  - {feature: closed-now, code: '*57'}")

    assert 2 == line
    assert said.startswith("feature-codes[0].code: *57 is *57, the code of check-own-mailbox.")
    assert before == codes(api)


async def test_a_pin_may_stand_in_a_file_of_its_own(applies: Applier, api: Api, tmp_path: Path) -> None:
    """Beside the tenant's file; the same one again is no change, another one is, and a plan shows none."""
    text = "mailboxes: [{number: 8001, display_name: Team, pin_file: pins/team}]"
    path = tmp_path / "pins/team"
    path.parent.mkdir()
    path.write_text(f"{PIN}\n")
    first = await applies.apply(text, folder=tmp_path)
    again = await applies.apply(text, folder=tmp_path)
    path.write_text(OTHER_PIN)
    changed = await applies.apply(text, folder=tmp_path)
    (row,) = api.rows("SELECT pin_hash FROM mailboxes")

    assert [["pin set"], [], ["pin changed"]] == [
        [one.note for one in run.plan.objects] for run in (first, again, changed)
    ]
    assert () == tuple(made for run in (first, again, changed) for made in run.made)
    assert await applies.to.hasher.verify(row["pin_hash"], Pin(OTHER_PIN))
    assert not [pin for pin in (PIN, OTHER_PIN) if pin in str([first.plan, changed.plan])]


async def test_a_pin_in_a_file_that_is_no_good_is_told_there(applies: Applier, tmp_path: Path) -> None:
    """The fault names the field that the file has, and not the PIN."""
    (tmp_path / "pin").write_text("7777")
    file = read_declaration(
        b"mailboxes:\n  - number: 8001\n    display_name: Team\n    pin_file: pin\n", {}, folder=tmp_path
    )
    with pytest.raises(RefusedFile) as caught:
        await plan_file(applies.to, file, prune=False)

    assert [(4, "mailboxes[0].pin_file")] == [(fault.line, fault.path) for fault in caught.value.faults]
    assert "7777" not in str(caught.value)


@asynccontextmanager
async def contended(database: Database, times: int) -> AsyncIterator[None]:
    """Have PostgreSQL end so many transactions that make a mailbox, as it ends one of a deadlock."""
    contend = f"""
        CREATE FUNCTION contend() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF nextval('tries') <= {times} THEN
                RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01';
            END IF;
            RETURN NEW;
        END $$"""
    made = (
        # A sequence is not rolled back.
        "CREATE SEQUENCE tries",
        contend,
        "CREATE TRIGGER contend BEFORE INSERT ON mailboxes FOR EACH ROW EXECUTE FUNCTION contend()",
    )
    try:
        async with database.transaction() as session:
            for statement in made:
                await session.execute(sql(statement))
        yield
    finally:
        async with database.transaction() as session:
            await session.execute(sql("DROP FUNCTION contend CASCADE"))
            await session.execute(sql("DROP SEQUENCE tries"))


async def test_a_deadlock_is_survived(applies: Applier, api: Api, database: Database) -> None:
    """PostgreSQL ends one of two who wait for each other; that one is done again, once."""
    file = read_declaration(COMPANY.encode(), {})
    plan = await plan_file(applies.to, file, prune=False)
    async with contended(database, 1):
        await apply_file(applies.to, file, prune=False, shown=plan)

    assert [{"n": 5}] == api.rows("SELECT count(*) AS n FROM numbers")


async def test_who_never_gets_through_is_told_so(applies: Applier, api: Api, database: Database) -> None:
    """It is no fault of the database's, and nothing of the file is there."""
    file = read_declaration(COMPANY.encode(), {})
    plan = await plan_file(applies.to, file, prune=False)
    before = counts(api)
    refused = []
    async with contended(database, 4):
        for run in (
            plan_file(applies.to, file, prune=False),
            apply_file(applies.to, file, prune=False, shown=plan),
        ):
            with pytest.raises(ChangedMeanwhile) as caught:
                await run
            refused.append(str(caught.value))

    sentence = "Somebody changed the same objects at the same time. Nothing was applied: run it again."
    assert [sentence] * 2 == refused
    assert before == counts(api)


async def test_outcomes_are_told_in_the_order_of_the_sections(applies: Applier) -> None:
    """Whatever the order of the file."""
    sections = re.split(r"\n(?=[a-z])", COMPANY)
    plan = await applies.plan("\n".join(reversed(sections)))

    assert (4, [("added", "mailbox 8001"), ("added", "extension 101")]) == (len(sections), outcomes(plan)[:2])
