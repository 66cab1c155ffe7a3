"""Puts together what hashes PINs, out of the settings."""

from __future__ import annotations

from controlplane.services.pin_hashing import MalformedPinKeys, PinHasher
from controlplane.settings import Settings, SettingsError


def hasher_of(settings: Settings) -> PinHasher:
    """Return a hasher with the keys that are set; raises SettingsError naming the variable."""
    try:
        return PinHasher(settings.pins.keys.get_secret_value())
    except MalformedPinKeys as error:
        raise SettingsError(f"CONTROLPLANE_PINS__KEYS: {error}") from None
