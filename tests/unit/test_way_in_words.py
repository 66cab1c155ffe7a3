"""How a message got into its mailbox, as mails and pages say it, against sentences written by hand."""

from __future__ import annotations

import pytest
from babel import Locale
from controlplane.domain.message import ReachedBy, ReachedReason
from controlplane.domain.routing.way import read_way
from controlplane.mail.reached import way_in_words
from controlplane.services.reached import sent_on_by

NAMES = {"6000": "Main", "6100": "Sales", "101": "Alice <b>"}
WAYS = {
    "did.4930123/virtual-receptionist.6000.5.direct.8": (
        "call to 4930123; virtual receptionist Main (6000), key 5",
        "Anruf bei 4930123; Telefonzentrale Main (6000), Taste 5",
    ),
    "virtual-receptionist.6000.1.direct.3/ring-group.6100..no_answer.75": (
        "virtual receptionist Main (6000), key 1; ring group Sales (6100), no answer, after 1 min 15 sec",
        "Telefonzentrale Main (6000), Taste 1; Rufgruppe Sales (6100), keine Antwort, nach 1 Min. 15 Sek.",
    ),
    "extension.101..busy.": ("extension Alice <b> (101), busy", "Nebenstelle Alice <b> (101), besetzt"),
    "call-queue.6200..queue_full.": ("call queue 6200, queue full", "Warteschlange 6200, Warteschlange voll"),
    "something-new.77..always.": ("77, forwards all calls", "77, leitet alle Anrufe weiter"),
    "call-queue.6200.s.exit_key.20": ("call queue 6200, key *", "Warteschlange 6200, Taste *"),
}


@pytest.mark.parametrize("text", WAYS)
def test_the_way_is_said_part_by_part(text: str) -> None:
    """Kind, name and number, why the call went on, and after how long; in English and German."""
    way = read_way(text)
    assert way is not None

    said = tuple(way_in_words(way, NAMES, locale=Locale.parse(language)) for language in ("en", "de"))
    assert WAYS[text] == said


def test_what_was_dialled_has_no_way() -> None:
    """Nothing is said of a mailbox whose number was dialled."""
    assert "" == way_in_words(ReachedBy(), {}, locale=Locale.parse("en"))


@pytest.mark.parametrize("reason", list(ReachedReason))
def test_every_reason_has_words(reason: ReachedReason) -> None:
    """Each reason but a direct choice is said."""
    way = read_way(f"ring-group.6100..{reason.value}.")
    assert way is not None

    said = way_in_words(way, {}, locale=Locale.parse("en"))
    assert (reason is ReachedReason.DIRECT) == (said == "ring group 6100")


def test_a_wait_is_spoken_where_somebody_waited() -> None:
    """The last object is what is spoken; a busy extension made nobody wait."""
    busy = read_way("extension.101..busy.4")
    rang = read_way("extension.101..busy.4/ring-group.6100..no_answer.30")
    assert busy is not None
    assert rang is not None

    spoken = [sent_on_by(way, NAMES) for way in (busy, rang, ReachedBy())]
    assert [("extension", "Alice <b>", None), ("ring-group", "Sales", 30), None] == [
        None if one is None else (one.kind, one.name, one.seconds) for one in spoken
    ]
