"""The limited users of the event socket: what they may do fits what our processes do."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from controlplane.domain.event_socket import RIGHTS, EventSocketUser, user_password
from controlplane.entrypoints.event_socket import log_in_of
from controlplane.rendering.environment import TEMPLATES
from controlplane.rendering.freeswitch import render_freeswitch
from controlplane.settings import load
from controlplane.switches.freeswitch import control, events, queues
from controlplane.switches.freeswitch.command import log_in
from tests.support.freeswitch_rig import PASSWORD, freeswitch_context

SETTINGS = {
    "CONTROLPLANE_PATHS__RECORDINGS": "/r",
    "CONTROLPLANE_PATHS__SPOOL": "/s",
    "CONTROLPLANE_PATHS__PROMPTS": "/p",
    "CONTROLPLANE_PATHS__CONFIGURATION": "/c",
    "CONTROLPLANE_PRIVATE": "true",
    "CONTROLPLANE_SWITCH": "freeswitch",
    "CONTROLPLANE_EVENT_SOCKET__PASSWORD": "swordfish",
}
_COMMAND = re.compile(r'\.api\(f?"([a-z_]+)')
# What FreeSWITCH has for the answer to a log-in; a longer one has no end.
_REPLY_BYTES = 512


def rendered() -> dict[str, dict[str, str]]:
    """Return the parameters of each user as rendered."""
    files = render_freeswitch(freeswitch_context(Path("/srv/x")), templates=TEMPLATES).files
    users = ET.fromstring(files["freeswitch/cp-event-socket.xml"]).iter("user")
    return {
        str(user.get("id")): {str(each.get("name")): str(each.get("value")) for each in user.iter("param")}
        for user in users
    }


def test_listener_may_subscribe_to_what_it_wants() -> None:
    """Every event that is subscribed is among those that the user may have."""
    subscribed = events._SUBSCRIBED.split()[2:]

    assert set() == set(subscribed) - set(RIGHTS[EventSocketUser.EVENTS].events)


def test_control_may_run_what_it_runs() -> None:
    """Every API command of the adapter is among those of its user."""
    assert control.__file__ is not None
    assert queues.__file__ is not None
    used = set(_COMMAND.findall(Path(control.__file__).read_text() + Path(queues.__file__).read_text()))

    assert "reloadxml" in used
    assert set() == used - set(RIGHTS[EventSocketUser.CONTROL].api)


def test_only_the_doctor_may_read_the_configuration() -> None:
    """It holds passwords."""
    assert [EventSocketUser.DOCTOR] == [user for user in RIGHTS if "xml_locate" in RIGHTS[user].api]


@pytest.mark.parametrize("user", EventSocketUser)
def test_rendered_user_is_limited_and_no_phone(user: EventSocketUser) -> None:
    """Password, events, commands and log are all given, so that no default opens something."""
    rights = RIGHTS[user]

    assert {
        "sip-forbid-register": "true",
        "allow-empty-password": "false",
        "esl-password": user_password(user, secret=PASSWORD),
        "esl-allowed-events": " ".join(rights.events),
        "esl-allowed-api": " ".join(rights.api),
        "esl-allowed-log": "false",
    } == rendered()[user.value]


@pytest.mark.parametrize("user", EventSocketUser)
def test_answer_to_a_log_in_fits(user: EventSocketUser) -> None:
    """FreeSWITCH lists the rights in its answer, in a buffer of a fixed size."""
    rights = RIGHTS[user]
    answer = f"Allowed-Events: {' '.join(rights.events)}\nAllowed-API: {' '.join(rights.api)}\n"

    assert len(answer) + 100 < _REPLY_BYTES


def test_passwords_are_apart() -> None:
    """No user's password is another one's, or the socket's own, and each follows the setting."""
    made = {user_password(user, secret=secret) for user in EventSocketUser for secret in ("a", "b")}

    assert 2 * len(EventSocketUser) == len(made - {"a", "b"})


@pytest.mark.parametrize(
    ("changes", "limited"),
    [
        ({}, True),
        ({"CONTROLPLANE_SIP__PHONES": "false"}, False),
        ({"CONTROLPLANE_SIP__PHONES": "false", "CONTROLPLANE_EVENT_SOCKET__LOG_IN": "users"}, True),
        ({"CONTROLPLANE_EVENT_SOCKET__LOG_IN": "password"}, False),
    ],
)
def test_own_freeswitch_is_logged_in_to_as_a_user(changes: dict[str, str], limited: bool) -> None:
    """Ours has the users; beside somebody's own one the password serves, unless the users are included."""
    chosen = log_in_of(load(SETTINGS | changes), EventSocketUser.CONTROL)

    assert ("control@cp-event-socket" if limited else None) == chosen.user
    assert ("swordfish" == chosen.password) is not limited
    assert chosen.password not in repr(chosen)


def test_two_ways_of_logging_in_are_two_commands() -> None:
    """A user is named with its password in one word."""
    assert ("auth x", "userauth u@d:x") == (log_in(None, "x"), log_in("u@d", "x"))
