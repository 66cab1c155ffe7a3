"""Trunks and inbound rules as both switches read them: nothing in them changes the structure of a file."""

from __future__ import annotations

import dataclasses
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from controlplane.domain.routing.masks import matches
from controlplane.domain.routing.trunk import DidIn
from controlplane.rendering.asterisk import render_asterisk
from controlplane.rendering.check import parse
from controlplane.rendering.context import TenantContext
from controlplane.rendering.context_inbound import InboundRuleContext, TrunkContext
from controlplane.rendering.difference import differences
from controlplane.rendering.environment import TEMPLATES
from controlplane.rendering.escape import RenderingError
from controlplane.rendering.freeswitch import render_freeswitch
from controlplane.rendering.masks import asterisk_mask
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from tests.support.dialplan_rig import rig_context
from tests.support.freeswitch_rig import freeswitch_context

HOME = Path("/srv/shared-voicemail")
PEER = TrunkContext(id=UUID(int=0xA1), addresses=("192.0.2.0/28", "2001:db8::1"), did_in=DidIn.TO)
ACCOUNT = TrunkContext(
    id=UUID(int=0xA2), host="sip.example.com", port=5070, username="company", password="sw0rdfish"
)
RULE = InboundRuleContext(
    dids=("+4930123400", "4930123410-4930123419", "49301235**"),
    callers=("49170*",),
    trunk=ACCOUNT.id,
    hours=UUID(int=0xB1),
    destinations=("8001", "6100", "hangup"),
)
VISIBLE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=128)
DIGITS = st.text("0123456789", min_size=1, max_size=12)


class Text(SingleFileSnapshotExtension):
    """A snapshot as a file of text."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


def tenants(*trunks: TrunkContext, rules: tuple[InboundRuleContext, ...] = ()) -> tuple[TenantContext, ...]:
    """Return the tenants of the rig, the first with these."""
    first, *others = rig_context(HOME).tenants
    return (dataclasses.replace(first, trunks=trunks, rules=rules), *others)


def rendered(switch: str, given_tenants: tuple[TenantContext, ...]) -> dict[str, str]:
    """Return the files by name."""
    context: Any = rig_context(HOME) if switch == "asterisk" else freeswitch_context(HOME)
    render: Any = render_asterisk if switch == "asterisk" else render_freeswitch
    files = render(dataclasses.replace(context, tenants=given_tenants), templates=TEMPLATES).files
    return {path.partition("/")[2]: text for path, text in files.items()}


@pytest.mark.parametrize("switch", ["asterisk", "freeswitch"])
def test_what_trunks_and_rules_add(switch: str, snapshot: SnapshotAssertion) -> None:
    """The lines of each file, for people to read."""
    before = rendered(switch, tenants())
    after = rendered(switch, tenants(PEER, ACCOUNT, rules=(RULE,)))
    shown = "\n".join(
        file.difference or ""
        for file in differences(before, after)
        if file.path not in {"extensions.conf", "cp-globals.conf"}
    )
    # The digest of the revision, which every change of a template changes.
    text = re.sub("[0-9a-f]{64}", "DIGEST", shown)

    assert text == snapshot(extension_class=Text)
    assert "sw0rdfish" not in text


@pytest.mark.parametrize(
    ("host", "domain"), [("2001:db8::10", "[2001:db8::10]"), ("192.0.2.1", "192.0.2.1"), ("a.b", "a.b")]
)
def test_an_ipv6_address_of_a_provider_is_in_brackets(host: str, domain: str) -> None:
    """As in every SIP address; a name and an address of IPv4 stand as they are."""
    trunk = dataclasses.replace(ACCOUNT, host=host)
    registration = [
        value
        for _, each in parse(rendered("asterisk", tenants(trunk))["pjsip.conf"])
        for key, value in each
        if key in {"server_uri", "client_uri"}
    ]
    xml = rendered("freeswitch", tenants(trunk))["cp-configuration.xml"]
    (gateway,) = ET.fromstring(xml).iter("gateway")
    params = {each.get("name"): each.get("value") for each in gateway.iter("param")}

    assert [f"sip:{domain}:5070", f"sip:company@{domain}:5070"] == registration
    assert (f"{domain}:5070", domain) == (params["proxy"], params["from-domain"])


@settings(max_examples=25, deadline=None)
@given(VISIBLE)
def test_a_password_reaches_both_switches_as_it_is(password: str) -> None:
    """Whatever visible characters it has, and no other setting changes."""
    trunk = dataclasses.replace(ACCOUNT, password=password)
    sections = parse(rendered("asterisk", tenants(trunk))["pjsip.conf"])
    plain = parse(rendered("asterisk", tenants(ACCOUNT))["pjsip.conf"])
    xml = rendered("freeswitch", tenants(trunk))["cp-configuration.xml"]
    (gateway,) = ET.fromstring(xml).iter("gateway")

    assert [password] == [value for _, settings in sections for key, value in settings if key == "password"]
    assert [name for name, _ in plain] == [name for name, _ in sections]
    assert [len(settings) for _, settings in plain] == [len(settings) for _, settings in sections]
    assert {"password": password} == {
        str(each.get("name")): each.get("value")
        for each in gateway.iter("param")
        if each.get("name") == "password"
    }
    assert "$${" not in xml


@pytest.mark.parametrize("password", ["a\nb", "a b", "ü", "", "\x00"])
def test_a_password_of_other_characters_is_refused(password: str) -> None:
    """A newline would begin a setting."""
    trunk = dataclasses.replace(ACCOUNT, password=password)
    for switch in ("asterisk", "freeswitch"):
        with pytest.raises(RenderingError):
            rendered(switch, tenants(trunk))


@pytest.mark.parametrize("field", ["host", "username"])
@pytest.mark.parametrize("text", ["a\nb", "a;b", 'a"b', "a b", "${x}", "<x>", "a,b"])
def test_a_hostile_name_of_a_provider_is_refused(field: str, text: str) -> None:
    """What an attacker would have to write cannot be carried."""
    trunk = dataclasses.replace(ACCOUNT, **{field: text})
    for switch in ("asterisk", "freeswitch"):
        with pytest.raises(RenderingError):
            rendered(switch, tenants(trunk))


@pytest.mark.parametrize("text", ["1\n2", '1"]]', "1)?x,s,1", "${CALLERID(num)}", "x", "", "1-", "22-1x"])
def test_what_is_no_mask_is_refused(text: str) -> None:
    """Neither switch is given an expression that somebody else wrote."""
    with pytest.raises(RenderingError):
        rendered("asterisk", tenants(rules=(dataclasses.replace(RULE, dids=(text,)),)))


MASKS = st.one_of(
    DIGITS,
    st.text("0123456789*", min_size=1, max_size=12),
    DIGITS.map(lambda digits: f"+{digits}"),
    st.integers(1, 10).flatmap(
        lambda length: st.tuples(*[st.text("0123456789", min_size=length, max_size=length)] * 2).map(
            lambda ends: "-".join(sorted(ends))
        )
    ),
)


@given(MASKS, DIGITS)
def test_an_expression_of_asterisk_means_what_the_mask_means(mask: str, digits: str) -> None:
    """Read as Asterisk reads it, it is true of the same digits as the domain's own words."""
    assert matches(mask, digits) is _is_true(str(asterisk_mask(mask, "CP_DID")), digits)


def _is_true(expression: str, digits: str) -> bool:
    """Evaluate the few forms that we render; a comparison of digits is one of numbers."""

    def substring(found: re.Match[str]) -> str:
        start, length = int(found[1]), int(found[2])
        return digits[start : start + length]

    text = expression.removeprefix("$[").removesuffix("]")
    text = re.sub(r"\$\{CP_DID:(\d+):(\d+)\}", substring, text)
    text = text.replace("${LEN(${CP_DID})}", str(len(digits))).replace("${CP_DID}", digits)
    results = []
    for part in text.split(" & "):
        left, operator, right = part.split(" ")
        if operator == "=":
            results.append(int(left) == int(right) if left.isdigit() else left == right)
        else:
            results.append(int(left) >= int(right) if operator == ">=" else int(left) <= int(right))
    return all(results)


def test_a_gateway_has_another_name_for_other_settings() -> None:
    """A switch that has a gateway keeps it as it is; nobody without the secret can tell the name."""
    changed = [
        dataclasses.replace(ACCOUNT, password="another"),
        dataclasses.replace(ACCOUNT, port=5071),
        dataclasses.replace(ACCOUNT, host="other.example.com"),
        dataclasses.replace(ACCOUNT, username="another"),
    ]
    names = {trunk.gateway("secret") for trunk in (ACCOUNT, *changed)}

    assert 5 == len(names)
    assert ACCOUNT.gateway("secret") == dataclasses.replace(ACCOUNT).gateway("secret")
    assert ACCOUNT.gateway("secret") != ACCOUNT.gateway("another")


def test_networks_are_ranges_of_digits() -> None:
    """IPv4 and IPv6 differ in length, so that neither is taken for the other."""
    assert (("c0000200", "c000020f"), ("20010db8" + "0" * 23 + "1",) * 2) == PEER.ranges


def test_a_password_is_in_no_text_of_a_trunk() -> None:
    """What is logged or shown in a test's failure leaves it out."""
    assert "sw0rdfish" not in repr(ACCOUNT)
