"""What must hold of docker-compose.yml so that its services find each other; each rule names what breaks it.

The settings are read by the program itself, from the environment and the secret files that the
service gets, and nothing else. Beside that the rules know only what each process does: which
folders it uses, which settings two processes must agree on, and where something listens.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from controlplane.settings import Settings, SettingsError, load
from tests.support.compose_file import COMPLETED, HEALTHY, ROOT, Mount, Plan, Service

SECRETS = "/run/secrets/"
SWITCHES = ("freeswitch", "asterisk")

# Which folders a command uses, and whether it writes them.
FOLDERS: Mapping[str, Mapping[str, bool]] = {
    "migrate": {},
    "prompts": {"prompts": True},
    "publish": {"prompts": False, "configuration": True},
    "web": {"recordings": True, "spool": True},
    "calls": {"recordings": True, "spool": True, "prompts": False, "configuration": False},
    "events": {},
    "jobs": {"recordings": True, "spool": True, "prompts": True, "configuration": True},
}
_SWITCH_FOLDERS = {"recordings": False, "spool": True, "prompts": False, "configuration": False}

# Which settings are one fact to several processes.
_AGREE: Mapping[str, tuple[set[str], Callable[[Settings], object]]] = {
    "SWITCH": ({"publish", "calls", "events", "jobs"}, lambda s: s.switch),
    "SIP": ({"publish", "jobs"}, lambda s: s.sip),
    "HTTP__PUBLIC_URL": ({"web", "jobs"}, lambda s: s.http.public_url),
    "LINK_KEY": ({"web", "jobs"}, lambda s: s.link_key),
    "PINS__KEYS": ({"web", "calls"}, lambda s: s.pins.keys),
    "where calls are asked for": (
        {"publish", "calls", "jobs"},
        lambda s: s.outbound_socket if s.switch == "freeswitch" else s.fastagi,
    ),
    "where the switch is asked": (
        {"publish", "events", "jobs"},
        lambda s: s.event_socket if s.switch == "freeswitch" else s.manager,
    ),
}
_DATABASE_FOLDER = "/var/lib/postgresql/data"


def settings_of(service: Service, secrets: Path) -> Settings:
    """Read the settings as the service would; a secret that it was not given is no file.

    Raises SettingsError.
    """

    def placed(value: str) -> str:
        if not value.startswith(SECRETS):
            return value
        name = value.removeprefix(SECRETS)
        return str(secrets / name if name in service.secrets else secrets / "not-given" / name)

    return load({name: placed(value) for name, value in service.environment.items()})


def is_ours(service: Service) -> bool:
    """Say whether it is a command of `controlplane` that reads the settings."""
    return service.image == "shared-voicemail" and service.name != "secrets"


def image_home(service: Service) -> str | None:
    """Return HOME of an image that is built here."""
    if service.context is None:
        return None
    found = re.search(r"HOME=(\S+)", (ROOT / service.context / "Dockerfile").read_text())
    return found[1] if found else None


def faults(plan: Plan, secrets: Path) -> list[str]:
    """Return a sentence for each fault; `secrets` is the folder of the files, named as in the plan."""
    found = [f"{name} in the .env is named nowhere" for name in sorted(plan.unused)]
    settings: dict[str, Settings] = {}
    for name, service in plan.services.items():
        if is_ours(service):
            try:
                settings[name] = settings_of(service, secrets)
            except SettingsError as error:
                found.append(f"{name}: {error}")
    for service in plan.services.values():
        found += (f"{service.name}: {text}" for text in _alone(plan, service))
    if len(settings) < sum(map(is_ours, plan.services.values())):
        return found  # What follows compares them.
    found += _agreement(settings)
    for name, read in settings.items():
        service = plan.services[name]
        for rule in (_folders, _names, _order, _listens):
            found += (f"{name}: {text}" for text in rule(plan, service, read))
    found += _switch(plan, settings["jobs"])
    found += _postgres(plan, settings["migrate"])
    found += _mail(plan, settings["jobs"])
    return found


def _alone(plan: Plan, service: Service) -> Iterator[str]:
    """Yield what is wrong with a service whatever the others are."""
    named = {
        value.removeprefix(SECRETS) for value in service.environment.values() if value.startswith(SECRETS)
    }
    if named != set(service.secrets):
        yield f"its variables name the secrets {sorted(named)}, it is given {sorted(service.secrets)}"
    if home := image_home(service):
        mount = service.mount_of(home)
        if mount is None or mount.read_only:
            yield f"its home {home} cannot be written"
    if not service.once and service.health is None:
        yield "it has no health check"
    if service.ports and not service.networks & plan.outer_networks:
        yield "its ports are published in no network that reaches the world"
    for mount in service.mounts:
        for other in plan.services.values():
            if other.once and other is not service and _writes(other, mount):
                condition = plan.ancestors(service.name).get(other.name)
                if condition != COMPLETED:
                    yield f"it does not wait for {other.name}, which fills {mount.source}"


def _writes(service: Service, mount: Mount) -> bool:
    return mount.source != "tmpfs" and any(
        m.source == mount.source and not m.read_only for m in service.mounts
    )


def _agreement(settings: Mapping[str, Settings]) -> Iterator[str]:
    for what, (names, value) in _AGREE.items():
        values = {name: value(settings[name]) for name in sorted(names)}
        if len({repr(each) for each in map(_revealed, values.values())}) > 1:
            yield f"{', '.join(values)} do not agree on {what}"


def _revealed(value: object) -> object:
    """Return a value with the secrets in it, which print as stars."""
    dump = getattr(value, "model_dump", None)
    read = dump() if dump else value
    if isinstance(read, dict):
        return {name: _revealed(each) for name, each in read.items()}
    reveal = getattr(read, "get_secret_value", None)
    return reveal() if reveal else read


def _folders(plan: Plan, service: Service, settings: Settings) -> Iterator[str]:
    for name, writes in FOLDERS[service.command[0]].items():
        path = str(getattr(settings.paths, name))
        mount = service.mount_of(path)
        if mount is None or mount.source == "tmpfs":
            yield f"{path} is on no volume"
        elif writes and mount.read_only:
            yield f"{path} cannot be written"
        elif mount.source != name:
            yield f"{path} is on the volume {mount.source}"


def _names(plan: Plan, service: Service, settings: Settings) -> Iterator[str]:
    """Yield each host that it names and cannot find."""
    for host in _hosts(service, settings):
        target = plan.services.get(host)
        if target is None:
            yield f"the host {host} is no service that runs"
        elif not plan.networks_of(service) & plan.networks_of(target):
            yield f"the host {host} is in no network of it"


def _hosts(service: Service, settings: Settings) -> list[str]:
    hosts = []
    if service.command[0] != "prompts":
        hosts.append(urlsplit(settings.database_url.get_secret_value()).hostname or "localhost")
    if service.command[0] == "jobs" and settings.smtp.host and "." not in settings.smtp.host:
        hosts.append(settings.smtp.host)
    return hosts


def _order(plan: Plan, service: Service, settings: Settings) -> Iterator[str]:
    before = plan.ancestors(service.name)
    wanted = {host: HEALTHY for host in _hosts(service, settings) if host in plan.services}
    if service.shares:
        wanted[service.shares] = HEALTHY
    if service.command[0] not in {"migrate", "prompts"}:
        wanted["migrate"] = COMPLETED
    yield from (
        f"it does not wait for {other} to be {how}"
        for other, how in wanted.items()
        if before.get(other) != how
    )


def _listens(_: Plan, service: Service, settings: Settings) -> Iterator[str]:
    if service.once:
        return
    port = settings.http.port if service.command[0] == "web" else settings.monitoring.port
    if service.health != ["controlplane", "health", "--port", str(port)]:
        yield f"its health check is not that of port {port}"
    if service.command[0] == "web":
        if settings.http.host.startswith("127."):
            yield "it listens where no published port leads"
        if [str(port)] * 2 != (service.ports or [""])[0].split(":")[1:]:
            yield f"its port {port} is not published"


def _switch(plan: Plan, settings: Settings) -> Iterator[str]:
    service = plan.services.get(settings.switch)
    if service is None:
        yield f"jobs: the switch {settings.switch} does not run"
        return
    for name, writes in _SWITCH_FOLDERS.items():
        path = str(getattr(settings.paths, name))
        mount = service.mount_of(path)
        if mount is None or mount.source != name:
            yield f"{service.name}: {path}, which its configuration names, is not on the volume {name}"
        elif writes and mount.read_only:
            yield f"{service.name}: {path} cannot be written"
    sip, rtp = settings.sip.port, settings.sip.rtp_ports
    if {f"{sip}:{sip}/udp", f"{sip}:{sip}/tcp", f"{rtp}:{rtp}/udp"} != set(service.ports):
        yield f"{service.name}: its ports for phones are not the published ones"
    if settings.sip.host.startswith("127."):
        yield f"{service.name}: it listens where no published port leads"
    environment = dict(service.environment)
    wanted = {"CONTROLPLANE_PATHS__CONFIGURATION": str(settings.paths.configuration)}
    if settings.switch == "freeswitch":
        wanted["CONTROLPLANE_EVENT_SOCKET__PORT"] = str(settings.event_socket.port)
        wanted["CONTROLPLANE_EVENT_SOCKET__PASSWORD_FILE"] = SECRETS + "event-socket"
    if environment != wanted:
        yield f"{service.name}: its variables are not {sorted(wanted)} with the values of jobs"


def _postgres(plan: Plan, settings: Settings) -> Iterator[str]:
    service = plan.services["postgres"]
    url = urlsplit(settings.database_url.get_secret_value())
    made = {
        "POSTGRES_USER": url.username,
        "POSTGRES_PASSWORD_FILE": SECRETS + "database-password",
    }
    if service.environment != made or url.path != f"/{url.username}":
        yield f"postgres: its variables do not make what the URL of migrate names: {sorted(made)}"
    mount = service.mount_of(_DATABASE_FOLDER)
    if mount is None or mount.source != "database":
        yield f"postgres: {_DATABASE_FOLDER} is on no volume"


def _mail(plan: Plan, settings: Settings) -> Iterator[str]:
    service = plan.services.get("mail")
    if service is None or settings.smtp.host != "mail":
        return
    if service.environment.get("MP_SMTP_BIND_ADDR") != f"0.0.0.0:{settings.smtp.port}":
        yield "mail: it does not listen where jobs sends to"
    page = service.environment.get("MP_UI_BIND_ADDR", "").rpartition(":")[2]
    if service.ports != [f"127.0.0.1:{page}:{page}"]:
        yield "mail: its page is not where its published port leads"
    if settings.smtp.security != "none":
        yield "mail: it speaks no TLS, and jobs wants it"
