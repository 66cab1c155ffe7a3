"""Have the switch read what the link names, and ask it whether it did."""

from __future__ import annotations

import asyncio

from controlplane.domain.errors import SwitchRefused, SwitchUnavailable
from controlplane.rendering.difference import masked
from controlplane.services.switch_control import LiveConfiguration, SwitchControl
from controlplane.storage.revision_folder import Manifest

_ASK_AGAIN_SECONDS = 0.1
_NAMES_SHOWN = 5


async def reload_and_verify(
    control: SwitchControl, wanted: Manifest, *, before: Manifest | None, seconds: float
) -> str | SwitchUnavailable | None:
    """Reload the switch and verify for so long; return what is wrong, None if nothing is.

    A sentence: it refused, or runs something else. SwitchUnavailable: it could not be asked.
    """
    gone = frozenset[str]() if before is None else before.endpoints - wanted.endpoints
    try:
        await control.reload()
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            problem = difference(wanted, await control.live_configuration(), gone=gone)
            if problem is None or asyncio.get_running_loop().time() > deadline:
                return problem
            await asyncio.sleep(_ASK_AGAIN_SECONDS)
    except SwitchRefused as error:
        return str(error)
    except SwitchUnavailable as error:
        return error


def difference(
    wanted: Manifest, runs: LiveConfiguration, *, gone: frozenset[str] = frozenset()
) -> str | None:
    """Say how what the switch runs differs from what it should run."""
    if runs.digest != wanted.digest:
        return f"The switch runs revision {(runs.digest or 'none')[:12]}, not {wanted.digest[:12]}."
    missing = sorted(wanted.endpoints - runs.endpoints)
    if missing:
        return f"The switch does not know {len(missing)} endpoints: {_shown(missing)}."
    left = sorted(gone & runs.endpoints)
    if left:
        return f"The switch still knows {len(left)} removed endpoints: {_shown(left)}."
    return None


def _shown(names: list[str]) -> str:
    """Return some names, as people may see them: that of a gateway is as good as a password."""
    return masked(", ".join(names[:_NAMES_SHOWN]))
