"""What `doctor` says of the machine: its clock, and the ports of phones."""

from __future__ import annotations

import asyncio
import socket
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select

from controlplane.domain.errors import Unavailable
from controlplane.entrypoints.findings import Finding
from controlplane.settings import Settings
from controlplane.storage.database import Database

_SECONDS = 5.0
_MOST_APART = 2.0
_PORTS_OF_A_CALL = 2
_CALLS_AT_LEAST = 10
# Nothing of ours is older: a clock before it was never set.
_WRITTEN = datetime(2026, 11, 1, tzinfo=UTC)
_KEEP = "Have the clocks of all machines kept by NTP (chrony, systemd-timesyncd)."


async def check_clock(settings: Settings) -> list[Finding]:
    """Our clock, that of the database and that of the spool's disk tell the same time."""
    here = datetime.now(UTC)
    if here < _WRITTEN:
        found = f"says {here:%Y-%m-%d %H:%M} UTC, which is past"
        return [Finding(subject="clock", found=found, remedy=_KEEP)]
    apart = {"the database": await _apart_from_database(settings)}
    apart["the disk of the spool"] = await asyncio.to_thread(_apart_from_disk, settings.paths.spool)
    known = {name: seconds for name, seconds in apart.items() if seconds is not None}
    wrong = [
        f"{name} by {abs(seconds):.0f} s" for name, seconds in known.items() if abs(seconds) > _MOST_APART
    ]
    if wrong:
        return [Finding(subject="clock", found=f"differs from that of {', '.join(wrong)}", remedy=_KEEP)]
    told = f", and so {'do' if len(known) > 1 else 'does'} {' and '.join(known)}" if known else ""
    return [Finding(subject="clock", found=f"says {here:%Y-%m-%d %H:%M} UTC{told}")]


async def check_ports(settings: Settings) -> list[Finding]:
    """Phones can reach the switch, and there are ports for their audio; of a switch that is ours alone."""
    if settings.switch == "none" or not settings.sip.phones:
        return []
    low, high = map(int, settings.sip.rtp_ports.split("-"))
    calls = (high - low + 1) // _PORTS_OF_A_CALL
    audio = Finding(
        subject="audio ports",
        found=f"{settings.sip.rtp_ports} are enough for {calls} calls at once",
        remedy=None if calls >= _CALLS_AT_LEAST else "Set a larger range: CONTROLPLANE_SIP__RTP_PORTS.",
    )
    place = f"{settings.sip.host}:{settings.sip.port}"
    target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.sip.host, settings.sip.host)  # noqa: S104 (compared)
    if await answers(target, settings.sip.port):
        return [Finding(subject="SIP port", found=f"the switch listens on {place}"), audio]
    remedy = "Start the switch; if another program has the port, set CONTROLPLANE_SIP__PORT and publish."
    return [Finding(subject="SIP port", found=f"nothing listens on {place}", remedy=remedy), audio]


async def answers(host: str, port: int) -> bool:
    """Say whether anything listens there."""
    try:
        async with asyncio.timeout(_SECONDS):
            _, writer = await asyncio.open_connection(host, port, family=socket.AF_UNSPEC)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


async def _apart_from_database(settings: Settings) -> float | None:
    database = Database(settings.sqlalchemy_url, pool_size=1, timeout_seconds=_SECONDS)
    try:
        async with database.transaction() as session:
            before = time.time()
            there = await session.scalar(select(func.extract("epoch", func.clock_timestamp())))
            after = time.time()
    except Unavailable:
        return None
    finally:
        await database.close()
    # What the question took is no difference.
    return float(there or 0) - min(max(float(there or 0), before), after)


def _apart_from_disk(folder: Path) -> float | None:
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as file:
            return Path(file.name).stat().st_mtime - time.time()
    except OSError:
        return None
