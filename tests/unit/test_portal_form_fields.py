"""Fields of forms: what is stored comes back as it was, and what is typed becomes what REST takes."""

from __future__ import annotations

from typing import Any

import pytest
from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.destination import DestinationAction
from controlplane.web.portal.call_queues_page import CALL_QUEUES
from controlplane.web.portal.destination_fields import To, ToByHours
from controlplane.web.portal.extensions_page import EXTENSIONS
from controlplane.web.portal.form_buttons import field_at, kind_wanted
from controlplane.web.portal.form_fields import Entries, FormField, NumbersOf
from controlplane.web.portal.forms import Form
from controlplane.web.portal.object_form import body_of, entries_of, entries_sent
from controlplane.web.portal.ring_groups_page import RING_GROUPS

_SALES = {"action": "forward_to_number", "number": "8001"}
_OWN = {"action": "forward_to_voicemail", "number": None}
_END = {"action": "hangup", "number": None}
_EVERY = frozenset(DestinationAction)


def sent(fields: dict[str, FormField], entries: Entries) -> dict[str, Any]:
    """Send entries as a browser does (a box that is not ticked is left out), and return what is read."""
    form = Form([(name, text) for name, text in entries.items() if text or "-" in name])
    return body_of(fields, entries_sent(fields, form))


@pytest.mark.parametrize(
    "value",
    [
        None,
        _SALES,
        _OWN,
        {"action": "forward_to_voicemail", "number": "101"},
        *({"action": action, "number": None} for action in ("hangup", "repeat", "ring")),
    ],
)
def test_destination_comes_back(value: dict[str, Any] | None) -> None:
    """Each that the REST API has."""
    fields: dict[str, FormField] = {"busy": To(allowed=_EVERY, optional=True)}

    assert {"busy": value} == sent(fields, entries_of(fields, {"busy": value}))


@pytest.mark.parametrize(
    "value",
    [
        None,
        {"office_hours": _SALES, "outside_hours": None, "holidays": None},
        {"office_hours": _END, "outside_hours": _OWN, "holidays": _SALES},
        {"office_hours": {"action": "ring", "number": None}, "outside_hours": None, "holidays": _END},
    ],
)
def test_destinations_by_hours_come_back(value: dict[str, Any] | None) -> None:
    """With and without other ones outside office hours and on holidays."""
    fields: dict[str, FormField] = {"busy": ToByHours(allowed=_EVERY)}

    assert {"busy": value} == sent(fields, entries_of(fields, {"busy": value}))


def test_number_alone_is_forwarded_to() -> None:
    """Who types a number and says no more wants calls to go there."""
    assert {"to-action": "forward_to_number", "to-number": "8001"} == To().sent(
        "to", Form([("to-number", " 8001 ")])
    )


def test_number_that_is_not_seen_does_not_count() -> None:
    """The field is hidden where calls go nowhere, and may still hold what was typed before."""
    form = Form([("to-action", "hangup"), ("to-number", "8001")])

    assert _END == To().body("to", To().sent("to", form))


def test_several_numbers_may_stand_in_one_field() -> None:
    """With commas, blanks or line ends between; the gaps of a list close."""
    field = NumbersOf(kind=NumberKind.EXTENSION)
    form = Form([("agents-0", "101, 102"), ("agents-1", ""), ("agents-7", "103\n104"), ("agents-x", "1")])

    assert ["101", "102", "103", "104"] == field.body("agents", field.sent("agents", form))


@pytest.mark.parametrize("pages", [CALL_QUEUES, RING_GROUPS, EXTENSIONS], ids=lambda pages: pages.word)
def test_form_has_every_field_of_the_schema(pages: Any) -> None:
    """What REST can set, a form can set, once the object is there or before; exceptions have own pages."""
    schemas = {
        "call-queue": ("CallQueueIn", "schemas_call_queues"),
        "ring-group": ("RingGroupIn", "schemas_ring_groups"),
        "extension": ("ExtensionRulesIn", "schemas_extension_rules"),
    }
    name, module = schemas[pages.word]
    schema = getattr(__import__(f"controlplane.web.api.{module}", fromlist=[name]), name)

    assert set() == set(schema.model_fields) - {"number", "display_name", "exceptions", *pages.fields}
    assert set() == set(pages.known) - set(pages.fields)


@pytest.mark.parametrize(
    ("entry", "control"),
    [
        ("agents", "numbers_of"),
        ("no_answer", "destination"),
        ("no_answer-number", None),
        ("nothing", None),
        ("", None),
    ],
)
def test_field_of_an_entry(entry: str, control: str | None) -> None:
    """A button names the field it is for; whatever else it names is no field."""
    found = field_at(CALL_QUEUES.fields, entry)

    assert control == (None if found is None else found.control)


@pytest.mark.parametrize(
    ("entry", "action", "kind"),
    [
        ("busy-office_hours", "forward_to_number", None),
        ("busy-holidays", "forward_to_voicemail", NumberKind.EXTENSION),
        ("mailbox", "", NumberKind.MAILBOX),
    ],
)
def test_kind_that_a_number_must_be_of(entry: str, action: str, kind: NumberKind | None) -> None:
    """A voicemail is an extension's; a mailbox is a mailbox; calls go to whatever has a number."""
    field = field_at(EXTENSIONS.fields, entry)
    assert field is not None

    assert kind == kind_wanted(field, entry, {f"{entry}-action": action})
