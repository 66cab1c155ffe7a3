"""The `.env` of the tests: another value than the usual one for everything that can be chosen."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tests.support.compose_file import EXAMPLE, read_variables

CHOSEN = {
    "EXTERNAL_ADDRESS": "192.0.2.10",
    "PUBLIC_URL": "https://voicemail.example.org",
    "SMTP_PORT": "1125",
    "SMTP_USERNAME": "somebody",
    "MAIL_SENDER": "Voicemail <voicemail@example.org>",
    "HTTP_ADDRESS": "127.0.0.2",
    "HTTP_PORT": "8100",
    "SIP_PORT": "5160",
    "RTP_PORTS": "17000-17099",
    "SUBNET": "172.30.1.0/24",
    "MAIL_UI_PORT": "8125",
    "OUTBOUND_SOCKET_PORT": "8184",
    "EVENT_SOCKET_PORT": "8121",
    "FASTAGI_PORT": "4673",
    "MANAGER_PORT": "5138",
    "CALLS_MONITORING_PORT": "9201",
    "EVENTS_MONITORING_PORT": "9202",
    "JOBS_MONITORING_PORT": "9203",
}


def example() -> str:
    """Return `.env.example` with every line in force that is a proposal."""
    return re.sub(r"^#([A-Z_]+=)", r"\1", EXAMPLE.read_text(), flags=re.MULTILINE)


def chosen(switch: str, **others: str) -> dict[str, str]:
    """Return the variables with this switch and these values."""
    given: Mapping[str, str] = {**CHOSEN, **others, "SWITCH": switch}
    read = read_variables(example(), given)
    assert set(given) <= set(read), f"{set(given) - set(read)} are not in .env.example"
    return read
