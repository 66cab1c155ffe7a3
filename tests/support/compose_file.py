"""Reads docker-compose.yml as the engine would, as far as this project uses it, and strictly.

What it does not know it refuses, so that nothing of the file is silently left out of the tests.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
EXAMPLE = ROOT / ".env.example"
_VARIABLE = re.compile(r"\$\{(?P<name>[A-Z_]+)(?P<op>:-|:\?)?(?P<rest>[^{}]*)\}|\$(?P<other>.)")
_KNOWN = {
    "build", "cap_add", "cap_drop", "command", "cpu_shares", "depends_on", "environment", "group_add",
    "healthcheck", "image", "init", "logging", "network_mode", "networks", "ports", "profiles", "read_only",
    "restart", "secrets", "security_opt", "stop_grace_period", "tmpfs", "user", "volumes",
}  # fmt: skip
HEALTHY, COMPLETED = "service_healthy", "service_completed_successfully"


class ComposeFault(Exception):
    """The file, or what was made of it, is wrong; the sentence names the service."""


@dataclass(frozen=True, slots=True)
class Mount:
    """Something at a path of a container: a volume, a folder of the host or a tmpfs."""

    target: str
    source: str
    read_only: bool = False


@dataclass(slots=True)
class Service:
    """One service, every variable put in."""

    name: str
    image: str
    context: str | None
    command: list[str]
    environment: dict[str, str]
    mounts: list[Mount]
    secrets: list[str]
    depends_on: dict[str, str]
    health: list[str] | None
    ports: list[str]
    networks: set[str]
    shares: str | None
    once: bool
    raw: dict[str, Any] = field(repr=False)

    def mount_of(self, path: str) -> Mount | None:
        """Return what is mounted at a path or above it."""
        fitting = [m for m in self.mounts if path == m.target or path.startswith(f"{m.target}/")]
        return max(fitting, key=lambda mount: len(mount.target), default=None)


@dataclass(slots=True)
class Plan:
    """What `docker compose up` would run, and the service that is run by hand."""

    services: dict[str, Service]
    secrets: dict[str, str]
    outer_networks: set[str]
    """Those that reach the world."""
    unused: set[str]
    """Variables of the `.env` that nothing in the file names."""

    def networks_of(self, service: Service) -> set[str]:
        """Return the networks that a service is in, its own or those of the one whose network it shares."""
        return self.services[service.shares].networks if service.shares else service.networks

    def ancestors(self, name: str, over: frozenset[str] = frozenset()) -> dict[str, str]:
        """Return all that must be healthy or done before this starts, with how; raises ComposeFault."""
        if name in over:
            raise ComposeFault(f"{name} waits for itself")
        found: dict[str, str] = {}
        for other, condition in self.services[name].depends_on.items():
            found |= {**self.ancestors(other, over | {name}), other: condition}
        return found


def raw_file() -> dict[str, Any]:
    """Return the file with its anchors resolved, each place a copy of its own."""
    read = json.loads(json.dumps(yaml.safe_load(COMPOSE.read_text())))
    assert isinstance(read, dict)
    return read


def read_variables(text: str, given: Mapping[str, str]) -> dict[str, str]:
    """Read a `.env`; a variable may be put into a later one, and what is `given` wins over the file."""
    read: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if not equals or name.startswith("#"):
            continue
        known = {**read, **given}
        read[name] = given.get(name, re.sub(r"\$\{([A-Z_]+)\}", lambda m, known=known: known[m[1]], value))
    return read


def plan(raw: Mapping[str, Any], variables: Mapping[str, str], *, also: frozenset[str] = frozenset()) -> Plan:
    """Return what runs with these variables; `also` names profiles besides those of COMPOSE_PROFILES."""
    used = {"COMPOSE_PROFILES"}
    put = {
        section: _put_in(raw.get(section) or {}, variables, used)
        for section in ("services", "secrets", "volumes", "networks")
    }
    if unknown := {name for name in raw if not name.startswith("x-")} - {*put, "name"}:
        raise ComposeFault(f"the file has {', '.join(sorted(unknown))}, which the tests do not know")
    profiles = set(variables.get("COMPOSE_PROFILES", "").split(",")) | also
    enabled = {
        name: value
        for name, value in put["services"].items()
        if not value.get("profiles") or profiles & set(value["profiles"])
    }
    services = {
        name: _service(name, value, put, enabled=enabled, every=put["services"])
        for name, value in enabled.items()
    }
    secrets = {name: value["file"] for name, value in put["secrets"].items()}
    made = Plan(
        services=services,
        secrets=secrets,
        outer_networks={name for name, value in put["networks"].items() if not value.get("internal")},
        unused=set(variables) - used,
    )
    for name in services:
        made.ancestors(name)
    return made


def _put_in(value: Any, variables: Mapping[str, str], used: set[str]) -> Any:
    if isinstance(value, dict):
        return {name: _put_in(each, variables, used) for name, each in value.items()}
    if isinstance(value, list):
        return [_put_in(each, variables, used) for each in value]
    if not isinstance(value, str):
        return value

    def variable(match: re.Match[str]) -> str:
        if match["other"] is not None:
            raise ComposeFault(f"{value!r} has a variable without braces")
        used.add(match["name"])
        if text := variables.get(match["name"]):
            return text
        if match["op"] == ":-":
            return str(match["rest"])
        raise ComposeFault(f"{match['name']} is not set: {match['rest']}")

    return _VARIABLE.sub(variable, value)


def _service(
    name: str,
    value: Mapping[str, Any],
    put: Mapping[str, Any],
    *,
    enabled: Mapping[str, Any],
    every: Mapping[str, Any],
) -> Service:
    if unknown := set(value) - _KNOWN:
        raise ComposeFault(f"{name} has {', '.join(sorted(unknown))}, which the tests do not know")
    mounts = [_mount(name, volume, put["volumes"]) for volume in value.get("volumes", [])]
    mounts += [Mount(str(path).partition(":")[0], "tmpfs") for path in value.get("tmpfs", [])]
    secrets = list(value.get("secrets", []))
    if missing := set(secrets) - set(put["secrets"]):
        raise ComposeFault(f"{name} has the secret {', '.join(sorted(missing))}, which is not declared")
    mode = value.get("network_mode", "")
    shares = mode.removeprefix("service:") if mode.startswith("service:") else None
    if shares is not None and shares not in enabled:
        raise ComposeFault(f"{name} shares the network of {shares}, which does not run")
    networks = set(value.get("networks", []))
    if missing := networks - set(put["networks"]):
        raise ComposeFault(f"{name} is in the network {', '.join(sorted(missing))}, which is not declared")
    return Service(
        name=name,
        image=value["image"],
        context=(value.get("build") or {}).get("context"),
        command=[str(word) for word in value.get("command", [])],
        environment={key: str(each) for key, each in (value.get("environment") or {}).items()},
        mounts=mounts,
        secrets=secrets,
        depends_on=_dependencies(name, value.get("depends_on") or {}, enabled=enabled, every=every),
        health=_health(name, value.get("healthcheck")),
        ports=[str(port) for port in value.get("ports", [])],
        networks=networks,
        shares=shares,
        once=value.get("restart") == "no",
        raw=dict(value),
    )


def _mount(name: str, volume: Mapping[str, Any], declared: Mapping[str, Any]) -> Mount:
    if volume["type"] == "volume" and volume["source"] not in declared:
        raise ComposeFault(f"{name} mounts the volume {volume['source']}, which is not declared")
    return Mount(volume["target"], volume["source"], bool(volume.get("read_only")))


def _dependencies(
    name: str, wanted: Mapping[str, Any], *, enabled: Mapping[str, Any], every: Mapping[str, Any]
) -> dict[str, str]:
    kept = {}
    for other, how in wanted.items():
        if other not in every:
            raise ComposeFault(f"{name} waits for {other}, which does not exist")
        if how["condition"] not in {HEALTHY, COMPLETED}:
            raise ComposeFault(f"{name} waits for {other} to be {how['condition']}, which says nothing")
        if other in enabled:
            kept[other] = str(how["condition"])
        elif how.get("required", True):
            raise ComposeFault(f"{name} waits for {other}, which does not run")
    return kept


def _health(name: str, check: Mapping[str, Any] | None) -> list[str] | None:
    if check is None:
        return None
    kind, *words = check["test"]
    if kind != "CMD":
        raise ComposeFault(f"the health check of {name} is no plain command")
    return [str(word) for word in words]
