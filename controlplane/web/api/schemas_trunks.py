"""Trunks in JSON: a password goes in and never comes out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, SecretStr

from controlplane.domain.routing.trunk import DidIn, Trunk
from controlplane.domain.routing.trunk_state import Failure, TrunkState
from controlplane.services.trunk_states import ShownState
from controlplane.web.api.fields import Output, example, left_out
from controlplane.web.api.schemas_destinations import NameField
from controlplane.web.api.schemas_routing import RoutingIn, RoutingOut, RoutingPatch

_Address = Annotated[str, Field(min_length=2, max_length=49)]
_Addresses = Annotated[
    list[_Address],
    Field(
        max_length=50,
        description=(
            "IP addresses and networks that its calls come from. No two trunks share one. Empty where the "
            "provider is known by our registration alone."
        ),
    ),
]
_Host = Annotated[
    str | None,
    Field(max_length=253, description="The provider's host name or IP address, where we register with him."),
]
_Port = Annotated[int, Field(ge=1, le=65535, description="The port there.")]
_Username = Annotated[
    str | None, Field(max_length=64, description="Our account there; `null` means that we do not register.")
]
_Password = Annotated[
    SecretStr | None,
    Field(max_length=128, description="Of that account. It is never told."),
]
_DidIn = Annotated[
    DidIn, Field(strict=False, description="Where an INVITE of his has the number that was dialled.")
]
_Enabled = Annotated[bool, Field(description="Whether it takes calls.")]

_SETTINGS: dict[str, Any] = {
    "addresses": ["192.0.2.10", "198.51.100.0/28"],
    "host": "sip.example.com",
    "port": 5060,
    "username": "company",
    "did_in": "request_uri",
    "enabled": True,
}
_SHOWN: dict[str, Any] = {
    "id": "0d6f1a52-8a2f-4b57-9c5c-7f6f7d1f6f03",
    "name": "provider",
    **_SETTINGS,
    "created_at": "2026-03-02T09:00:00Z",
    "updated_at": "2026-03-02T09:00:00Z",
}


class TrunkIn(RoutingIn):
    """A trunk to be made."""

    model_config = example({"name": "provider", **_SETTINGS, "password": "k7#mQz-2vRt"})

    name: NameField
    addresses: _Addresses = []  # noqa: RUF012 (pydantic copies it)
    host: _Host = None
    port: _Port = 5060
    username: _Username = None
    password: _Password = None
    did_in: _DidIn = DidIn.REQUEST_URI
    enabled: _Enabled = True

    def settings(self) -> Trunk:
        """Return the domain's trunk."""
        return Trunk(
            addresses=tuple(self.addresses),
            host=self.host,
            port=self.port,
            username=self.username,
            password=_plain(self.password),
            did_in=self.did_in,
            enabled=self.enabled,
        )


class TrunkPatch(RoutingPatch):
    """What is to change; fields that are left out stay as they are."""

    model_config = example({"addresses": ["192.0.2.10"]})

    addresses: _Addresses = left_out()
    host: _Host = left_out()
    port: _Port = left_out()
    username: _Username = left_out()
    password: _Password = left_out()
    did_in: _DidIn = left_out()
    enabled: _Enabled = left_out()

    def changes(self) -> Mapping[str, Any]:
        """Return the fields that were sent, as the domain has them; without an account goes its password."""
        values: dict[str, Any] = {
            "addresses": tuple(self.addresses or ()),
            "password": _plain(self.password),
        }
        changed = {name: values.get(name, getattr(self, name)) for name in self.model_fields_set}
        if "username" in changed and changed["username"] is None:
            changed.setdefault("password", None)
        return changed


class TrunkOut(RoutingOut):
    """A trunk, without its password."""

    model_config = example(_SHOWN)

    id: UUID
    name: str
    addresses: list[str]
    host: str | None
    port: int
    username: str | None
    did_in: DidIn
    enabled: bool
    created_at: datetime
    updated_at: datetime


class TrunkPage(Output):
    """Some trunks, by name."""

    model_config = example({"items": [_SHOWN], "next": None})

    items: list[TrunkOut]
    next: str | None = Field(description="`after` of the following page; `null` on the last one.")


class TrunkStateOut(Output):
    """How a trunk is now."""

    model_config = example(
        {
            "state": "failed",
            "detail": "The provider refuses us (403): compare username and password with his, or ask him.",
            "retry_seconds": 30,
            "since": "2026-03-02T08:30:00Z",
            "sip_code": 403,
            "failure": "refused",
        }
    )

    state: TrunkState
    detail: str = Field(description="A sentence for people.")
    retry_seconds: int | None = Field(
        description="So long until the switch asks the provider again, where it says so."
    )
    since: datetime | None = Field(description="Since when it is registered, or is not, as far as we heard.")
    sip_code: int | None = Field(
        description="The SIP code of the provider's last answer; `null` on Asterisk, which does not tell it."
    )
    failure: Failure | None = Field(
        description="Why it is not registered; `null` on Asterisk, which tells no refusal from silence."
    )

    @classmethod
    def of(cls, shown: ShownState) -> TrunkStateOut:
        """Make it from the service's value."""
        return cls(
            state=shown.state,
            detail=shown.detail,
            retry_seconds=shown.retry_seconds,
            since=shown.since,
            sip_code=shown.sip_code,
            failure=shown.failure,
        )


def _plain(password: SecretStr | None) -> str | None:
    return None if password is None else password.get_secret_value()
