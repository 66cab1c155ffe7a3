"""Lamps as the dialplan's context `cp-lamps` takes them: `8001@default:0:2:1&101@default:0:2:1`.

Behind the mailbox stand its urgent, other new and saved messages. A mailbox of Asterisk is a number and a
context: the tenant's id, `default` for the default tenant.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from controlplane.domain.lamp import Lamp

CHANNEL: Final = "Local/s@cp-lamps/n"
"""What is called to tell them."""

_VARIABLE: Final = "CP_LAMPS"
_HALVES: Final = "Local/s@cp-lamps-"
_DEFAULT: Final = "default"


def lamps_in(lamps: Sequence[Lamp]) -> str:
    """Return the variable of that call."""
    return f"{_VARIABLE}={'&'.join(_lamp(lamp) for lamp in lamps)}"


def is_lamp(channel: str) -> bool:
    """Say whether a channel only told lamps: nobody called."""
    return channel.startswith(_HALVES)


def _lamp(lamp: Lamp) -> str:
    context = _DEFAULT if lamp.tenant is None else str(lamp.tenant)
    return f"{lamp.number}@{context}:{lamp.new_urgent}:{lamp.new - lamp.new_urgent}:{lamp.saved}"
