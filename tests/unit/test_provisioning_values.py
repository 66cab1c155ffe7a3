"""Names, domains, time zones and SIP passwords: what is taken and what is refused."""

from __future__ import annotations

import hashlib

import pytest
from controlplane.domain.errors import InvalidValue
from controlplane.domain.extension import a1_hash, generate_sip_password, parse_sip_password
from controlplane.domain.tenant import parse_sip_domain, parse_tenant_name, parse_time_zone
from controlplane.domain.text import parse_display_name
from controlplane.services.mailbox_rules import Faults, MailboxChanges, checked_settings


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Sales", "Sales"),
        ("  Sales  ", "Sales"),
        ("e\u0301", "\u00e9"),
        ("中文", "中文"),
        ("x" * 64, "x" * 64),
    ],
)
def test_a_display_name_is_kept_composed_and_trimmed(text: str, name: str) -> None:
    """A name keeps its characters, in composed form and without blanks around it."""
    assert parse_display_name(text) == name


@pytest.mark.parametrize(
    "text",
    ["", " ", "x" * 65, "a\nb", "a\x00b", "\x7f", "\ud800", "\u202eabc", "a\u2028b", "\u200b", "\u0301"],
)
def test_a_name_that_cannot_be_shown_is_refused(text: str) -> None:
    """Control characters, lines, reversed text and nothing visible make no name."""
    with pytest.raises(InvalidValue):
        parse_display_name(text)


@pytest.mark.parametrize("text", ["", "-a", "a-", "A", "a_b", "a" * 65, "ä", "a\n"])
def test_other_text_is_no_tenants_name(text: str) -> None:
    """A tenant's name is a label of a-z, 0-9 and hyphens."""
    with pytest.raises(InvalidValue):
        parse_tenant_name(text)


def test_a_sip_domain_is_a_host_name_in_lower_case() -> None:
    """Names and IPv4 addresses are taken."""
    found = [parse_sip_domain(text) for text in ("PBX.Example.com", "localhost", "192.0.2.1")]

    assert found == ["pbx.example.com", "localhost", "192.0.2.1"]


@pytest.mark.parametrize("text", ["", ".", "a..b", "-a.b", "a b", "a;b", "[::1]", "ä.de", "a." * 130, "a\n"])
def test_other_text_is_no_sip_domain(text: str) -> None:
    """What could mean more than a name in the switch's configuration is refused."""
    with pytest.raises(InvalidValue):
        parse_sip_domain(text)


@pytest.mark.parametrize("text", ["UTC", "Europe/Berlin", "America/Argentina/Ushuaia"])
def test_a_time_zone_is_a_name_of_the_database(text: str) -> None:
    """Names of the IANA database are taken."""
    assert parse_time_zone(text) == text


@pytest.mark.parametrize(
    "text", ["", "Berlin", "Europe", "../etc/passwd", "/etc/localtime", "a\x00b", "x" * 300]
)
def test_other_text_is_no_time_zone(text: str) -> None:
    """Folders, paths and unknown names are refused."""
    with pytest.raises(InvalidValue):
        parse_time_zone(text)


def test_a_made_password_obeys_the_rules() -> None:
    """Made passwords are accepted, each is another, and none has a character that is read wrongly."""
    made = [generate_sip_password() for _ in range(50)]

    assert [parse_sip_password(password, number="101") for password in made] == made
    assert len(set(made)) == 50
    assert not set("".join(made)) & set("0O1lI")


def test_the_digest_is_that_of_sip() -> None:
    """A1 is MD5 of number, realm and password."""
    expected = hashlib.md5(b"101:pbx:secret").hexdigest()

    assert a1_hash(number="101", realm="pbx", password="secret") == expected


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("sales@example.com", "sales@example.com"),
        ("Alice@EXAMPLE.com", "Alice@example.com"),
        ("team@company.local", "team@company.local"),
        ("root@localhost", "root@localhost"),
        ("jörg@müller.example.com", "jörg@müller.example.com"),
    ],
)
def test_an_address_is_kept_in_its_normal_form(address: str, kept: str) -> None:
    """Public, internal and international addresses are taken."""
    faults = Faults()
    values = checked_settings(MailboxChanges(email_recipients=[address]), faults)
    faults.done()

    assert values == {"email_recipients": [kept]}


@pytest.mark.parametrize(
    "address", ["", "@", "a", "a@", "@b.de", "a b@c.de", "a@b..de", "a@b.de\nBcc: c@d.de", "a@.local"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    """An address that no server could take is refused with its position."""
    faults = Faults()
    checked_settings(MailboxChanges(email_recipients=["a@example.com", address]), faults)

    with pytest.raises(InvalidValue) as caught:
        faults.done()
    assert caught.value.field == "email_recipients[1]"
