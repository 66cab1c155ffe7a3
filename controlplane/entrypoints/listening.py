"""Opens a port for HTTP, or says which setting to change."""

from __future__ import annotations

import os
import socket

from controlplane.supervisor.faults import CannotStart

_BACKLOG = 2048


def listen(host: str, port: int, *, group: str) -> socket.socket:
    """Return a listening socket; raises CannotStart naming the settings of `group`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        # The library adds the address to the system's words; a host that is not known has its own.
        words = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        raise CannotStart(
            f"Cannot listen on {host}:{port} ({words}): "
            f"set CONTROLPLANE_{group}__HOST and CONTROLPLANE_{group}__PORT."
        ) from error
