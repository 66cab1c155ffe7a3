"""The settings of an `up`: what the user set, completed by folders, ports and secrets of the state folder."""

from __future__ import annotations

import base64
import secrets
import shlex
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from controlplane.entrypoints.ready import in_url
from controlplane.supervisor.ports import Ports
from controlplane.supervisor.state import StateFolder

_PIN_KEY_BYTES = 32
_PREFIX = "CONTROLPLANE_"
ENVIRONMENT_FILE = "environment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Where this `up` is reached: addresses and ports."""

    listen: str
    external_address: str | None
    host: str
    ports: Ports
    switch: str


def environment_of(
    user: Mapping[str, str], state: StateFolder, surroundings: Surroundings, *, database_url: str
) -> dict[str, str]:
    """Return the environment of every process of this `up`.

    Folders, ports and the secrets between our own processes are ours; anything else that the
    user set (mail, limits, keys) stays.
    """
    ports = surroundings.ports
    ours = {
        "PRIVATE": "true",
        "SWITCH": surroundings.switch,
        "DATABASE_URL": database_url,
        "PATHS__RECORDINGS": str(state.root / "recordings"),
        "PATHS__SPOOL": str(state.root / "spool"),
        "PATHS__PROMPTS": str(state.root / "prompts"),
        "PATHS__CONFIGURATION": str(state.root / "configuration"),
        "PATHS__MAIL": str(state.root / "mail"),
        "HTTP__HOST": surroundings.listen,
        "HTTP__PORT": str(ports.http),
        **_of_switch(state, surroundings),
        "SIP__HOST": surroundings.listen,
        "SIP__PORT": str(ports.sip),
        "SIP__RTP_PORTS": ports.rtp,
    }
    if surroundings.external_address is not None:
        ours["SIP__EXTERNAL_ADDRESS"] = surroundings.external_address
    chosen = {_PREFIX + name: value for name, value in ours.items()}
    result = {
        name: value for name, value in user.items() if name.removesuffix("_FILE") not in chosen
    } | chosen
    usual = {
        "HTTP__PUBLIC_URL": f"http://{in_url(surroundings.host)}:{ports.http}",
        "LINK_KEY": state.secret("link-key", random_secret),
        "PINS__KEYS": state.secret("pin-keys", pin_key),
        "CALLS__DRAIN_SECONDS": "5",
    }
    for name, value in usual.items():
        if f"{_PREFIX}{name}_FILE" not in result:
            result.setdefault(_PREFIX + name, value)
    # One port for three processes would be taken by the first of them; `up` asks them otherwise.
    result.pop(f"{_PREFIX}MONITORING__PORT", None)
    # Children are started by the path of this checkout, wherever `up` was started from.
    package_root = str(Path(__file__).resolve().parents[2])
    paths = [package_root, *filter(None, result.get("PYTHONPATH", "").split(":"))]
    result["PYTHONPATH"] = ":".join(dict.fromkeys(paths))
    return result


def _of_switch(state: StateFolder, surroundings: Surroundings) -> dict[str, str]:
    """Return the two ports between the switch and us: one that we listen on, one that it does."""
    ours, its = str(surroundings.ports.fastagi), str(surroundings.ports.manager)
    if surroundings.switch == "freeswitch":
        return {
            "OUTBOUND_SOCKET__HOST": "127.0.0.1",
            "OUTBOUND_SOCKET__PORT": ours,
            "OUTBOUND_SOCKET__SECRET": state.secret("outbound-socket", random_secret),
            "EVENT_SOCKET__HOST": "127.0.0.1",
            "EVENT_SOCKET__PORT": its,
            "EVENT_SOCKET__PASSWORD": state.secret("event-socket", random_secret),
        }
    return {
        "FASTAGI__HOST": "127.0.0.1",
        "FASTAGI__PORT": ours,
        "FASTAGI__SECRET": state.secret("fastagi", random_secret),
        "MANAGER__HOST": "127.0.0.1",
        "MANAGER__PORT": its,
        "MANAGER__SECRET": state.secret("manager", random_secret),
    }


def written_environment(environment: Mapping[str, str]) -> str:
    """Return our settings as lines that a shell can read (`set -a; . .state/environment`)."""
    ours = {name: value for name, value in environment.items() if name.startswith(_PREFIX)}
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in sorted(ours.items()))


def read_environment(text: str) -> dict[str, str]:
    """Read what `written_environment` wrote."""
    pairs = (word.partition("=") for word in shlex.split(text))
    return {name: value for name, _, value in pairs}


def random_secret() -> str:
    """Return a secret that nobody guesses, without a character that a URL or a shell would change."""
    return secrets.token_urlsafe(32)


def pin_key() -> str:
    """Return a line `id:base64` for CONTROLPLANE_PINS__KEYS."""
    key = base64.b64encode(secrets.token_bytes(_PIN_KEY_BYTES)).decode()
    return f"{uuid.uuid4().hex[:8]}:{key}"
