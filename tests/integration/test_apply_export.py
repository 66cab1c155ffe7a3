"""A tenant written as a file: what was exported changes nothing, and makes the same tenant elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from controlplane.apply.declaration import KEYS, read_declaration
from controlplane.apply.exporting import export_file
from controlplane.domain.errors import NotFound
from controlplane.domain.numbers import Feature
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from tests.support.api import Api
from tests.support.applying import Applier, applier

PIN, PASSWORD = "290174", "Wq7-vmZ9_xbT2"

EVERYTHING = f"""\
tenant:
  name: default
  sip_domain: localhost
  language: de
  time_zone: Europe/Berlin
  retain_days: 60
  trash_days: 7
  max_messages: 5
  max_total_seconds: 900
  email_subject: "{{{{ CALLER_NAME }}}} called"
  email_introduction: Dear all
reserved-numbers: [{{first: "9000", last: "9099", note: the old system}}]
feature-codes: [{{feature: closed-now, code: "*17", enabled: false}}]
office-hours:
  - name: default
    time_zone: America/New_York
    week:
      monday: [{{start: "08:00", end: "12:00"}}, {{start: "13:00", end: "24:00"}}]
    holidays: [{{name: "Año nuevo", first_day: "2026-12-31", last_day: "2027-01-01", every_year: true}}]
  - {{name: never, week: {{}}}}
  - {{name: always}}
trunks:
  - {{name: account, host: sip.example.com, port: 5080, username: u, password: "{PASSWORD}", did_in: to}}
  - {{name: peer, addresses: [192.0.2.1, 198.51.100.0/28], enabled: false}}
mailboxes:
  - number: "8001"
    display_name: "yes: #1"
    pin: "{PIN}"
    language: en-GB
    pin_required: false
    enabled: false
    email_recipients: [a@example.com, b@example.com]
    email_notification: true
    email_attachment: false
    email_attachment_format: wav
    email_attachment_max_mb: 7
    email_notice_only: [b@example.com]
    after_mail: mark_read
    email_subject: "{{{{ CALLER_NAME }}}}: yes"
    email_introduction: |
      Dear all,

      {{{{ DURATION }}}}
    say_datetime: 24h
    review: true
    operator_number: "6100"
    log_in_from_greeting: true
    min_message_seconds: 0
    max_message_seconds: 99
    retain_days: 0
    trash_days: 3
    max_messages: 12
    max_total_seconds: 3600
    source_greetings: [{{source: "+49301234", greeting: "true", language: de}}, {{source: "6100"}}]
    kind_greetings:
      - {{kind: temporary, greeting: "until: 12:30", last_day: "2026-12-24"}}
      - {{kind: holiday, source: "+49301234", language: de, greeting: "no"}}
      - {{kind: standard, language: de, greeting: "Line one.\\nLine two: “ours”"}}
      - {{kind: busy, source: "6100", language: en-GB, greeting: "null"}}
  - {{number: "8002", display_name: "007"}}
extensions:
  - number: "101"
    display_name: "null"
    sip_password: "{PASSWORD}"
    rules:
      office_hours: never
      exceptions:
        - {{caller: "4930*", destination: {{action: ring}}, when: outside_hours}}
        - {{caller: "49301-49309", destination: {{action: forward_to_number, number: "8002"}}}}
      always: {{office_hours: {{action: ring}}, outside_hours: {{action: forward_to_number, number: "6100"}}}}
      do_not_disturb_destination: {{office_hours: {{action: hangup}}}}
      busy: {{office_hours: {{action: forward_to_voicemail}}, holidays: {{action: hangup}}}}
      no_answer: {{office_hours: {{action: forward_to_voicemail}}}}
      no_answer_seconds: 12
      not_registered: {{office_hours: {{action: forward_to_number, number: "8002"}}}}
      mailbox: "8001"
      mwi_mailboxes: ["8002", "8001"]
  - {{number: "102", display_name: Bob}}
ring-groups:
  - number: "6100"
    display_name: "~"
    members: ["101", "102"]
    strategy: in_order
    ring_seconds: 7
    total_seconds: 70
    skip_busy: false
    no_answer: {{action: repeat}}
    office_hours: default
    closed: {{action: forward_to_voicemail, number: "101"}}
call-queues:
  - number: "6200"
    display_name: "12:30"
    agents: ["102"]
    strategy: least_worked
    ring_seconds: 6
    wrap_up_seconds: 0
    max_wait_seconds: 61
    no_answer: {{action: forward_to_number, number: "8002"}}
    wait_without_agents: true
    no_agents: {{action: hangup}}
    max_callers: 3
    full: {{action: forward_to_number, number: "8002"}}
    exit_key: "#"
    exit: {{action: forward_to_number, number: "8002"}}
    closed: {{action: hangup}}
virtual-receptionists:
  - number: "6000"
    display_name: "- Main"
    greeting: "Line one.\\n  Line two: 100 % “ours”. \\u2028 \\U0001F600"
    language: de
    keys:
      - keys: "1"
        destination:
          office_hours: {{action: forward_to_number, number: "6100"}}
          holidays: {{action: repeat}}
      - {{keys: "*#09", destination: {{office_hours: {{action: forward_to_voicemail, number: "101"}}}}}}
    dial_extensions: false
    digit_gap_seconds: 3
    timeout_seconds: 5
    timeout_repeats: 0
    timeout: {{action: forward_to_number, number: "8002"}}
    call_failed: {{action: hangup}}
    fallback: "8002"
    office_hours: always
    closed: {{action: hangup}}
inbound-rules:
  - name: main
    dids: ["+4930123*", "49401-49409"]
    callers: ["+49171"]
    trunk: peer
    priority: 7
    enabled: false
    office_hours: never
    destination:
      office_hours: {{action: forward_to_number, number: "6000"}}
      outside_hours: {{action: forward_to_voicemail, number: "101"}}
      holidays: {{action: hangup}}
"""


@pytest.fixture
def applies(database: Database, jobs: Jobs) -> Iterator[Applier]:
    """Return what applies files."""
    with applier(database, jobs) as made:
        yield made


def _fields_set(text: str) -> dict[str, set[str]]:
    declared = read_declaration(text.encode(), {}).declaration
    return {
        section: {name for entry in declared.section(section) or () for name in entry.model_fields_set}
        for section in KEYS
    }


async def test_every_kind_with_every_field_round_trips(
    applies: Applier, database: Database, api: Api
) -> None:
    """Nothing to change afterwards; and not a secret in it."""
    await applies.apply(EVERYTHING)
    api.jobs()
    text = await export_file(database, tenant="default")
    again = await applies.apply(text, prune=True)

    assert ((), []) == (again.plan.objects, api.jobs())
    assert read_declaration(EVERYTHING.encode(), {}).declaration.tenant == (
        read_declaration(text.encode(), {}).declaration.tenant
    )
    assert not [secret for secret in (PIN, PASSWORD, "argon2") if secret in text]
    assert _fields_set(EVERYTHING).items() <= (
        {
            section: fields | {"pin", "sip_password", "password"} & _fields_set(EVERYTHING)[section]
            for section, fields in _fields_set(text).items()
        }.items()
    )


async def test_the_same_tenant_is_made_elsewhere(applies: Applier, database: Database) -> None:
    """A new tenant out of the file of another one has the same file, but for its name and domain."""
    await applies.apply(EVERYTHING.replace(", password:", ", enabled: true, password:"))
    text = await export_file(database, tenant="default")
    moved = text.replace("name: default, sip_domain: localhost", "name: north, sip_domain: north.example.com")
    # No two trunks share an address, and a password is not told.
    moved = re.sub(r"192\.0\.2\.1\b", "192.0.2.99", moved).replace("198.51.100.0/28", "198.51.100.128/28")
    moved = moved.replace("username: u", "username: u, password: '${SECRET}'")
    await applies.apply(moved, environment={"SECRET": PASSWORD})

    written = await export_file(database, tenant="north")
    assert moved.replace(", password: '${SECRET}'", "") == written


async def test_an_empty_tenant_is_a_file_too(applies: Applier, database: Database) -> None:
    """With all sections, so that it can be applied with --prune."""
    text = await export_file(database, tenant="default")
    declared = read_declaration(text.encode(), {}).declaration

    assert [(section, len(Feature) if section == "feature-codes" else 0) for section in KEYS] == [
        (section, len(declared.section(section) or ())) for section in KEYS
    ]
    assert () == (await applies.plan(text, prune=True)).objects


async def test_a_tenant_that_is_not_there_is_told(database: Database) -> None:
    """Its export has an end."""
    with pytest.raises(NotFound):
        await export_file(database, tenant="nowhere")
