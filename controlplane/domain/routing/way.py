"""The way of a call as the switch carries it: one channel variable, read into `ReachedBy`.

`did.4930123456/virtual-receptionist.6000.5.direct.12/ring-group.6100..no_answer.30`: an optional part for
the number dialled from outside, then one part for each object that the call left, with its kind, its
number, the key pressed there (empty without one; `s` is `*`, `h` is `#`), why the call went on, and the
seconds spent there. The dialplan writes it out of rendered text, digits and words of its own alone; it is
read leniently all the same, since a path that cannot be read must not cost a message.
"""

from __future__ import annotations

import re

from controlplane.domain.message import ReachedBy, ReachedReason, ReachedStep

_DID = re.compile(r"did\.(\+?[0-9]{1,32})", re.ASCII)
_STEP = re.compile(r"([a-z-]{1,30})\.([0-9]{0,64})\.([0-9sh]{0,8})\.([a-z_]{1,20})\.([0-9]{0,6})", re.ASCII)
_LONGEST = 2000
_REASONS = frozenset(reason.value for reason in ReachedReason)


def way_step(
    kind: str, number: str, reason: ReachedReason, *, key: str = "", seconds: int | None = None
) -> str:
    """Return one part; for tests and for what we tell a switch."""
    pressed = key.replace("*", "s").replace("#", "h")
    return f"{kind}.{number}.{pressed}.{reason.value}.{'' if seconds is None else seconds}"


def read_way(text: str) -> ReachedBy | None:
    """Read it; None if it is none. Parts that make no sense are left out."""
    if not text or len(text) > _LONGEST:
        return None
    did: str | None = None
    path: list[ReachedStep] = []
    for part in text.strip("/").split("/"):
        if found := _DID.fullmatch(part):
            did = found[1]
        elif (found := _STEP.fullmatch(part)) and found[4] in _REASONS:
            kind, number, key, reason, seconds = found.groups()
            path.append(
                ReachedStep(
                    kind=kind,
                    number=number,
                    key=key.replace("s", "*").replace("h", "#") or None,
                    reason=ReachedReason(reason),
                    waited_seconds=int(seconds) if seconds else None,
                )
            )
    if did is None and not path:
        return None
    return ReachedBy(did=did, reason=path[-1].reason if path else ReachedReason.DIRECT, path=tuple(path))
