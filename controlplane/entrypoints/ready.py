"""What `up` tells when everything runs: `ready.json` for programs, the same in words for people."""

from __future__ import annotations

import ipaddress
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from controlplane.settings import Settings
from controlplane.supervisor.state import StateFolder, write_private

FEATURE_CODE = "*56"


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """A phone's log-in; no password where the one in use was not made by us."""

    number: str
    sip_password: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What the first start made; no PIN if it was changed since. `greeting` is spoken by a job."""

    token_file: Path
    portal_link: str = field(repr=False)
    mailbox: str
    pin: str | None = field(repr=False)
    greeting: Path
    extensions: tuple[Extension, ...]


def reachable_host(listen: str, external: str | None) -> str:
    """Return the address that phones and browsers use: the outer, the listening, or the machine's own."""
    if external:
        return external
    if not ipaddress.ip_address(listen).is_unspecified:
        return listen
    # Connecting a datagram socket sends nothing; it asks the kernel which address would be ours.
    family, far = (socket.AF_INET6, "2001:db8::1") if ":" in listen else (socket.AF_INET, "192.0.2.1")
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((far, 9))
        except OSError:
            return "::1" if family is socket.AF_INET6 else "127.0.0.1"
        return str(probe.getsockname()[0])


def in_url(host: str) -> str:
    """Return a host as URLs spell it."""
    return f"[{host}]" if ":" in host else host


class ReadyFile:
    """Writes `ready.json` (mode 0600), and again whenever a process gets another id."""

    def __init__(self, state: StateFolder, settings: Settings, installation: Installation, host: str) -> None:
        self._path = state.ready_file
        self._content = _content(state, settings, installation, host)
        self._settings = settings
        self._installation = installation

    def write(self, pids: Mapping[str, int]) -> None:
        """Say that everything runs."""
        write_private(self._path, json.dumps({**self._content, "pids": dict(pids)}, indent=2) + "\n")

    def in_words(self, state: StateFolder) -> str:
        """Return the same for people."""
        told, box = self._content, self._installation
        lines = [
            ("Portal", f"{told['portal_link']} (signs you in, once; later {told['portal_url']})"),
            ("API", f"{told['api_url']} (its page: {told['api_url']}/docs; token in {told['token_file']})"),
        ]
        if told["sip_uri"] is not None:
            lines += [
                ("Leave a message", f"dial {told['sip_uri']}"),
                (
                    "Hear it",
                    f"dial {FEATURE_CODE}{box.mailbox} from an extension; PIN {box.pin or 'changed since'}",
                ),
            ]
            lines += [
                (f"Extension {each.number}", f"SIP password {each.sip_password or 'changed since'}")
                for each in box.extensions
            ]
        mail = self._settings.smtp.host
        lines += [
            ("Mail", f"sent by {mail}" if mail else f"captured in {told['mail_dir']}"),
            ("Logs", str(state.logs)),
            ("Stop", "Ctrl-C"),
        ]
        width = max(len(name) for name, _ in lines)
        return "\n".join(f"  {name:<{width}}  {text}" for name, text in lines)


def _content(
    state: StateFolder, settings: Settings, installation: Installation, host: str
) -> dict[str, object]:
    has_switch = settings.switch != "none"
    return {
        "api_url": f"{settings.http.public_url}/api/v1",
        "portal_url": f"{settings.http.public_url}/",
        "portal_link": installation.portal_link,
        "sip_uri": f"sip:{installation.mailbox}@{in_url(host)}:{settings.sip.port}" if has_switch else None,
        "switch": settings.switch,
        "token_file": str(installation.token_file),
        "mail_dir": str(settings.paths.mail),
        "mailbox": {"number": installation.mailbox, "pin": installation.pin},
        "extensions": [
            {"number": each.number, "sip_password": each.sip_password} for each in installation.extensions
        ],
        "state_dir": str(state.root),
        "log_dir": str(state.logs),
        "spool_dir": str(settings.paths.spool),
        "recordings_dir": str(settings.paths.recordings),
        "prompts_dir": str(settings.paths.prompts),
        "configuration_dir": str(settings.paths.configuration),
        "database_url": settings.database_url.get_secret_value(),
        **_switch(settings),
    }


def _switch(settings: Settings) -> dict[str, object]:
    """Return where the switch and we meet; the other switch's entry is null."""
    asterisk: dict[str, object] | None = None
    freeswitch: dict[str, object] | None = None
    if settings.switch == "freeswitch":
        freeswitch = {
            "outbound_socket_port": settings.outbound_socket.port,
            "event_socket_host": settings.event_socket.host,
            "event_socket_port": settings.event_socket.port,
            "event_socket_password": settings.event_socket.password.get_secret_value(),
        }
    elif settings.switch == "asterisk":
        asterisk = {
            "ami_host": settings.manager.host,
            "ami_port": settings.manager.port,
            "ami_username": settings.manager.username,
            "ami_secret": settings.manager.secret.get_secret_value(),
        }
    return {
        "fastagi": {"host": settings.fastagi.host, "port": settings.fastagi.port},
        "asterisk": asterisk,
        "freeswitch": freeswitch,
    }
