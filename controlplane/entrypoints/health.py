"""Asks a process of this host how it is: `controlplane health`, for the health checks of containers.

It is a program of its own because a slim image has no other that speaks HTTP.
"""

from __future__ import annotations

from http.client import HTTPConnection, HTTPException

from controlplane.domain.errors import ControlPlaneError

HOST, PATH, SECONDS = "127.0.0.1", "/readyz", 5.0
_OK = 200
_LONGEST = 4096


def main(*, port: int, host: str = HOST, path: str = PATH, seconds: float = SECONDS) -> None:
    """Print what it says; raises ControlPlaneError when it is not well or does not answer."""
    connection = HTTPConnection(host, port, timeout=seconds)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        said = answer.read(_LONGEST).decode(errors="replace").strip()
    except (OSError, HTTPException) as error:
        raise ControlPlaneError(f"{host}:{port} does not answer ({type(error).__name__}).") from error
    finally:
        connection.close()
    if answer.status != _OK:
        raise ControlPlaneError(f"{host}:{port}{path} says {answer.status}: {said}")
    print(said)
