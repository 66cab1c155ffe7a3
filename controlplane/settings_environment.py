"""How the settings are written in the environment: secrets from files, lists, and what is said of a fault."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable, Mapping
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

PREFIX = "CONTROLPLANE_"
_SECRETS = (
    "database_url",
    "link_key",
    "fastagi.secret",
    "manager.secret",
    "outbound_socket.secret",
    "event_socket.password",
    "smtp.password",
    "smtp.oauth_client_secret",
    "smtp.oauth_refresh_token",
    "pins.keys",
)
_LISTS = (
    "sip.local_networks",
    "fastagi.allowed_addresses",
    "outbound_socket.allowed_addresses",
    "smtp.retry_seconds",
)


class SettingsError(Exception):
    """A setting is missing or wrong; the sentence names it and the remedy."""


def variable(*path: str) -> str:
    """Return the name of the variable of a setting."""
    return PREFIX + "__".join(path).upper()


def prepared(environment: Mapping[str, str], groups: Iterable[str]) -> dict[str, str]:
    """Read the `_FILE`s of secrets, write lists as JSON, and see that a whole group is JSON.

    Raises SettingsError.
    """
    read = dict(environment)
    for secret in _SECRETS:
        _read_file(read, variable(*secret.split(".")))
    for name in (variable(*each.split(".")) for each in _LISTS):
        if name in read:
            read[name] = _as_json(name, read[name])
    for name in map(variable, groups):
        if name in read and not _is_json_object(read[name]):
            raise SettingsError(f"{name}: this is a group; set one of its settings, {name}__….")
    return read


def sentence(error: ValidationError, groups: Mapping[str, type[BaseModel]]) -> str:
    """Say what is wrong, each variable by its name, and never a value that could be a secret."""
    missing: list[str] = []
    faults: list[str] = []
    for fault in error.errors(include_input=False, include_url=False):
        # The place within a list is of no use: the list is one variable.
        path = [part for part in fault["loc"] if isinstance(part, str)]
        text = " ".join(str(fault["msg"]).removeprefix("Value error, ").split())
        if fault["type"] != "missing":
            faults.append(f"{variable(*path)}: {text}" if path else text)
        elif len(path) == 1 and path[0] in groups:
            fields = groups[path[0]].model_fields
            missing += [variable(path[0], name) for name, field in fields.items() if field.is_required()]
        else:
            missing.append(variable(*path))
    if missing:
        faults.insert(
            0, f"set {', '.join(missing)}: there is no default for {'them' if missing[1:] else 'it'}"
        )
    return "; ".join(faults)


def parse_networks(networks: tuple[str, ...]) -> tuple[str, ...]:
    """Return them if each is an IP network or address; raises ValueError naming the first that is not."""
    for network in networks:
        ipaddress.ip_network(network, strict=False)
    return networks


def parse_port_range(text: str) -> str:
    """Return `low-high` if it is a range of ports; raises ValueError."""
    low, _, high = text.partition("-")
    if not 1 <= int(low) <= int(high) <= 65535:  # noqa: PLR2004 (the highest port)
        raise ValueError("write low-high, from 1 to 65535, the lower one first")
    return text


def parse_public_url(text: str) -> str:
    """Return an http or https URL without the slash at its end; raises ValueError."""
    remedy = "write http://host or https://host, with a port or a path if there is one"
    try:
        url = urlsplit(text)
        fit = url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError as error:
        raise ValueError(remedy) from error
    if not fit or url.query or url.fragment or "@" in url.netloc or not text.isprintable() or " " in text:
        raise ValueError(remedy)
    return text.rstrip("/")


def parse_token_url(text: str | None) -> str | None:
    """Return an https URL, http only of this machine itself; raises ValueError: secrets are sent there."""
    if text is None:
        return None
    remedy = "write https://host/path"
    try:
        url = urlsplit(text)
        here = url.hostname in {"127.0.0.1", "::1", "localhost"}
        fit = url.scheme == "https" or (url.scheme == "http" and here)
        fit = fit and bool(url.hostname) and url.port != 0
    except ValueError as error:
        raise ValueError(remedy) from error
    if not fit or "@" in url.netloc or not text.isprintable() or " " in text:
        raise ValueError(remedy)
    return text


def parse_sender(text: str) -> str:
    """Return what From can say: an address, with or without a name; raises ValueError."""
    # Only where it is set: the library takes its time to be read.
    from email.headerregistry import Address  # noqa: PLC0415 (see above)

    _, address = parseaddr(text)
    local, _, domain = address.rpartition("@")
    remedy = "write a mail address, such as Voicemail <voicemail@example.org>"
    if not (local and domain) or not text.isprintable():
        raise ValueError(remedy)
    try:
        domain = domain if domain.isascii() else domain.encode("idna").decode("ascii")
        # The library reads no letters beyond ASCII before the @, but writes them.
        Address(addr_spec="".join(char if char.isascii() else "x" for char in local) + f"@{domain}")
    except (ValueError, IndexError, TypeError) as error:
        raise ValueError(remedy) from error
    return text


def _read_file(read: dict[str, str], name: str) -> None:
    path = read.pop(f"{name}_FILE", None)
    if path is None:
        return
    if name in read:
        raise SettingsError(f"Set {name} or {name}_FILE, not both.")
    try:
        read[name] = Path(path).read_text().strip()
    except OSError as error:
        raise SettingsError(f"{name}_FILE: cannot read {path} ({error.strerror}).") from error
    except UnicodeDecodeError:
        raise SettingsError(f"{name}_FILE: {path} is no text.") from None


def _as_json(name: str, text: str) -> str:
    if not text.lstrip().startswith("["):
        return json.dumps([part.strip() for part in text.split(",") if part.strip()])
    try:
        json.loads(text)
    except ValueError:
        raise SettingsError(f'{name}: write a list as `a, b` or as JSON, `["a", "b"]`.') from None
    return text


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
