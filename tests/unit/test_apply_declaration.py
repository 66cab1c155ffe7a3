"""What a file says of a tenant: all faults at once, each with its place; secrets that are elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from controlplane.apply.declaration import KEYS, SECRETS, Declaration, read_declaration
from controlplane.apply.exporting import write_file
from controlplane.apply.faults import RefusedFile
from controlplane.apply.sections import SECTIONS
from hypothesis import example, given
from hypothesis import strategies as st


def read(text: str, **environment: str) -> Declaration:
    """Read a file."""
    return read_declaration(text.encode(), environment).declaration


def faults(text: str, **environment: str) -> list[tuple[int | None, str | None]]:
    """Return lines and paths of what is wrong."""
    with pytest.raises(RefusedFile) as caught:
        read(text, **environment)
    return [(fault.line, fault.path) for fault in caught.value.faults]


def test_numbers_keys_and_pins_need_no_quotes() -> None:
    """They are the digits that were written, with their zeros."""
    declared = read(
        "mailboxes: [{number: 8001, display_name: Sales, pin: 0427}]\n"
        "virtual-receptionists:\n"
        "- {number: 6000, display_name: M, keys: [{keys: 1, destination: {office_hours: {action: ring}}}]}\n"
    )
    (box,), (main,) = declared.mailboxes or [], declared.virtual_receptionists or []

    assert box.pin is not None
    assert ("8001", "0427", "1") == (box.number, box.pin.get_secret_value(), main.keys[0].keys)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    """With line and path, in the order of the lines."""
    text = """\
tenant: {name: default, domain: x}
ring_groups: []
mailboxes:
  - number: 80
    display_name: Sales
    enabled: yes
  - {number: "8002", say_datetime: 13h}
extensions:
  - number: "101"
    display_name: Alice
    rules: {busy: {office_hours: {action: fly, where: away}}}
"""

    assert [
        (1, "tenant.domain"),
        (2, "ring_groups"),
        (4, "mailboxes[0].number"),
        (6, "mailboxes[0].enabled"),
        (7, "mailboxes[1].display_name"),
        (7, "mailboxes[1].say_datetime"),
        (11, "extensions[0].rules.busy.office_hours.action"),
        (11, "extensions[0].rules.busy.office_hours.where"),
    ] == faults(text)


def test_an_unknown_field_names_those_there_are() -> None:
    """The remedy is in the sentence."""
    with pytest.raises(RefusedFile, match=r"There is no such field\. There are keys, destination\."):
        read(
            "virtual-receptionists:\n- {number: '6000', display_name: M, keys: "
            "[{keys: '1', digits: 1, destination: {office_hours: {action: hangup}}}]}"
        )


def test_no_value_is_repeated() -> None:
    """What was written may be a secret that came into the wrong field."""
    with pytest.raises(RefusedFile) as caught:
        read("mailboxes: [{number: s3cretPIN, display_name: [s3cretPIN], pin: {x: s3cretPIN}}]")

    assert "s3cret" not in str(caught.value)


def test_a_number_that_is_there_twice_is_refused() -> None:
    """Also where another kind of object has it; names are of their own section."""
    text = """\
office-hours: [{name: main}]
mailboxes: [{number: "8001", display_name: A}, {number: "8001", display_name: B}]
ring-groups:
  - {number: "8001", display_name: C}
inbound-rules: [{name: main, destination: {office_hours: {action: hangup}}}]
"""

    assert [(2, "mailboxes[1].number"), (4, "ring-groups[0].number")] == faults(text)


def test_secrets_may_be_in_the_environment() -> None:
    """A variable is named as a whole, and only where a secret is expected."""
    declared = read(
        "mailboxes: [{number: '8001', display_name: '${NAME}', pin: '${PIN}'}]\n"
        "extensions: [{number: '101', display_name: A, sip_password: '${SIP}'}]\n",
        PIN="290174",
        NAME="x",
        SIP="Wq7-vmZ9_xbT2",
    )
    (box,), (alice,) = declared.mailboxes or [], declared.extensions or []
    assert box.pin is not None
    assert alice.sip_password is not None

    assert ("290174", "${NAME}", "Wq7-vmZ9_xbT2") == (
        box.pin.get_secret_value(),
        box.display_name,
        alice.sip_password.get_secret_value(),
    )


def test_a_variable_that_is_missing_is_told() -> None:
    """With the place where it is named; an empty one is missing too."""
    text = "trunks:\n- {name: p, host: sip.example.com, username: u, password: '${A}'}\n"

    assert [(2, "trunks[0].password")] == faults(text) == faults(text, A="")


def test_the_sections_are_known_everywhere() -> None:
    """Each has a key, a place in the order, and the name of its field of secrets exists."""
    fields = {field.alias or name for name, field in Declaration.model_fields.items()} - {"tenant"}

    assert fields == set(KEYS) == {one.section for one in SECTIONS}
    assert set(KEYS) >= set(SECRETS)


def test_the_example_is_a_declaration(root: Path) -> None:
    """Without any secret."""
    text = (root / "examples/company.yaml").read_text()
    declared = read(text)

    assert [] == [one for one in declared.mailboxes or [] if one.pin]
    assert [] == [one for one in declared.extensions or [] if one.sip_password]


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)
    | st.text("a \n\r\t\x85\u2028\u2029\ufeff:#'\"", min_size=1)
)
@example("\x85")
def test_any_text_comes_back_as_it_was_written(text: str) -> None:
    """What an export writes is read as the same text, whatever YAML makes of its characters."""
    content = {"virtual-receptionists": [{"number": "6000", "display_name": "Main", "greeting": text}]}
    (entry,) = read(write_file(content)).virtual_receptionists or []

    assert text == entry.greeting


def test_the_examples_of_the_page_are_declarations(root: Path) -> None:
    """All sections are there, and can be read as they are written."""
    page = (root / "docs/apply.md").read_text()
    declared = [
        read(text, PROVIDER_PASSWORD="k7#mQz-2vRt", ALICE_PIN="290174")
        for text in re.findall(r"^```yaml\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    ]

    assert [set(KEYS)] == [{section for section in KEYS if one.section(section)} for one in declared]
    assert [] == [section for section in KEYS if f"| `{section}` | `{KEYS[section]}` |" not in page]
