"""What a part is made of, as a digest."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from controlplane.rendering.asterisk import AsteriskRenderer
from controlplane.rendering.context import ExtensionContext, TenantContext
from controlplane.rendering.environment import TEMPLATES
from controlplane.rendering.freeswitch import FreeswitchRenderer
from controlplane.rendering.pieces import Piece
from tests.support.dialplan_rig import rig_context
from tests.support.freeswitch_rig import freeswitch_context

HOME = Path("/srv/shared-voicemail")
TEMPLATE = {"asterisk": "asterisk/cp-extensions.conf.j2", "freeswitch": "freeswitch/cp-extensions.xml.j2"}


def source(switch: str, *, templates: Path = TEMPLATES, realm: str = "realm", **changes: Any) -> str:
    """Return the digest of a piece's sources; `changes` are of its tenant, its extension or its name."""
    context: Any = rig_context(HOME) if switch == "asterisk" else freeswitch_context(HOME)
    installation = context.installation
    sip = dataclasses.replace(installation.sip, realm=realm)
    context = dataclasses.replace(context, installation=dataclasses.replace(installation, sip=sip))
    make: Any = AsteriskRenderer if switch == "asterisk" else FreeswitchRenderer
    tenant = context.tenants[1]
    of_tenant = {field.name for field in dataclasses.fields(TenantContext)}
    of_extension = {field.name for field in dataclasses.fields(ExtensionContext)}
    one = dataclasses.replace(
        tenant.extensions[0], **{name: value for name, value in changes.items() if name in of_extension}
    )
    tenant = dataclasses.replace(
        tenant, **{name: value for name, value in changes.items() if name in of_tenant}
    )
    piece = Piece(bits=changes.get("bits", ""), extensions=(one,))
    return str(make(context, templates=templates).piece(tenant, piece).source)


@pytest.mark.parametrize("switch", ["asterisk", "freeswitch"])
@pytest.mark.parametrize("changed", ["number", "display_name", "a1_hash"])
def test_each_value_of_an_extension_is_a_source(switch: str, changed: str) -> None:
    """One that were left out would stay as it was for good."""
    assert source(switch) != source(switch, **{changed: "109"})


def test_what_else_a_template_sees_is_a_source() -> None:
    """The realm, and the name of the group, on FreeSWITCH; the language and the endpoint on Asterisk."""
    assert 3 == len({source("freeswitch"), source("freeswitch", realm="x"), source("freeswitch", bits="01")})
    assert 3 == len(
        {source("asterisk"), source("asterisk", language="xx"), source("asterisk", endpoint="1@x")}
    )


@pytest.mark.parametrize("switch", ["asterisk", "freeswitch"])
def test_a_template_is_a_source(switch: str, tmp_path: Path) -> None:
    """One that somebody changed renders all anew; the same elsewhere does not."""
    path = tmp_path / TEMPLATE[switch]
    path.parent.mkdir()
    path.write_text((TEMPLATES / TEMPLATE[switch]).read_text())
    same = source(switch, templates=tmp_path)
    path.write_text(path.read_text() + "\n")

    assert source(switch) == same
    assert same != source(switch, templates=tmp_path)
