"""Have the switch read what the link names, and ask it whether it did.

It is asked for all endpoints that came and went, and for one of each file that it knew before: a switch reads
a file as a whole or not at all, and the revision's digest says that it read these and no older ones. To ask
for each of tens of thousands takes seconds of a switch, and is done when all is new.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from controlplane.domain.errors import SwitchRefused, SwitchUnavailable
from controlplane.rendering.difference import masked
from controlplane.services.switch_control import SwitchControl
from controlplane.storage.revision_folder import Manifest

_ASK_AGAIN_SECONDS = 0.1
_NAMES_SHOWN = 5


async def reload_and_verify(
    control: SwitchControl, wanted: Manifest, *, before: Manifest | None, seconds: float
) -> str | SwitchUnavailable | None:
    """Reload the switch and verify for so long; return what is wrong, None if nothing is.

    A sentence: it refused, or runs something else. SwitchUnavailable: it could not be asked. `before` is
    what it ran; None asks it for everything.
    """
    gone = frozenset[str]() if before is None else before.endpoints - wanted.endpoints
    new = wanted.endpoints if before is None else wanted.endpoints - before.endpoints
    asked = new | wanted.witnesses
    try:
        await control.reload()
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            problem = await differs(control, wanted, asked=asked, gone=gone)
            if problem is None or asyncio.get_running_loop().time() > deadline:
                return problem
            await asyncio.sleep(_ASK_AGAIN_SECONDS)
    except SwitchRefused as error:
        return str(error)
    except SwitchUnavailable as error:
        return error


async def differs(
    control: SwitchControl,
    wanted: Manifest,
    *,
    asked: Collection[str],
    gone: frozenset[str] = frozenset(),
) -> str | None:
    """Ask the switch; say how what it runs differs from what it should run. Raises SwitchUnavailable."""
    runs = await control.live_configuration(frozenset(asked) | gone)
    if runs.digest != wanted.digest:
        return f"The switch runs revision {(runs.digest or 'none')[:12]}, not {wanted.digest[:12]}."
    missing = sorted(frozenset(asked) - runs.endpoints)
    if missing:
        return f"The switch does not know {len(missing)} endpoints: {_shown(missing)}."
    left = sorted(gone & runs.endpoints)
    if left:
        return f"The switch still knows {len(left)} removed endpoints: {_shown(left)}."
    return None


def _shown(names: list[str]) -> str:
    """Return some names, as people may see them: that of a gateway is as good as a password."""
    return masked(", ".join(names[:_NAMES_SHOWN]))
