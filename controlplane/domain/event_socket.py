"""Who may do what at FreeSWITCH's event socket: users of ours in its directory, limited to what each needs.

The switch limits a user's events, API commands and view of the log. It limits neither `sendevent`
nor `sendmsg`, so a password of these is as secret as any (docs/adr/0015-event-socket-users.md).
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

DOMAIN: Final = "cp-event-socket"
"""The domain of the directory that holds them and nobody else."""


class EventSocketUser(StrEnum):
    """A user, named after who logs in by it."""

    EVENTS = "events"
    CONTROL = "control"
    DOCTOR = "doctor"

    @property
    def address(self) -> str:
        """The user as `userauth` wants it."""
        return f"{self.value}@{DOMAIN}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What a user may subscribe to, and which API commands it may run; nothing is said by `none`."""

    events: tuple[str, ...] = ("none",)
    api: tuple[str, ...] = ("none",)


RIGHTS: Final = {
    # Behind CUSTOM stand the subclasses.
    EventSocketUser.EVENTS: Rights(
        events=(
            "RECORD_STOP",
            "HEARTBEAT",
            "MESSAGE_QUERY",
            "PRESENCE_PROBE",
            "CUSTOM",
            "sofia::register",
            "sofia::unregister",
            "sofia::expire",
            # Trunks: what providers answer to registrations.
            "sofia::gateway_state",
            "vm::maintenance",
        )
    ),
    # Nothing that shows a password, as xml_locate does.
    EventSocketUser.CONTROL: Rights(
        api=(
            "reloadxml",
            "global_getvar",
            "list_users",
            # Gateways: which a profile knows, and that it shall look again. It could stop a profile, too.
            "sofia",
            "uptime",
            "uuid_exists",
            # Call queues: read anew, listed, and agents that are gone deleted.
            "callcenter_config",
            # Of mod_voicemail, where it takes messages.
            "vm_fsdb_msg_list",
            "vm_fsdb_msg_get",
            "vm_delete",
        )
    ),
    EventSocketUser.DOCTOR: Rights(api=("version", "module_exists", "xml_locate", "list_users")),
}


def user_password(user: EventSocketUser, *, secret: str) -> str:
    """Return the password of a user, which leads neither to the secret nor to another user's."""
    return hmac.new(secret.encode(), f"event-socket-user {user.value}".encode(), hashlib.sha256).hexdigest()
