"""The rendered files of FreeSWITCH, as snapshots and as structure."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
import xml.etree.ElementTree as ET
from pathlib import Path
from uuid import UUID

import hypothesis
import pytest
from controlplane.rendering.check_xml import check_xml
from controlplane.rendering.context_freeswitch import FreeswitchContext, MailboxContext
from controlplane.rendering.environment import TEMPLATES
from controlplane.rendering.escape import RenderingError
from controlplane.rendering.freeswitch import FILES, render_freeswitch
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from tests.support.freeswitch_rig import freeswitch_context, with_alice, with_native
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.rendered_files import whole
from tests.support.rig import ACME, DEFAULT, MAILBOX, REALM

HOME = Path("/srv/shared-voicemail")
NATIVE_FILES = ("freeswitch.xml", "cp-mailboxes.xml", "cp-phrases.xml", "cp-voicemail.xml", "cp_stage.lua")
few = hypothesis.settings(max_examples=60, deadline=None)


class Xml(SingleFileSnapshotExtension):
    """A snapshot is the file itself."""

    _write_mode = WriteMode.TEXT
    file_extension = "xml"


class Lua(Xml):
    """The same for scripts."""

    file_extension = "lua"


def rendered(name: str, alice: str = "Alice") -> str:
    """Return one file of the rig's context."""
    context = with_alice(freeswitch_context(HOME), alice)
    return whole(render_freeswitch(context, templates=TEMPLATES).files, f"freeswitch/{name}")


def native_context(*boxes: MailboxContext) -> FreeswitchContext:
    """Return the rig's context in which mod_voicemail takes messages; without `boxes`, of two mailboxes."""
    short = MailboxContext(id=UUID(int=8002), language="pt-BR", max_message_seconds=20)
    long = MailboxContext(id=MAILBOX, language="en", max_message_seconds=3600)
    context = with_native(freeswitch_context(HOME), boxes or (long, short))
    more = tuple(
        dataclasses.replace(
            voice,
            files=(*voice.files, ("message-too-short", (HOME / "prompts" / voice.language / "too-short",))),
        )
        for voice in context.prompts
    )
    return dataclasses.replace(context, prompts=more)


def structure(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return elements and the names of their attributes, without values."""
    return [(element.tag, tuple(element.attrib)) for element in ET.fromstring(text).iter()]


def actions(context: str) -> list[tuple[str, str]]:
    """Return what a context of the dialplan does: application and data, in order."""
    root = ET.fromstring(rendered("cp-dialplan.xml"))
    (found,) = [element for element in root.iter("context") if element.get("name") == context]
    return [(str(each.get("application")), str(each.get("data"))) for each in found.iter("action")]


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_rendered_as_before(name: str, snapshot: SnapshotAssertion) -> None:
    """Each file is the one that a reviewer has seen."""
    tree = render_freeswitch(freeswitch_context(HOME), templates=TEMPLATES)

    kind = Lua if name.endswith(".lua") else Xml
    assert tree.files[f"freeswitch/{name}"] == snapshot(extension_class=kind)


def test_a_piece_of_the_directory_is_rendered_as_before(snapshot: SnapshotAssertion) -> None:
    """So is the file of a tenant's extensions."""
    tree = render_freeswitch(freeswitch_context(HOME), templates=TEMPLATES)

    assert tree.files[f"freeswitch/directory/{DEFAULT}/phones.xml"] == snapshot(extension_class=Xml)


@pytest.mark.parametrize("name", NATIVE_FILES)
def test_a_file_is_rendered_as_before_for_mod_voicemail(name: str, snapshot: SnapshotAssertion) -> None:
    """What differs where mod_voicemail takes messages is the one that a reviewer has seen."""
    tree = render_freeswitch(native_context(), templates=TEMPLATES)

    kind = Lua if name.endswith(".lua") else Xml
    assert tree.files[f"freeswitch/{name}"] == snapshot(extension_class=kind)


def test_the_revision_is_a_global_variable() -> None:
    """The switch can be asked for the digest of what it runs."""
    tree = render_freeswitch(freeswitch_context(HOME), templates=TEMPLATES)

    wanted = f'<X-PRE-PROCESS cmd="set" data="cp_revision={tree.digest}"/>'
    assert wanted in tree.files["freeswitch/cp-dialplan.xml"]


def test_another_name_has_another_digest() -> None:
    """A change of a display name is a revision of its own."""
    context = freeswitch_context(HOME)
    digests = {
        render_freeswitch(with_alice(context, name), templates=TEMPLATES).digest for name in ("Ann", "Bea")
    }

    assert 2 == len(digests)


@few
@given(name=st.one_of(st.text(), st.sampled_from(HOSTILE_TEXTS)))
def test_a_hostile_display_name_changes_no_structure(name: str) -> None:
    """Whatever an extension is called, elements and attributes stay, and nothing is left to expand."""
    text = rendered("cp-directory.xml", name)

    assert structure(rendered("cp-directory.xml")) == structure(text)
    assert "$" not in text
    assert not any(unicodedata.category(char) == "Cc" for line in text.split("\n") for char in line)


@few
@given(domain=st.one_of(st.text(), st.sampled_from(HOSTILE_TEXTS)))
def test_a_hostile_domain_is_refused_or_harmless(domain: str) -> None:
    """A domain that a script would misread is refused; any other one stays in its quotes."""
    context = freeswitch_context(HOME)
    default = dataclasses.replace(context.tenants[0], sip_domain=domain)
    changed = dataclasses.replace(context, tenants=(default, *context.tenants[1:]))
    try:
        files = render_freeswitch(changed, templates=TEMPLATES).files
    except RenderingError:
        return

    script = files["freeswitch/cp_entrance.lua"].splitlines()
    assert rendered("cp_entrance.lua").count("\n") == len(script)
    assert rendered("cp_entrance.lua").count('"') == files["freeswitch/cp_entrance.lua"].count('"')


@pytest.mark.parametrize("folder", ["/srv/a b", "/srv/a,b", "/srv/${x}", "/srv/a@@b", "/srv/a'b", "relative"])
def test_a_path_that_the_dialplan_cannot_carry_is_refused(folder: str) -> None:
    """A folder whose name means something to the dialplan is refused, with the remedy."""
    context = freeswitch_context(Path(folder))

    with pytest.raises(RenderingError, match="Choose one"):
        render_freeswitch(context, templates=TEMPLATES)


def test_a_secret_that_cannot_be_carried_is_named_and_not_shown() -> None:
    """The error names the setting and holds nothing of the secret."""
    context = freeswitch_context(HOME)
    event_socket = dataclasses.replace(context.installation.event_socket, password="swordfish in brine")
    installation = dataclasses.replace(context.installation, event_socket=event_socket)

    with pytest.raises(RenderingError, match="EVENT_SOCKET password") as caught:
        render_freeswitch(dataclasses.replace(context, installation=installation), templates=TEMPLATES)
    assert "fish" not in str(caught.value)


def test_without_the_default_tenant_nothing_is_rendered() -> None:
    """An empty database is named as the cause."""
    context = dataclasses.replace(freeswitch_context(HOME), tenants=())

    with pytest.raises(RenderingError, match="default"):
        render_freeswitch(context, templates=TEMPLATES)


def test_many_extensions_are_in_groups_of_at_most_500() -> None:
    """A group is searched, and read, from its beginning, so none is long; every extension is in one."""
    context = freeswitch_context(HOME)
    one = context.tenants[0].extensions[0]
    many = tuple(dataclasses.replace(one, number=str(10_000 + count)) for count in range(1201))
    default = dataclasses.replace(context.tenants[0], extensions=many)
    changed = dataclasses.replace(context, tenants=(default, *context.tenants[1:]))
    files = render_freeswitch(changed, templates=TEMPLATES).files
    domains = ET.fromstring(whole(files, "freeswitch/cp-directory.xml")).iter("domain")
    (groups,) = [each.iter("group") for each in domains if each.get("name") == "shared-voicemail"]

    assert [301, 292, 316, 292] == [len(list(group.iter("user"))) for group in groups]


def test_each_tenant_has_extensions_of_its_own() -> None:
    """The same number of two tenants is two users, each led into its own tenant's context."""
    root = ET.fromstring(rendered("cp-directory.xml"))
    contexts = {
        (str(domain.get("name")), str(user.get("id"))): [
            str(each.get("value")) for each in user.iter("variable") if each.get("name") == "user_context"
        ]
        for domain in root.iter("domain")
        for user in domain.iter("user")
    }

    assert {
        ("shared-voicemail", "101"): [f"cp-extension-{DEFAULT}"],
        ("shared-voicemail", "102"): [f"cp-extension-{DEFAULT}"],
        ("shared-voicemail", "103"): [f"cp-extension-{DEFAULT}"],
        (str(ACME), "101"): [f"cp-extension-{ACME}"],
    } == contexts
    ours = {f"{number}@shared-voicemail" for number in ("101", "102", "103")}
    assert ours | {f"101@{ACME}"} == freeswitch_context(HOME).endpoints


def test_no_member_is_recorded_by_the_dialplan() -> None:
    """The context that checks messages does not record, and its script is told so."""
    checking = actions("cp-check")

    assert [] == [data for application, data in checking if application == "record"]
    assert [("lua", f"{HOME}/configuration/live/freeswitch/cp_stage.lua check")] == [
        each for each in checking if each[0] == "lua"
    ]


def test_the_caller_is_in_no_path_and_no_argument_but_its_tags() -> None:
    """Text of a caller goes into two tags of the file and nowhere else."""
    root = ET.fromstring(rendered("cp-dialplan.xml"))
    data = [str(action.get("data")) for action in root.iter("action")]

    assert ["RECORD_ARTIST=${caller_id_number}", "RECORD_COMMENT=${caller_id_name}"] == [
        each for each in data if "${caller" in each
    ]


def test_outside_contexts_know_no_feature_code() -> None:
    """Callers from outside have a pattern for numbers, and all else is unknown."""
    root = ET.fromstring(rendered("cp-dialplan.xml"))
    (outside,) = [each for each in root.iter("context") if each.get("name") == f"cp-outside-{DEFAULT}"]
    expressions = [each.get("expression") for each in outside.iter("condition")]

    assert [None, "^[0-9]{3,64}$", None] == expressions


def test_a_switch_with_phones_of_its_own_gets_no_profile() -> None:
    """Where the phones are not ours, neither a SIP profile nor a user is rendered."""
    context = freeswitch_context(HOME)
    sip = dataclasses.replace(context.installation.sip, phones=False)
    installation = dataclasses.replace(context.installation, sip=sip)
    files = render_freeswitch(
        dataclasses.replace(context, installation=installation), templates=TEMPLATES
    ).files
    configuration = ET.fromstring(files["freeswitch/cp-configuration.xml"])
    (sofia,) = [each for each in configuration.iter("configuration") if each.get("name") == "sofia.conf"]

    assert [] == list(sofia.iter("profile"))
    assert [] == list(ET.fromstring(whole(files, "freeswitch/cp-directory.xml")).iter("user"))


@pytest.mark.parametrize(
    "text",
    ["<include>", "<!DOCTYPE x><include/>", '<include><context name="a"/><context name="a"/></include>'],
)
def test_a_file_that_does_not_hold_together_is_refused(text: str) -> None:
    """What is not well-formed, declares entities or names a context twice is refused."""
    with pytest.raises(RenderingError, match="cp-dialplan"):
        check_xml("freeswitch/cp-dialplan.xml", text)


def test_mod_voicemail_is_loaded_and_read_only_where_it_takes_messages() -> None:
    """With the fall-back that records by itself its files are there, and nothing reads them."""
    record, native = (
        render_freeswitch(context, templates=TEMPLATES).files
        for context in (freeswitch_context(HOME), native_context())
    )

    for name in ("cp-voicemail.xml", "cp-mailboxes.xml", "cp-phrases.xml"):
        assert f"freeswitch/{name}" in record
        assert name not in record["freeswitch/freeswitch.xml"]
        assert name in native["freeswitch/freeswitch.xml"]
    assert "mod_voicemail" not in record["freeswitch/cp-configuration.xml"]
    assert "mod_voicemail" in native["freeswitch/cp-configuration.xml"]
    assert "voicemail" not in {name for name, _ in actions("cp-fallback")}


def test_each_length_has_a_profile_and_none_is_longer_than_mod_voicemail_takes() -> None:
    """The longest message is a matter of the profile: there is one for each length in use."""
    voicemail = ET.fromstring(
        render_freeswitch(native_context(), templates=TEMPLATES).files["freeswitch/cp-voicemail.xml"]
    )
    lengths = {
        str(profile.get("name")): str(param.get("value"))
        for profile in voicemail.iter("profile")
        for param in profile.iter("param")
        if param.get("name") == "max-record-len"
    }

    assert {
        "shared-voicemail": "300",
        "shared-voicemail-20": "20",
        "shared-voicemail-1000": "1000",
    } == lengths


def test_no_mailbox_has_a_password_and_no_key_asks_for_one() -> None:
    """mod_voicemail can take messages and play none."""
    files = render_freeswitch(native_context(), templates=TEMPLATES).files
    mailboxes = ET.fromstring(files["freeswitch/cp-mailboxes.xml"])
    (profile, *_) = ET.fromstring(files["freeswitch/cp-voicemail.xml"]).iter("profile")
    set_to = {str(param.get("name")): str(param.get("value")) for param in profile.iter("param")}

    of_users = {str(param.get("name")) for user in mailboxes.iter("user") for param in user.iter("param")}
    of_domains = {
        str(param.get("name")): param.get("value") for param in mailboxes.findall("domain/params/param")
    }

    assert {"vm-message-ext"} == of_users
    assert ("true", "false") == (of_domains["sip-forbid-register"], of_domains["allow-empty-password"])
    assert {"allow-empty-password"} == {name for name in of_domains if re.search("password|hash|pin", name)}
    assert ("none", "false", "0") == (
        set_to["login-keys"],
        set_to["allow-empty-password-auth"],
        set_to["max-login-attempts"],
    )


def test_many_mailboxes_are_in_groups_of_at_most_500() -> None:
    """A group is searched from its beginning."""
    one = MailboxContext(id=MAILBOX, language="en", max_message_seconds=300)
    many = [dataclasses.replace(one, id=UUID(int=count)) for count in range(1201)]
    files = render_freeswitch(native_context(*many), templates=TEMPLATES).files
    groups = ET.fromstring(files["freeswitch/cp-mailboxes.xml"]).iter("group")

    assert [500, 500, 201] == [len(list(group.iter("user"))) for group in groups]


@few
@given(name=st.one_of(st.text(), st.sampled_from(HOSTILE_TEXTS)))
def test_a_hostile_language_is_refused_or_harmless(name: str) -> None:
    """The only text of a mailbox in mod_voicemail's files is a language's tag, and it stays one word."""
    box = MailboxContext(id=MAILBOX, language=name, max_message_seconds=300)
    try:
        text = render_freeswitch(native_context(box), templates=TEMPLATES).files[
            "freeswitch/cp-mailboxes.xml"
        ]
    except RenderingError:
        return
    plain = MailboxContext(id=MAILBOX, language="en", max_message_seconds=300)
    files = render_freeswitch(native_context(plain), templates=TEMPLATES).files

    assert structure(files["freeswitch/cp-mailboxes.xml"]) == structure(text)
    assert "$" not in text


def test_each_phone_has_a_lamp_of_its_own() -> None:
    """A registered phone is told of the mailbox that has its number."""
    directory = ET.fromstring(rendered("cp-directory.xml"))
    accounts = {
        str(user.get("id")): str(param.get("value"))
        for user in directory.iter("user")
        for param in user.iter("param")
        if param.get("name") == "mwi-account"
    }

    assert {number: f"{number}@{REALM}" for number in ("101", "102", "103")} == accounts


def test_the_mailbox_is_no_part_of_the_rendered_files() -> None:
    """Numbers are looked up at each call, so that a mailbox needs no reload."""
    files = render_freeswitch(freeswitch_context(HOME), templates=TEMPLATES).files

    assert not any(str(MAILBOX) in text for text in files.values())
