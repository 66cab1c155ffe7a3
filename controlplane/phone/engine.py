"""The SIP stack of the phone, in a process of its own: commands and facts as JSON lines.

pjsua2 aborts its process when objects are used from a second thread or outlive the library, so one
thread owns everything here, commands name calls by integers, and the end is `os._exit`. A process
holds at most 4 calls and 8 accounts (limits compiled into the wheel).

Run as `python -m controlplane.phone.engine '<json of EngineOptions>'`.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import sys
import time
from pathlib import Path
from typing import Any

import pjsua2 as pj

from controlplane.phone.closing import Closing

_IN_BAND = "in-band"
_NICE = -15
_SESSION = Path("/proc/self/autogroup")
# An answer that is lost is asked for again after 0.5 s and 1.5 s; a contact left behind rings for nobody.
_LEAVE_SECONDS = 2.5


class _Account(pj.Account):  # type: ignore[misc]  # the wheel has no types
    def __init__(self, engine: _Engine, name: str) -> None:
        super().__init__()
        self.engine = engine
        self.name = name
        self.is_leaving = False

    def onRegState(self, prm: Any) -> None:  # noqa: N802 (pjsua2's name)
        # Called with the last answer: after a challenge, that to the request with the password.
        self.is_leaving = False
        self.engine.tell("registration", account=self.name, code=prm.code, reason=prm.reason)

    def onIncomingCall(self, prm: Any) -> None:  # noqa: N802 (pjsua2's name)
        call = _Call(self.engine, self, self.engine.new_id(), call_id=prm.callId)
        info = call.getInfo()
        self.engine.calls[call.number] = call
        self.engine.tell("incoming", account=self.name, call=call.number, remote=info.remoteUri)
        ringing = pj.CallOpParam()
        ringing.statusCode = 180
        call.answer(ringing)


class _Player(pj.AudioMediaPlayer):  # type: ignore[misc]  # the wheel has no types
    def __init__(self, call: _Call) -> None:
        super().__init__()
        self.call = call

    def onEof2(self) -> None:  # noqa: N802 (pjsua2's name)
        self.call.engine.tell("said", call=self.call.number)


class _Call(pj.Call):  # type: ignore[misc]  # the wheel has no types
    def __init__(
        self, engine: _Engine, account: _Account, number: int, *, call_id: int = pj.PJSUA_INVALID_ID
    ) -> None:
        super().__init__(account, call_id)
        self.engine = engine
        self.number = number
        self.in_band = False
        self.recorder: Any = None
        self.recording: str | None = None
        self.player: Any = None
        self.media: Any = None

    def onCallSdpCreated(self, prm: Any) -> None:  # noqa: N802 (pjsua2's name)
        if not self.in_band:
            return
        # A phone that sends digits as tones does not offer telephone events.
        kept = [line for line in prm.sdp.wholeSdp.splitlines() if "telephone-event" not in line]
        numbers = {
            line.split()[0].split(":")[1]
            for line in prm.sdp.wholeSdp.splitlines()
            if "telephone-event" in line
        }
        lines = [
            " ".join(word for word in line.split(" ") if word not in numbers)
            if line.startswith("m=audio")
            else line
            for line in kept
            if not any(line.startswith(f"a=fmtp:{number} ") for number in numbers)
        ]
        prm.sdp.wholeSdp = "\r\n".join(lines) + "\r\n"

    def onCallState(self, prm: Any) -> None:  # noqa: N802, ARG002 (pjsua2's signature)
        info = self.getInfo()
        self.engine.tell(
            "state", call=self.number, state=info.stateText, code=info.lastStatusCode, reason=info.lastReason
        )
        if info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self.engine.ended.append(self.number)

    def onCallMediaState(self, prm: Any) -> None:  # noqa: N802, ARG002 (pjsua2's signature)
        info = self.getInfo()
        for index in range(len(info.media)):
            stream = info.media[index]
            if stream.type != pj.PJMEDIA_TYPE_AUDIO or stream.status != pj.PJSUA_CALL_MEDIA_ACTIVE:
                continue
            self.media = self.getAudioMedia(index)
            if self.recording is not None and self.recorder is None:
                self.recorder = pj.AudioMediaRecorder()
                self.recorder.createRecorder(self.recording)
                self.media.startTransmit(self.recorder)
            codec = self.getStreamInfo(index).codecName
            self.engine.tell("media", call=self.number, codec=codec)

    def say(self, path: str) -> None:
        self.player = _Player(self)
        self.player.createPlayer(path, pj.PJMEDIA_FILE_NO_LOOP)
        self.player.startTransmit(self.media)

    def let_go(self) -> Path | None:
        """Drop every object of this call in the order the library wants; return what it recorded."""
        recorded = None if self.recorder is None else Path(str(self.recording))
        self.player = None
        self.recorder = None
        self.media = None
        return recorded


class _Engine:
    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        # The library prints to the standard output before its log can be set; the facts keep it alone.
        self._facts = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)
        self.accounts: dict[str, _Account] = {}
        self.calls: dict[int, _Call] = {}
        self.ended: list[int] = []
        self._closing = Closing()
        self._last = 0
        self._library = pj.Endpoint()
        self._buffer = b""

    def new_id(self) -> int:
        self._last += 1
        return self._last

    def tell(self, fact: str, **values: Any) -> None:
        self._facts.write(json.dumps({"fact": fact, **values}) + "\n")
        self._facts.flush()

    def start(self) -> None:
        # Late audio is bad audio: on a busy machine we come first, where that is allowed. Where Linux shares
        # the processor out by session, the session is our own, and it is the session that counts.
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, _NICE)
        with contextlib.suppress(OSError):
            _SESSION.write_text(str(_NICE))
        self._library.libCreate()
        config = pj.EpConfig()
        config.uaConfig.threadCnt = 0
        config.uaConfig.mainThreadOnly = True
        config.uaConfig.userAgent = "shared-voicemail-phone"
        config.medConfig.noVad = not self.options.get("silence_suppression", False)
        config.medConfig.clockRate = 8000
        config.medConfig.sndClockRate = 8000
        config.medConfig.ecTailLen = 0
        config.logConfig.consoleLevel = 0
        config.logConfig.level = 4
        config.logConfig.filename = self.options.get("log", "")
        self._library.libInit(config)
        for kind in (pj.PJSIP_TRANSPORT_UDP, pj.PJSIP_TRANSPORT_TCP):
            transport = pj.TransportConfig()
            transport.port = 0
            transport.boundAddress = self.options["address"]
            self._library.transportCreate(kind, transport)
        self._library.libStart()
        self._library.audDevManager().setNullDev()
        wanted = self.options.get("codec")
        if wanted:
            for codec in self._library.codecEnum2():
                self._library.codecSetPriority(codec.codecId, 255 if codec.codecId.startswith(wanted) else 0)
        self.tell("ready")

    def run(self) -> None:
        while True:
            self._library.libHandleEvents(5)
            while self.ended:
                call = self.calls.pop(self.ended.pop(), None)
                if call is not None:
                    self._closing.add(call.number, call.let_go(), now=time.monotonic())
            for number in self._closing.whole(now=time.monotonic()):
                self.tell("ended", call=number)
            if not select.select([0], [], [], 0)[0]:
                continue
            read = os.read(0, 65536)
            if not read:
                self._leave()
                return
            *lines, self._buffer = (self._buffer + read).split(b"\n")
            for line in lines:
                self._obey(json.loads(line))

    def _leave(self) -> None:
        """End the calls and take back the registrations; wait for the answers within a limit."""
        self._library.hangupAllCalls()
        for account in self.accounts.values():
            if account.getInfo().regIsConfigured:
                # The library itself says at once that it is registered no more.
                account.is_leaving = True
                account.setRegistration(False)
        deadline = time.monotonic() + _LEAVE_SECONDS
        while time.monotonic() < deadline and any(a.is_leaving for a in self.accounts.values()):
            self._library.libHandleEvents(5)

    def _obey(self, command: dict[str, Any]) -> None:
        serial = command.pop("serial")
        try:
            answer = getattr(self, "do_" + command.pop("do"))(**command)
        except pj.Error as error:
            self.tell("refused", serial=serial, why=error.reason or error.info())
        except (KeyError, AttributeError) as error:
            self.tell("refused", serial=serial, why=f"{type(error).__name__}: {error}")
        else:
            self.tell("done", serial=serial, value=answer)

    def do_account(
        self,
        *,
        name: str,
        uri: str,
        registrar: str = "",
        username: str = "",
        password: str = "",
        contact_parameters: str = "",
    ) -> None:
        config = pj.AccountConfig()
        config.idUri = uri
        config.regConfig.registrarUri = registrar
        config.regConfig.retryIntervalSec = 0
        config.sipConfig.contactUriParams = contact_parameters
        config.natConfig.sipOutboundUse = 0
        config.natConfig.contactRewriteUse = 0
        config.natConfig.viaRewriteUse = 0
        if username:
            config.sipConfig.authCreds.append(pj.AuthCredInfo("digest", "*", username, 0, password))
        account = _Account(self, name)
        account.create(config)
        self.accounts[name] = account

    def do_call(
        self, *, account: str, uri: str, recording: str, local_uri: str = "", digits: str = "rfc4733"
    ) -> int:
        call = _Call(self, self.accounts[account], self.new_id())
        call.recording = recording
        call.in_band = digits == _IN_BAND
        how = pj.CallOpParam(True)
        how.opt.audioCount = 1
        how.opt.videoCount = 0
        if local_uri:
            how.txOption.localUri = local_uri
        self.calls[call.number] = call
        call.makeCall(uri, how)
        return call.number

    def do_answer(self, *, call: int, recording: str, code: int = 200) -> None:
        self.calls[call].recording = recording
        how = pj.CallOpParam()
        how.statusCode = code
        self.calls[call].answer(how)

    def do_press(self, *, call: int, digits: str, how: str = "rfc4733") -> None:
        if how == "rfc4733":
            self.calls[call].dialDtmf(digits)
            return
        for digit in digits:
            sending = pj.CallSendDtmfParam()
            sending.method = pj.PJSUA_DTMF_METHOD_SIP_INFO
            sending.duration = 160
            sending.digits = digit
            self.calls[call].sendDtmf(sending)

    def do_say(self, *, call: int, path: str) -> None:
        self.calls[call].say(path)

    def do_hang_up(self, *, call: int) -> None:
        self.calls[call].hangup(pj.CallOpParam())


def main() -> None:
    """Run until the commands end."""
    engine = _Engine(json.loads(sys.argv[1]))
    engine.start()
    engine.run()
    os._exit(0)


if __name__ == "__main__":
    main()
