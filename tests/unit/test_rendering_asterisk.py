"""The rendered files of Asterisk, as snapshots and as structure."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import hypothesis
import pytest
from controlplane.rendering.asterisk import FILES, render_asterisk
from controlplane.rendering.check import parse
from controlplane.rendering.context import AsteriskContext
from controlplane.rendering.environment import TEMPLATES
from controlplane.rendering.escape import RenderingError
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from tests.support.dialplan_rig import rig_context
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.rendered_files import whole
from tests.support.rig import DEFAULT, queue_contexts

HOME = Path("/srv/shared-voicemail")
QUEUE_NAMES = frozenset(queue.name for queue in queue_contexts())
# Each example renders all files twice.
few = hypothesis.settings(max_examples=60, deadline=None)


class Conf(SingleFileSnapshotExtension):
    """A snapshot is the file itself."""

    _write_mode = WriteMode.TEXT
    file_extension = "conf"


def with_name(name: str) -> AsteriskContext:
    """Return the context with this display name at the first extension."""
    context = rig_context(HOME)
    default = context.tenants[0]
    renamed = dataclasses.replace(default.extensions[0], display_name=name)
    changed = dataclasses.replace(default, extensions=(renamed, *default.extensions[1:]))
    return dataclasses.replace(context, tenants=(changed, *context.tenants[1:]))


def structure(text: str) -> list[tuple[str, list[str]]]:
    """Return sections and keys, without values."""
    return [(name, [key for key, _ in settings]) for name, settings in parse(text)]


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_rendered_as_before(name: str, snapshot: SnapshotAssertion) -> None:
    """Each file is the one that a reviewer has seen."""
    tree = render_asterisk(rig_context(HOME), templates=TEMPLATES)

    assert tree.files[f"asterisk/{name}"] == snapshot(extension_class=Conf)


def test_a_piece_of_the_phones_is_rendered_as_before(snapshot: SnapshotAssertion) -> None:
    """So is the file of a tenant's extensions."""
    tree = render_asterisk(rig_context(HOME), templates=TEMPLATES)

    assert tree.files[f"asterisk/pjsip/{DEFAULT}/phones.conf"] == snapshot(extension_class=Conf)


def test_the_revision_is_in_the_globals() -> None:
    """The switch can be asked for the digest of what it runs."""
    tree = render_asterisk(rig_context(HOME), templates=TEMPLATES)

    contexts = dict(parse(tree.files["asterisk/extensions.conf"]))
    assert [("CP_REVISION", tree.digest)] == contexts["globals"]


def test_the_endpoints_are_those_of_the_file() -> None:
    """What is verified after a reload are the endpoints of pjsip.conf, all of them."""
    tree = render_asterisk(rig_context(HOME), templates=TEMPLATES)

    rendered = {
        name
        for name, settings in parse(whole(tree.files, "asterisk/pjsip.conf"))
        if "context" in dict(settings)
    }
    assert {"anonymous", "101", "102", "103", "101@acme.example"} == rendered
    assert rendered == tree.endpoints - QUEUE_NAMES


def test_the_same_context_has_the_same_digest() -> None:
    """Rendering twice changes nothing."""
    first, second = (render_asterisk(rig_context(HOME), templates=TEMPLATES) for _ in range(2))

    assert first == second


def test_another_name_has_another_digest() -> None:
    """A change of a display name is a revision of its own."""
    digests = {render_asterisk(with_name(name), templates=TEMPLATES).digest for name in ("Ann", "Bea")}

    assert 2 == len(digests)


@few
@given(name=st.one_of(st.text(), st.sampled_from(HOSTILE_TEXTS)))
def test_a_hostile_display_name_changes_no_structure(name: str) -> None:
    """Whatever an extension is called, sections and keys stay, and so do all other values."""
    plain = render_asterisk(with_name("Plain"), templates=TEMPLATES).files
    hostile = render_asterisk(with_name(name), templates=TEMPLATES).files

    assert structure(whole(plain, "asterisk/pjsip.conf")) == structure(whole(hostile, "asterisk/pjsip.conf"))
    before, after = (
        [setting for _, settings in parse(whole(files, "asterisk/pjsip.conf")) for setting in settings]
        for files in (plain, hostile)
    )
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert all(key == "callerid" and value.endswith('" <101>') for key, value in changed)


@few
@given(name=st.one_of(st.text(), st.sampled_from(HOSTILE_TEXTS)))
def test_a_hostile_display_name_holds_no_variable(name: str) -> None:
    """Neither a variable nor an expression nor a quote gets into the value."""
    files = render_asterisk(with_name(name), templates=TEMPLATES).files

    value = next(
        value
        for section, settings in parse(whole(files, "asterisk/pjsip.conf"))
        for key, value in settings
        if section == "101" and key == "callerid"
    )
    assert "${" not in value
    assert "$[" not in value
    assert 2 == value.count('"')


@few
@given(domain=st.one_of(st.text(), st.sampled_from(HOSTILE_TEXTS)))
def test_a_hostile_domain_is_refused_or_harmless(domain: str) -> None:
    """A domain that Asterisk would misread is refused; any other one changes no structure."""
    context = rig_context(HOME)
    plain = render_asterisk(context, templates=TEMPLATES).files["asterisk/cp-contexts.conf"]
    default = dataclasses.replace(context.tenants[0], sip_domain=domain)
    changed = dataclasses.replace(context, tenants=(default, *context.tenants[1:]))
    try:
        rendered = render_asterisk(changed, templates=TEMPLATES).files["asterisk/cp-contexts.conf"]
    except RenderingError:
        return

    assert structure(plain) == structure(rendered)


def test_an_unknown_variable_fails(tmp_path: Path) -> None:
    """A template that names what there is not fails, and says which file."""
    folder = broken_templates(tmp_path, "{{ calls.lunch_seconds }}")

    with pytest.raises(RenderingError, match=r"rtp\.conf.*lunch_seconds"):
        render_asterisk(rig_context(HOME), templates=folder)


def test_unfiltered_text_fails(tmp_path: Path) -> None:
    """A value that went through no filter is an error, not a hole."""
    folder = broken_templates(tmp_path, "{{ sip.realm }}")

    with pytest.raises(RenderingError, match="without a filter"):
        render_asterisk(rig_context(HOME), templates=folder)


def test_a_secret_that_cannot_be_carried_is_named_and_not_shown() -> None:
    """The error names the setting and holds nothing of the secret."""
    context = rig_context(HOME)
    manager = dataclasses.replace(context.installation.manager, secret="swordfish;")
    installation = dataclasses.replace(context.installation, manager=manager)

    with pytest.raises(RenderingError, match="MANAGER secret") as caught:
        render_asterisk(dataclasses.replace(context, installation=installation), templates=TEMPLATES)
    assert "swordfish" not in str(caught.value)


@pytest.mark.parametrize("folder", ["/srv/a,b", "/srv/a;b", "/srv/${x}", "/srv/a&b", "/srv/a=b", "relative"])
def test_a_path_that_the_dialplan_cannot_carry_is_refused(folder: str) -> None:
    """A folder whose name means something to the dialplan is refused, with the remedy."""
    context = rig_context(Path(folder))

    with pytest.raises(RenderingError, match="Choose one"):
        render_asterisk(context, templates=TEMPLATES)


def test_a_folder_with_blanks_and_letters_of_any_script_is_carried() -> None:
    """An ordinary folder of a person is fine."""
    tree = render_asterisk(rig_context(Path("/home/Zoë/My Voicemail")), templates=TEMPLATES)

    assert "/home/Zoë/My Voicemail/spool/" in tree.files["asterisk/extensions.conf"]


def test_without_the_default_tenant_nothing_is_rendered() -> None:
    """An empty database is named as the cause."""
    context = dataclasses.replace(rig_context(HOME), tenants=())

    with pytest.raises(RenderingError, match="default"):
        render_asterisk(context, templates=TEMPLATES)


def test_an_external_address_is_in_both_transports() -> None:
    """Behind NAT both transports tell the outer address, and which networks are inside."""
    context = rig_context(HOME)
    sip = dataclasses.replace(context.installation.sip, external_address="203.0.113.7")
    installation = dataclasses.replace(context.installation, sip=sip)
    tree = render_asterisk(dataclasses.replace(context, installation=installation), templates=TEMPLATES)

    transports = [
        dict(settings)
        for name, settings in parse(whole(tree.files, "asterisk/pjsip.conf"))
        if name.startswith("transport-")
    ]
    assert [("203.0.113.7", "203.0.113.7", "127.0.0.0/8")] * 2 == [
        (transport["external_media_address"], transport["external_signaling_address"], transport["local_net"])
        for transport in transports
    ]


def test_an_asterisk_with_phones_of_its_own_gets_no_endpoints() -> None:
    """Where the phones are not ours, pjsip.conf is empty and no endpoint is asked for."""
    context = rig_context(HOME)
    sip = dataclasses.replace(context.installation.sip, phones=False)
    installation = dataclasses.replace(context.installation, sip=sip)
    tree = render_asterisk(dataclasses.replace(context, installation=installation), templates=TEMPLATES)

    assert ([], QUEUE_NAMES) == (parse(whole(tree.files, "asterisk/pjsip.conf")), tree.endpoints)


def test_no_member_is_recorded_by_the_dialplan() -> None:
    """The context that checks messages holds no Record and leads to none."""
    contexts = dict(
        parse(render_asterisk(rig_context(HOME), templates=TEMPLATES).files["asterisk/cp-contexts.conf"])
    )

    steps = " ".join(value for _, value in contexts["cp-check"])
    assert "Record(" not in steps
    assert "cp-fallback" not in steps


def test_outside_contexts_know_no_feature_code() -> None:
    """Callers from outside have patterns for numbers, with a + or without, and no other extension."""
    contexts = parse(
        render_asterisk(rig_context(HOME), templates=TEMPLATES).files["asterisk/cp-contexts.conf"]
    )

    extensions = {
        value.partition(",")[0]
        for name, settings in contexts
        if name.startswith("cp-outside-") or name == "cp-anonymous"
        for key, value in settings
        if key == "exten"
    }
    assert {"_XXX!", "_+XXX!"} == extensions


def broken_templates(tmp_path: Path, text: str) -> Path:
    """Copy the templates and add a line to one of them."""
    folder = tmp_path / "asterisk"
    folder.mkdir()
    for template in (TEMPLATES / "asterisk").iterdir():
        (folder / template.name).write_text(template.read_text())
    with (folder / "rtp.conf.j2").open("a") as file:
        file.write(f"line={text}\n")
    return tmp_path
