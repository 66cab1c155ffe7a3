"""How each of our processes logs in at FreeSWITCH's event socket, out of the settings."""

from __future__ import annotations

from dataclasses import dataclass, field

from controlplane.domain.event_socket import EventSocketUser, user_password
from controlplane.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class LogIn:
    """A user of the directory with its password, or the socket's own password alone."""

    user: str | None
    password: str = field(repr=False)


def log_in_of(settings: Settings, user: EventSocketUser) -> LogIn:
    """Return how to log in as a user of ours; by the socket's own password where those are not in use."""
    secret = settings.event_socket.password.get_secret_value()
    if settings.event_socket_users:
        return LogIn(user=user.address, password=user_password(user, secret=secret))
    return LogIn(user=None, password=secret)
