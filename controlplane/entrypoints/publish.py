"""Publishes the switch's configuration now: `controlplane publish`; and puts a publisher together."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from controlplane.callflows.prompts import PromptFiles
from controlplane.domain.errors import ControlPlaneError
from controlplane.domain.event_socket import EventSocketUser
from controlplane.entrypoints import migrate
from controlplane.entrypoints.deferring import jobs_of
from controlplane.entrypoints.event_socket import log_in_of
from controlplane.entrypoints.ready import reachable_host
from controlplane.rendering.context import (
    AgiContext,
    CallsContext,
    InstallationContext,
    ManagerContext,
    PathsContext,
    SipContext,
)
from controlplane.rendering.context_freeswitch import (
    EventSocketContext,
    FreeswitchCalls,
    FreeswitchInstallation,
    FreeswitchPaths,
    SocketContext,
)
from controlplane.rendering.environment import TEMPLATES
from controlplane.rendering.freeswitch import PROFILE
from controlplane.services.hours_files import reconcile_hours
from controlplane.services.lamps import LampControl
from controlplane.services.native_voicemail import NativeVoicemail
from controlplane.services.published_copies import CallFiles
from controlplane.services.publishing import (
    Outcome,
    Publisher,
    PublishResult,
    publish,
    publish_without_switch,
)
from controlplane.services.publishing_modes import adopt_default
from controlplane.services.rendered_configuration import Rendering
from controlplane.services.routes import reconcile_all_routes
from controlplane.services.switch_control import SwitchControl
from controlplane.services.tenants import get_tenant
from controlplane.settings import Settings
from controlplane.speech.cache import PromptCache
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs, make_app
from controlplane.storage.revision_folder import RevisionFolder
from controlplane.switches.asterisk.control import AsteriskControl
from controlplane.switches.freeswitch.control import FreeSwitchControl
from controlplane.switches.freeswitch.native import FreeSwitchNativeVoicemail


def routes_folder(settings: Settings) -> Path:
    """Return the folder of the route files."""
    return settings.paths.configuration.absolute() / "routes"


def hours_folder(settings: Settings) -> Path:
    """Return the folder of the files of office hours."""
    return settings.paths.configuration.absolute() / "hours"


def call_files(settings: Settings) -> CallFiles:
    """Return where the files are that the switch reads at each call."""
    return CallFiles(routes=routes_folder(settings), hours=hours_folder(settings))


def rendering_of(settings: Settings, prompts: PromptFiles) -> Rendering:
    """Return what rendering needs besides the database."""
    installation = _of_freeswitch(settings) if settings.switch == "freeswitch" else _of_asterisk(settings)
    return Rendering(templates=TEMPLATES, prompts=prompts, installation=installation)


def _of_asterisk(settings: Settings) -> InstallationContext:
    root = settings.paths.configuration.absolute()
    return InstallationContext(
        sip=_sip(settings),
        agi=AgiContext(
            address=_with_port(_reachable(settings.fastagi.host), settings.fastagi.port),
            secret=settings.fastagi.secret.get_secret_value(),
        ),
        manager=ManagerContext(
            port=settings.manager.port,
            username=settings.manager.username,
            secret=settings.manager.secret.get_secret_value(),
        ),
        paths=PathsContext(
            routes=root / "routes",
            greetings=root / "greetings",
            spool=settings.paths.spool.absolute(),
        ),
        calls=CallsContext(silence_seconds=settings.calls.silence_seconds),
    )


def _of_freeswitch(settings: Settings) -> FreeswitchInstallation:
    root = settings.paths.configuration.absolute()
    socket = settings.outbound_socket
    return FreeswitchInstallation(
        sip=_sip(settings),
        socket=SocketContext(
            address=_with_port(_reachable(socket.host), socket.port), secret=socket.secret.get_secret_value()
        ),
        event_socket=EventSocketContext(
            port=settings.event_socket.port, password=settings.event_socket.password.get_secret_value()
        ),
        paths=FreeswitchPaths(
            routes=root / "routes",
            greetings=root / "greetings",
            spool=settings.paths.spool.absolute(),
            live=root / "live" / "freeswitch",
        ),
        calls=FreeswitchCalls(silence_seconds=settings.calls.silence_seconds),
        native=settings.fallback == "native",
    )


def _sip(settings: Settings) -> SipContext:
    first, _, last = settings.sip.rtp_ports.partition("-")
    return SipContext(
        bind=_with_port(settings.sip.host, settings.sip.port),
        external_address=settings.sip.external_address,
        local_networks=_local_networks(settings),
        rtp_first=int(first),
        rtp_last=int(last),
        realm=settings.sip.realm,
        max_contacts=settings.sip.max_contacts,
        phones=settings.sip.phones,
    )


def control_of(settings: Settings) -> SwitchControl | None:
    """Return the control of the switch; None when there is none."""
    return _control_of(settings)


def lamp_control_of(settings: Settings) -> LampControl | None:
    """Return what tells phones of lamps; None without a switch."""
    return _control_of(settings)


def native_voicemail_of(settings: Settings) -> NativeVoicemail | None:
    """Return the switch's own voicemail; None unless it takes messages."""
    if settings.fallback != "native":
        return None
    return FreeSwitchNativeVoicemail(_freeswitch(settings), spool=settings.paths.spool)


def _control_of(settings: Settings) -> AsteriskControl | FreeSwitchControl | None:
    match settings.switch:
        case "asterisk":
            return _asterisk(settings)
        case "freeswitch":
            return _freeswitch(settings)
        case "none":
            return None


def _asterisk(settings: Settings) -> AsteriskControl:
    return AsteriskControl(
        host=settings.manager.host,
        port=settings.manager.port,
        username=settings.manager.username,
        secret=settings.manager.secret.get_secret_value(),
    )


def _freeswitch(settings: Settings) -> FreeSwitchControl:
    log_in = log_in_of(settings, EventSocketUser.CONTROL)
    return FreeSwitchControl(
        host=settings.event_socket.host,
        port=settings.event_socket.port,
        user=log_in.user,
        password=log_in.password,
        realm=settings.sip.realm,
        profile=PROFILE,
    )


def publisher_of(settings: Settings, database: Database, jobs: Jobs | None = None) -> Publisher:
    """Put a publisher together out of the settings; `jobs` for one that publishes tenants by hand."""
    return Publisher(
        database=database,
        folder=RevisionFolder(settings.paths.configuration.absolute()),
        rendering=rendering_of(settings, PromptCache(settings.paths.prompts)),
        control=control_of(settings),
        jobs=jobs,
    )


def main(
    settings: Settings, *, before_start: bool = False, overwrite: bool = False, tenant: str | None = None
) -> None:
    """Publish what waits of all tenants or of one, and verify; raises ControlPlaneError when that failed.

    All route files are reconciled. `before_start` writes for a switch that is about to start, and asks it
    nothing; what waits for a person goes on waiting. With `overwrite`, files of the live revision that were
    edited by hand are replaced and kept aside.
    """
    migrate.require(settings)
    if before_start:
        asyncio.run(_write(settings))
    else:
        asyncio.run(_publish(settings, overwrite=overwrite, tenant=tenant))


async def write_before_start(settings: Settings) -> PublishResult:
    """Write route files and configuration for a switch that is about to start."""
    database = Database(settings.sqlalchemy_url)
    try:
        await adopt_default(database, migrate.default_mode(settings))
        await reconcile_all_routes(database, routes_folder(settings))
        await reconcile_hours(database, hours_folder(settings))
        return await publish_without_switch(publisher_of(settings, database))
    finally:
        await database.close()


async def _write(settings: Settings) -> None:
    with _writable(settings):
        written = await write_before_start(settings)
    if written.outcome is Outcome.FAILED:
        raise ControlPlaneError(f"The switch's configuration cannot be made: {written.error}")
    print(f"Revision {(written.digest or '')[:12]} is written; the switch reads it when it starts.")


async def _publish(settings: Settings, *, overwrite: bool, tenant: str | None) -> None:
    database = Database(settings.sqlalchemy_url)
    files = call_files(settings)
    try:
        with _writable(settings):
            await adopt_default(database, migrate.default_mode(settings))
            waiting = None if tenant is None else [(await get_tenant(database, name=tenant)).id]
            async with make_app(settings.database_url.get_secret_value()).open_async() as app:
                publisher = publisher_of(settings, database, jobs_of(settings, app))
                result = await publish(publisher, by="cli", overwrite=overwrite, waiting=waiting, files=files)
            changed = await reconcile_all_routes(database, files.routes)
            await reconcile_hours(database, files.hours)
    finally:
        await database.close()
    match result.outcome:
        case Outcome.LIVE:
            print(f"Revision {(result.digest or '')[:12]} is live; {changed} route files changed.")
        case Outcome.PENDING:
            raise ControlPlaneError(
                f"Written, but the switch could not be asked to read it: {result.error or 'no answer'}"
            )
        case Outcome.FAILED:
            raise ControlPlaneError(f"Not published, the switch keeps what it had: {result.error}")


@contextmanager
def _writable(settings: Settings) -> Iterator[None]:
    """Say which folder it was that cannot be written."""
    try:
        yield
    except OSError as error:
        raise ControlPlaneError(
            f"{settings.paths.configuration} cannot be written ({error.strerror})."
        ) from error


def _local_networks(settings: Settings) -> tuple[str, ...]:
    """Add the switch's own address: Asterisk names the external one only in the place of a local one.

    Where the switch listens on all addresses its own one is known to `up` alone, which runs beside it.
    """
    networks = settings.sip.local_networks
    try:
        own = ipaddress.ip_address(settings.sip.host)
    except ValueError:
        return networks
    if own.is_unspecified:
        if not settings.private:
            return networks
        own = ipaddress.ip_address(reachable_host(settings.sip.host, None))
    if any(own in ipaddress.ip_network(network, strict=False) for network in networks):
        return networks
    return (*networks, str(ipaddress.ip_network(own)))


def _with_port(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _reachable(host: str) -> str:
    """Return where to connect to a server that listens on `host`."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if not address.is_unspecified:
        return host
    return "127.0.0.1" if address.version == 4 else "::1"  # noqa: PLR2004 (the number of the protocol)
