"""How each process tells the others that it runs, and what it cannot do."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from functools import partial

from controlplane.domain.presence import ProcessKind
from controlplane.entrypoints.monitoring import Check, faults_of
from controlplane.services.presence import Presence
from controlplane.storage.database import Database


def presence_of(database: Database, kind: ProcessKind, checks: Mapping[str, Check]) -> Presence:
    """Return what tells of this process; `checks` may be filled in afterwards."""
    return Presence(database, kind, host=socket.gethostname()[:64], faults=partial(faults_of, checks))
