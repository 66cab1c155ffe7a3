"""`controlplane doctor`: looks at an installation from all sides, says what is wrong and what to do.

Each check is a function that returns findings; none of them changes anything but a test file
that it removes again.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import Awaitable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

import aiosmtplib
from sqlalchemy.exc import ProgrammingError

from controlplane.domain.errors import DeliveryError, SwitchUnavailable, Unavailable
from controlplane.entrypoints import migrate
from controlplane.entrypoints.doctor_access import check_access
from controlplane.entrypoints.doctor_freeswitch import check_freeswitch
from controlplane.entrypoints.doctor_hours import check_hours
from controlplane.entrypoints.doctor_lamps import check_lamps
from controlplane.entrypoints.doctor_machine import answers, check_clock, check_ports
from controlplane.entrypoints.doctor_numbers import check_numbers
from controlplane.entrypoints.doctor_pins import check_pin_keys
from controlplane.entrypoints.doctor_portal import check_portal
from controlplane.entrypoints.doctor_prompts import check_prompts
from controlplane.entrypoints.doctor_publishing import check_edited_files
from controlplane.entrypoints.doctor_trunks import check_trunks
from controlplane.entrypoints.findings import Finding
from controlplane.entrypoints.half_restored import check_restore
from controlplane.entrypoints.mail_server import access_tokens
from controlplane.entrypoints.private_settings import ENVIRONMENT_FILE, read_environment
from controlplane.entrypoints.publish import control_of
from controlplane.settings import Settings, load
from controlplane.storage import revisions
from controlplane.storage.database import Database
from controlplane.supervisor.asterisk_tree import OLDEST_MAJOR
from controlplane.supervisor.faults import CannotStart
from controlplane.supervisor.state import about_half_restored, is_half_restored
from controlplane.switches.asterisk.ami import AmiClient, agrees

_FREE_BYTES = 100_000_000
_SECONDS = 5.0
_PUBLISH = "Run `controlplane publish`."
_CONTEXTS = ("cp-number", "cp-mailbox", "cp-check", "cp-fallback")
_MODULES = (
    "app_record", "func_cut", "func_env", "func_timeout", "func_uri", "res_agi", "format_wav", "pbx_config",
    "res_pjsip", "func_devstate", "func_hangupcause", "func_rand",
)  # fmt: skip


class Check(Protocol):
    """A function that looks at one thing."""

    __name__: str

    def __call__(self, settings: Settings, /) -> Awaitable[list[Finding]]:
        """Return what was found."""


async def check_database(settings: Settings) -> list[Finding]:
    """The database answers and has the newest schema."""
    try:
        present, newest = await asyncio.to_thread(migrate.revisions, settings)
    except Unavailable as error:
        return [
            Finding(subject="database", found=str(error), remedy="Start PostgreSQL, or correct the address.")
        ]
    if present != newest:
        found = f"its schema is {present or 'empty'}, the newest is {newest}"
        return [Finding(subject="database", found=found, remedy="Run `controlplane migrate`.")]
    return [Finding(subject="database", found=f"answers, schema {newest}")]


async def check_folders(settings: Settings) -> list[Finding]:
    """Every folder can be written and has room."""
    paths = settings.paths
    named = {
        "recordings": paths.recordings,
        "spool": paths.spool,
        "prompts": paths.prompts,
        "configuration": paths.configuration,
    }
    if settings.smtp.host is None and paths.mail is not None:
        named["mail"] = paths.mail
    findings = [_folder(name, path) for name, path in named.items()]
    if all(path.is_dir() for path in named.values()):
        devices = {name: path.stat().st_dev for name, path in named.items()}
        if devices["spool"] != devices["recordings"]:
            findings.append(
                Finding(
                    subject="folders", found="spool and recordings are on different disks, both must last"
                )
            )
    return findings


async def check_calls(settings: Settings) -> list[Finding]:
    """`calls` listens where the dialplan sends calls."""
    if settings.switch == "none":
        return []
    listen = settings.outbound_socket if settings.switch == "freeswitch" else settings.fastagi
    place = f"{listen.host}:{listen.port}"
    if await answers(listen.host, listen.port):
        return [Finding(subject="calls", found=f"listens on {place}")]
    return [
        Finding(subject="calls", found=f"nothing listens on {place}", remedy="Start `controlplane calls`.")
    ]


async def check_web(settings: Settings) -> list[Finding]:
    """`web` listens."""
    place = f"{settings.http.host}:{settings.http.port}"
    target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.http.host, settings.http.host)  # noqa: S104 (compared)
    if await answers(target, settings.http.port):
        return [Finding(subject="web", found=f"listens on {place}")]
    return [Finding(subject="web", found=f"nothing listens on {place}", remedy="Start `controlplane web`.")]


async def check_switch(settings: Settings) -> list[Finding]:
    """The switch answers, is new enough, and has the modules and contexts that calls need."""
    match settings.switch:
        case "none":
            return []
        case "freeswitch":
            return await check_freeswitch(settings)
        case "asterisk":
            return await _asterisk(settings)


async def _asterisk(settings: Settings) -> list[Finding]:
    manager = settings.manager
    try:
        async with AmiClient.connected(
            manager.host,
            manager.port,
            username=manager.username,
            secret=manager.secret.get_secret_value(),
            events="off",
            seconds=_SECONDS,
        ) as client:
            version = (await client.action("CoreSettings")).get("AsteriskVersion")
            missing = [
                name for name in _MODULES if not await agrees(client.action("ModuleCheck", Module=name))
            ]
            contexts = [
                name
                for name in _CONTEXTS
                if not await agrees(client.list_action("ShowDialPlan", Context=name))
            ]
    except SwitchUnavailable as error:
        remedy = (
            f"Start Asterisk, and compare its manager.conf with CONTROLPLANE_MANAGER__*"
            f" ({manager.host}:{manager.port})."
        )
        return [Finding(subject="Asterisk", found=str(error), remedy=remedy)]
    return [_version(version), *_absent(missing, contexts)]


async def check_revision(settings: Settings) -> list[Finding]:
    """The switch runs the configuration that was published last."""
    control = control_of(settings)
    if control is None:
        return []
    database = Database(settings.sqlalchemy_url, pool_size=1, timeout_seconds=_SECONDS)
    try:
        running = (await control.live_configuration()).digest
        async with database.transaction() as session:
            published = await revisions.live_digest(session)
            latest = await revisions.latest(session)
    except Unavailable as error:
        return [Finding(subject="configuration", found=str(error), remedy="See the findings above.")]
    finally:
        await database.close()
    if latest is not None and latest.state == "failed":
        found = f"the last one was refused: {latest.error}"
        return [Finding(subject="configuration", found=found, remedy=_PUBLISH)]
    if published is None:
        return [Finding(subject="configuration", found="none is published", remedy=_PUBLISH)]
    if published != running:
        found = f"the switch runs {(running or 'nothing of ours')[:12]}, published is {published[:12]}"
        return [Finding(subject="configuration", found=found, remedy=_PUBLISH)]
    return [Finding(subject="configuration", found=f"revision {published[:12]} is live")]


async def check_mail(settings: Settings) -> list[Finding]:
    """The mail server greets and takes our log-in; nothing is sent."""
    smtp = settings.smtp
    if smtp.host is None:
        return [Finding(subject="mail", found=f"is captured in {settings.paths.mail}")]
    tokens = access_tokens(smtp)
    client = aiosmtplib.SMTP(
        hostname=smtp.host,
        port=smtp.port,
        timeout=min(smtp.timeout_seconds, 2 * _SECONDS),
        use_tls=smtp.security == "tls",
        start_tls=smtp.security == "starttls",
        username=smtp.username,
        password=None if smtp.password is None else smtp.password.get_secret_value(),
        oauth_token_generator=None if tokens is None else tokens.token,
    )
    try:
        await client.connect()
        await client.quit()
    except DeliveryError as error:
        return [Finding(subject="mail", found=error.sentence, remedy="Correct CONTROLPLANE_SMTP__OAUTH_*.")]
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        found = f"{smtp.host}:{smtp.port} does not take our mail ({type(error).__name__})"
        return [Finding(subject="mail", found=found, remedy="Correct CONTROLPLANE_SMTP__*.")]
    return [Finding(subject="mail", found=f"{smtp.host}:{smtp.port} takes our log-in")]


CHECKS: tuple[Check, ...] = (
    check_database,
    check_restore,
    check_pin_keys,
    check_folders,
    check_access,
    check_clock,
    check_prompts,
    check_web,
    check_portal,
    check_calls,
    check_switch,
    check_lamps,
    check_ports,
    check_revision,
    check_edited_files,
    check_numbers,
    check_trunks,
    check_hours,
    check_mail,
)


async def examine(settings: Settings, checks: Iterable[Check] = CHECKS) -> list[Finding]:
    """Run the checks side by side; the findings are in the order of the checks.

    One that fails itself is a finding too: the others are worth knowing all the more.
    """
    results = await asyncio.gather(*(_findings(check, settings) for check in checks))
    return [finding for findings in results for finding in findings]


async def _findings(check: Check, settings: Settings) -> list[Finding]:
    subject = check.__name__.removeprefix("check_").replace("_", " ")
    try:
        return await check(settings)
    except ProgrammingError:
        found = "the database has not the tables that this version needs"
        return [Finding(subject=subject, found=found, remedy="Run `controlplane migrate`.")]
    except Exception as error:  # noqa: BLE001 (whatever it is, it is said)
        found = f"could not be looked at ({type(error).__name__}: {error})"
        return [Finding(subject=subject, found=found, remedy="See the other findings; else report this one.")]


def main(state_dir: Path | None, *, as_json: bool = False) -> int:
    """Print the findings; returns 1 if something is wrong. Raises SettingsError or CannotStart."""
    settings = load() if state_dir is None else settings_of(state_dir)
    findings = asyncio.run(examine(settings))
    if as_json:
        listed = [{"ok": finding.remedy is None, **asdict(finding)} for finding in findings]
        print(json.dumps({"ok": all(each["ok"] for each in listed), "findings": listed}, indent=2))
        return 0 if all(each["ok"] for each in listed) else 1
    for finding in findings:
        mark = "ok   " if finding.remedy is None else "WRONG"
        print(f"{mark}  {finding.subject}: {finding.found}")
        if finding.remedy is not None:
            print(f"       {finding.remedy}")
    return 1 if any(finding.remedy is not None for finding in findings) else 0


def settings_of(state_dir: Path) -> Settings:
    """Return the settings of a running `up`; raises CannotStart if none runs there."""
    if is_half_restored(state_dir):
        raise CannotStart(about_half_restored(state_dir))
    try:
        (state_dir / "ready.json").stat()
        written = (state_dir / ENVIRONMENT_FILE).read_text()
    except OSError:
        raise CannotStart(f"Nothing runs in {state_dir}: start it with `controlplane up`.") from None
    return load({**os.environ, **read_environment(written)})


def _folder(name: str, path: Path) -> Finding:
    subject = f"folder {name}"
    try:
        with tempfile.NamedTemporaryFile(dir=path, prefix=".doctor-"):
            pass
        free = shutil.disk_usage(path).free
    except OSError as error:
        found = f"{path} cannot be written ({error.strerror})"
        return Finding(subject=subject, found=found, remedy="Make it, or give it to the user who runs this.")
    if free < _FREE_BYTES:
        return Finding(subject=subject, found=f"{path} has {free // 1_000_000} MB free", remedy="Make room.")
    return Finding(subject=subject, found=f"{path} can be written, {free // 1_000_000} MB free")


def _version(version: str) -> Finding:
    major = version.removeprefix("certified/").split(".")[0].split("-")[-1]
    if not major.isdigit() or int(major) < OLDEST_MAJOR:
        return Finding(
            subject="Asterisk", found=f"is {version}", remedy=f"Install Asterisk {OLDEST_MAJOR} or later."
        )
    return Finding(subject="Asterisk", found=f"answers, version {version}")


def _absent(modules: list[str], contexts: list[str]) -> list[Finding]:
    findings = []
    if modules:
        remedy = "Load them in modules.conf."
        findings.append(Finding(subject="modules", found=f"not loaded: {', '.join(modules)}", remedy=remedy))
    else:
        findings.append(Finding(subject="modules", found="those that calls need are loaded"))
    if contexts:
        remedy = "Include our contexts in its extensions.conf, and publish."
        findings.append(Finding(subject="dialplan", found=f"lacks {', '.join(contexts)}", remedy=remedy))
    else:
        findings.append(Finding(subject="dialplan", found="has our contexts"))
    return findings
