"""Load by SIPp: the scenario of a caller who leaves a message, its run, and the times of each call."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import resource
import shutil
from dataclasses import dataclass
from pathlib import Path
from string import Template

MISSING = "`sipp` is missing here and makes the load: apt-get install sip-tester."
# Above the ports that Linux gives to outgoing connections, so that nobody else is met there.
RTP_FIRST = 63_000
_STOP_SECONDS = 60.0
_NICE = -15

# The words of SIPp stay in its brackets; each call's tag, number and times are known by its number.
_SCENARIO = Template("""\
<?xml version="1.0" encoding="UTF-8"?>
<scenario name="leave a message">
  <send retrans="500"><![CDATA[
INVITE sip:$number@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:$prefix[call_number]@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:$number@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:bench@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [rtpstream_audio_port] RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
  ]]></send>
  <recv response="100" optional="true"/>
  <recv response="180" optional="true"/>
  <recv response="183" optional="true"/>
  <recv response="200" rrs="true">
    <action><log message="answered [call_number] [timestamp]"/></action>
  </recv>
  <send><![CDATA[
ACK [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:$prefix[call_number]@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:$number@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0
  ]]></send>
  <nop><action><exec rtp_stream="$speech,-1,0"/></action></nop>
  <pause milliseconds="$milliseconds"/>
  <nop><action><log message="hung-up [call_number] [timestamp]"/></action></nop>
  <send retrans="500"><![CDATA[
BYE [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:$prefix[call_number]@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:$number@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: 2 BYE
Max-Forwards: 70
Content-Length: 0
  ]]></send>
  <recv response="200"/>
</scenario>
""")
_LINE = re.compile(r"(answered|hung-up) (\d+) \S+\s+\S+\s+(\d+\.\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Callers:
    """Who calls: `calls` of them, `rate` a second, each for `seconds` from the answer on.

    Number n (from 1) shows `<prefix>n` as its own. `speech` is G.711 mu-law without a header, and begins anew
    at its end.
    """

    number: str
    prefix: str
    calls: int
    rate: float
    seconds: float
    speech: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """When a call was answered and hung up, in seconds since 1970; None if that did not happen."""

    answered: float | None = None
    hung_up: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What SIPp did: the times of each call by the caller's number, its exit code, its own processor time."""

    times: dict[str, Times]
    exit_code: int
    cpu_seconds: float

    @property
    def hung_up(self) -> dict[str, float]:
        """The calls that were answered, and that the caller hung up."""
        return {
            number: times.hung_up
            for number, times in self.times.items()
            if times.hung_up is not None and times.answered is not None
        }


def scenario(callers: Callers) -> str:
    """Return the scenario as SIPp reads it."""
    return _SCENARIO.substitute(
        number=callers.number,
        prefix=callers.prefix,
        speech=callers.speech,
        milliseconds=round(callers.seconds * 1000),
    )


def read_log(text: str, prefix: str) -> dict[str, Times]:
    """Read the lines that the scenario writes; what SIPp itself says between them is passed over."""
    found: dict[str, dict[str, float]] = {}
    for what, call, at in _LINE.findall(text):
        found.setdefault(prefix + call, {})[what] = float(at)
    return {
        number: Times(answered=times.get("answered"), hung_up=times.get("hung-up"))
        for number, times in found.items()
    }


def command(
    callers: Callers, server: tuple[str, int], files: Path, *, sip_port: int, rtp_port: int
) -> list[str]:
    """Return the words that run SIPp; `files` is the scenario's path without its ending."""
    return [
        *("sipp", f"{server[0]}:{server[1]}", "-sf", f"{files}.xml", "-i", server[0], "-mi", server[0]),
        *("-p", str(sip_port), "-mp", str(rtp_port), "-m", str(callers.calls), "-r", str(callers.rate)),
        *("-l", str(callers.calls), "-trace_logs", "-log_file", f"{files}.log"),
        *("-trace_err", "-error_file", f"{files}.errors", "-timer_resol", "1", "-nostdin"),
    ]


def need_sipp() -> None:
    """Raise SystemExit with the remedy where SIPp is not installed."""
    if shutil.which("sipp") is None:
        raise SystemExit(MISSING)


async def call(callers: Callers, server: tuple[str, int], folder: Path, *, ports: tuple[int, int]) -> Load:
    """Run SIPp until its last call is over; `ports` are those of its SIP and of its first RTP."""
    files = folder / callers.prefix
    files.with_suffix(".xml").write_text(scenario(callers))
    before = _children_seconds()
    process = await asyncio.create_subprocess_exec(
        *command(callers, server, files, sip_port=ports[0], rtp_port=ports[1]),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=folder,
        start_new_session=True,
    )
    _first(process.pid)
    try:
        async with asyncio.timeout(callers.calls / callers.rate + callers.seconds + _STOP_SECONDS):
            exit_code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Load(
        times=read_log(files.with_suffix(".log").read_text(), callers.prefix),
        exit_code=exit_code,
        cpu_seconds=_children_seconds() - before,
    )


def _first(process: int) -> None:
    """Let it come before all others, where that is allowed: callers are elsewhere, and not late by our load.

    Where Linux shares the processor out by session, it is the session that counts.
    """
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, process, _NICE)
    with contextlib.suppress(OSError):
        Path(f"/proc/{process}/autogroup").write_text(str(_NICE))


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
