"""The doctor's findings about what is broken, each with what to do."""

from __future__ import annotations

import json
import os
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from controlplane.entrypoints.doctor import (
    Check,
    check_calls,
    check_database,
    check_folders,
    check_mail,
    check_prompts,
    check_revision,
    check_switch,
    check_web,
    examine,
    main,
)
from controlplane.entrypoints.doctor_access import listener
from controlplane.entrypoints.doctor_hours import check_hours
from controlplane.entrypoints.doctor_machine import check_clock, check_ports
from controlplane.entrypoints.doctor_numbers import check_numbers
from controlplane.entrypoints.doctor_pins import check_pin_keys
from controlplane.entrypoints.doctor_portal import check_portal
from controlplane.entrypoints.doctor_trunks import check_trunks
from controlplane.entrypoints.findings import Finding
from controlplane.entrypoints.private_settings import written_environment
from controlplane.services.pin_hashing import make_key
from controlplane.settings import Settings, load
from controlplane.storage.database import Database
from controlplane.supervisor.postgres import EmbeddedPostgres
from tests.support.api import Api
from tests.support.installation import new_database
from tests.support.portal import make_user
from tests.support.rows import add_mailbox
from tests.support.smtp_server import certificate, smtp_server
from tests.support.token_server import token_server


def settings(folder: Path, **more: str) -> Settings:
    """Return settings in which nothing runs: port 1 is nobody's."""
    paths = {
        name: str(folder / name.lower())
        for name in ("RECORDINGS", "SPOOL", "PROMPTS", "CONFIGURATION", "MAIL")
    }
    return load(
        {
            "CONTROLPLANE_PRIVATE": "true",
            "CONTROLPLANE_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
            "CONTROLPLANE_HTTP__PORT": "1",
            "CONTROLPLANE_FASTAGI__PORT": "1",
            "CONTROLPLANE_MANAGER__PORT": "1",
            **{f"CONTROLPLANE_PATHS__{name}": path for name, path in paths.items()},
            **more,
        }
    )


@pytest.mark.parametrize(
    "check",
    [
        check_database,
        check_folders,
        check_prompts,
        check_web,
        check_calls,
        check_switch,
        check_revision,
        check_trunks,
        check_hours,
        check_portal,
    ],
)
async def test_what_is_missing_is_found(tmp_path: Path, check: Check) -> None:
    """Each check says what to do when what it looks at is not there."""
    findings = await examine(settings(tmp_path), [check])

    assert [] == [finding for finding in findings if finding.remedy is None]


@pytest.mark.parametrize("check", [check_calls, check_switch, check_revision])
async def test_what_is_missing_of_a_freeswitch_is_found(tmp_path: Path, check: Check) -> None:
    """The same of a FreeSWITCH that does not run."""
    findings = await examine(
        settings(
            tmp_path,
            CONTROLPLANE_SWITCH="freeswitch",
            CONTROLPLANE_OUTBOUND_SOCKET__PORT="1",
            CONTROLPLANE_EVENT_SOCKET__PORT="1",
        ),
        [check],
    )

    assert [] == [finding for finding in findings if finding.remedy is None]


@pytest.mark.parametrize("switch", ["asterisk", "freeswitch"])
async def test_numbers_are_compared_beside_a_switch_with_phones_of_its_own(
    tmp_path: Path, switch: str
) -> None:
    """What cannot be compared is a finding there; where the phones are ours the dialplan is too."""
    beside = settings(tmp_path, CONTROLPLANE_SWITCH=switch, CONTROLPLANE_SIP__PHONES="false")
    own = settings(tmp_path, CONTROLPLANE_SWITCH=switch)
    (finding,) = await examine(beside, [check_numbers])

    assert ("numbers", True) == (finding.subject, finding.remedy is not None)
    assert [] == await examine(own, [check_numbers])


async def test_a_freeswitch_without_event_socket_is_found(tmp_path: Path) -> None:
    """One sentence says what is missing, another one what to load and to compare."""
    (finding,) = await check_switch(
        settings(tmp_path, CONTROLPLANE_SWITCH="freeswitch", CONTROLPLANE_EVENT_SOCKET__PORT="1")
    )

    assert "The event socket cannot be reached." == finding.found
    assert "Start FreeSWITCH with mod_event_socket" in (finding.remedy or "")


@pytest.mark.parametrize(
    ("days", "wrong", "words"),
    [
        (30, False, "known until"),
        (29, True, "end in less than 30 days"),
        (0, True, "end on"),
        (None, True, "today"),
    ],
)
async def test_hours_that_end_soon_are_found(
    tmp_path: Path, days: int | None, wrong: bool, words: str
) -> None:
    """The switch would be open all day after the last file that it has."""
    folder = tmp_path / "configuration/hours/11111111-1111-4111-8111-111111111111"
    folder.mkdir(parents=True)
    today = datetime.now(UTC).date()
    for ahead in range(-1, 0 if days is None else days + 1):
        (folder / f"{today + timedelta(days=ahead):%Y%m%d}").write_text("0" * 1440)
    (finding,) = await check_hours(settings(tmp_path))

    assert (wrong, True) == (finding.remedy is not None, words in finding.found)


async def test_no_hours_are_fine(tmp_path: Path) -> None:
    """Whoever made none is always open."""
    (tmp_path / "configuration/hours").mkdir(parents=True)
    (finding,) = await check_hours(settings(tmp_path))

    assert (None, "there are none: always open") == (finding.remedy, finding.found)


async def test_a_migrated_database_is_fine(tmp_path: Path, database_url: str) -> None:
    """The newest schema is recognised."""
    (finding,) = await check_database(settings(tmp_path, CONTROLPLANE_DATABASE_URL=database_url))

    assert (None, True) == (finding.remedy, finding.found.startswith("answers, schema"))


async def test_database_without_tables_hides_no_finding(tmp_path: Path, postgres: EmbeddedPostgres) -> None:
    """Before the first `migrate` each check says something, and those that need a table say what to run."""
    with new_database(postgres, "no_tables") as url:
        findings = await examine(settings(tmp_path, CONTROLPLANE_DATABASE_URL=url))
    remedies = {each.subject: each.remedy for each in findings}

    assert "Run `controlplane migrate`." == remedies["database"] == remedies["portal"]
    assert {"folder spool", "web", "calls", "mail"} <= remedies.keys()


async def test_check_that_fails_itself_is_a_finding(tmp_path: Path) -> None:
    """It is named with its error, and the others are told all the same."""

    async def check_the_moon(_: Settings, /) -> list[Finding]:
        raise KeyError("crater")

    first, second = await examine(settings(tmp_path), [check_the_moon, check_web])

    assert ("the moon", "could not be looked at (KeyError: 'crater')") == (first.subject, first.found)
    assert (True, "web") == (first.remedy is not None, second.subject)


async def test_folders_that_can_be_written_are_fine(tmp_path: Path) -> None:
    """The test file is removed again."""
    for name in ("recordings", "spool", "prompts", "configuration", "mail"):
        (tmp_path / name).mkdir()
    findings = await check_folders(settings(tmp_path))

    assert ([], 5) == ([each for each in findings if each.remedy is not None], len(findings))
    assert [] == list(tmp_path.glob("*/*"))


async def test_a_mail_server_that_is_away_is_found(tmp_path: Path) -> None:
    """A host was set and does not answer."""
    (finding,) = await check_mail(
        settings(tmp_path, CONTROLPLANE_SMTP__HOST="127.0.0.1", CONTROLPLANE_SMTP__PORT="1")
    )

    assert finding.remedy == "Correct CONTROLPLANE_SMTP__*."


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ((200, {"access_token": "good", "expires_in": 3600}), "takes our log-in"),
        ((401, {"error": "invalid_client"}), "refused the log-in (401 invalid_client)"),
    ],
)
async def test_log_in_by_a_token_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: tuple[int, dict[str, object]], found: str
) -> None:
    """With XOAUTH2 a token is fetched and shown to the mail server, and what was refused is said."""
    server_tls, _ = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    async with smtp_server(starttls=server_tls, log_in=True) as server, token_server(answer) as tokens:
        server.good_tokens.add("good")
        (finding,) = await check_mail(
            settings(
                tmp_path,
                CONTROLPLANE_SMTP__HOST="127.0.0.1",
                CONTROLPLANE_SMTP__PORT=str(server.port),
                CONTROLPLANE_SMTP__USERNAME="voicemail@example.com",
                CONTROLPLANE_SMTP__OAUTH_TOKEN_URL=tokens.url,
                CONTROLPLANE_SMTP__OAUTH_CLIENT_ID="client",
                CONTROLPLANE_SMTP__OAUTH_CLIENT_SECRET="secret",
            )
        )

    assert found in finding.found
    assert (answer[0] != 200) == (finding.remedy is not None)


async def test_an_installation_without_switch_is_not_asked_for_one(tmp_path: Path) -> None:
    """With `switch=none` nothing about calls is looked at."""
    none = settings(tmp_path, CONTROLPLANE_SWITCH="none")

    assert [] == await examine(none, [check_switch, check_calls, check_revision])


@pytest.mark.parametrize(("private", "way"), [(True, "controlplane up"), (False, "create-admin")])
async def test_portal_that_nobody_manages_is_told(
    tmp_path: Path, database_url: str, *, private: bool, way: str
) -> None:
    """With the way to the first admin; it is no fault."""
    known = settings(tmp_path, CONTROLPLANE_DATABASE_URL=database_url)
    (finding,) = await check_portal(known.model_copy(update={"private": private}))

    assert (None, True) == (finding.remedy, way in finding.found)


async def test_portal_with_an_admin_is_fine(tmp_path: Path, api: Api, database_url: str) -> None:
    """Somebody can sign in."""
    await make_user(api, "alice")
    (finding,) = await check_portal(settings(tmp_path, CONTROLPLANE_DATABASE_URL=database_url))

    assert (None, "a system admin can sign in") == (finding.remedy, finding.found)


async def test_clock_is_compared(tmp_path: Path, database_url: str) -> None:
    """With the database's and with that of the spool's disk."""
    made = settings(tmp_path, CONTROLPLANE_DATABASE_URL=database_url)
    made.paths.spool.mkdir()

    (finding,) = await examine(made, [check_clock])
    both = ", and so do the database and the disk of the spool"

    assert (None, True) == (finding.remedy, finding.found.endswith(both))


async def test_key_of_a_pin_that_is_not_set_is_found(
    tmp_path: Path, database: Database, database_url: str, default_tenant: UUID
) -> None:
    """With the number of PINs and the id of the key; where all are set, the newest one is named."""
    ours = settings(
        tmp_path, CONTROLPLANE_DATABASE_URL=database_url, CONTROLPLANE_PINS__KEYS=make_key("ours")
    )
    await add_mailbox(database, default_tenant, pin_hash="ours$argon2id$x")
    (fine,) = await examine(ours, [check_pin_keys])
    await add_mailbox(database, default_tenant, "8002", pin_hash="lost$argon2id$x")
    (wrong,) = await examine(ours, [check_pin_keys])

    assert (None, "those of all PINs are set; the newest is ours") == (fine.remedy, fine.found)
    assert "1 PINs were stored with lost, which is not set" == wrong.found
    assert "CONTROLPLANE_PINS__KEYS" in (wrong.remedy or "")


async def test_ports_of_phones_are_looked_at(tmp_path: Path) -> None:
    """Nothing on the SIP port and too few for audio are found; a switch of one's own is not asked."""
    few = settings(tmp_path, CONTROLPLANE_SIP__PORT="1", CONTROLPLANE_SIP__RTP_PORTS="10000-10009")
    beside = settings(tmp_path, CONTROLPLANE_SIP__PHONES="false")

    sip, audio = await examine(few, [check_ports])

    assert "nothing listens on 127.0.0.1:1" == sip.found
    assert ("10000-10009 are enough for 5 calls at once", True) == (audio.found, audio.remedy is not None)
    assert [] == await examine(beside, [check_ports])


def test_programs_read_the_findings_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each with its remedy, and whether all is well; the exit code says the same."""
    (tmp_path / "ready.json").touch()
    environment = {
        "CONTROLPLANE_PRIVATE": "true",
        "CONTROLPLANE_SWITCH": "none",
        "CONTROLPLANE_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
        "CONTROLPLANE_HTTP__PORT": "1",
        **{
            f"CONTROLPLANE_PATHS__{name}": str(tmp_path)
            for name in ("RECORDINGS", "SPOOL", "PROMPTS", "CONFIGURATION", "MAIL")
        },
    }
    (tmp_path / "environment").write_text(written_environment(environment))

    code = main(tmp_path, as_json=True)
    told = json.loads(capsys.readouterr().out)

    assert (1, False) == (code, told["ok"])
    assert {"ok", "subject", "found", "remedy"} == set(told["findings"][0])
    assert {each["remedy"] is None for each in told["findings"] if each["ok"]} == {True}
    web = next(each for each in told["findings"] if each["subject"] == "web")
    assert "Start `controlplane web`." == web["remedy"]


def test_who_listens_is_seen() -> None:
    """By the port, without any right."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = listener(server.getsockname()[1])
    assert found is not None
    assert (os.geteuid(), True) == (found.uid, found.groups is not None and os.getegid() in found.groups)
    assert listener(1) is None
