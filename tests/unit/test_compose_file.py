"""docker-compose.yml, read strictly: its services find each other, and nothing in it can be left out.

These are rules, and no run: a service whose file fits them is started by real processes in
`tests/calls/test_compose_run.py`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from controlplane.entrypoints import secret_files
from tests.support.compose_file import COMPOSE, EXAMPLE, ComposeFault, plan, raw_file, read_variables
from tests.support.compose_rules import SWITCHES, faults, settings_of
from tests.support.compose_variables import chosen

_FILE = raw_file()
_VARIABLES = {switch: chosen(switch) for switch in SWITCHES}


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the secrets as the service `secrets` does."""
    folder = tmp_path_factory.mktemp("secrets")
    secret_files.main(folder, database="postgres:5432", group=None)
    return folder


def found(raw: dict[str, Any], switch: str, secrets: Path) -> list[str]:
    """Return what is wrong with a file; empty if nothing is."""
    try:
        return faults(plan(raw, _VARIABLES[switch]), secrets)
    except ComposeFault as fault:
        return [str(fault)]


@pytest.mark.parametrize("switch", SWITCHES)
def test_the_file_has_no_fault(switch: str, secrets: Path) -> None:
    """With either switch every rule holds."""
    assert [] == found(_FILE, switch, secrets)


@pytest.mark.parametrize("switch", SWITCHES)
def test_the_usual_values_have_no_fault(switch: str, secrets: Path) -> None:
    """So does the file with `.env.example` as it is shipped, but for the name of the switch."""
    variables = read_variables(EXAMPLE.read_text(), {"SWITCH": switch})

    assert [] == faults(plan(_FILE, variables), secrets)


def test_without_a_dot_env_the_remedy_is_named() -> None:
    """Nobody gets a half chosen switch: the first thing that is said is what to copy."""
    with pytest.raises(ComposeFault, match=r"copy \.env\.example to \.env"):
        plan(_FILE, {"COMPOSE_PROFILES": "freeswitch"})


@pytest.mark.parametrize("switch", SWITCHES)
def test_one_variable_chooses_the_switch(switch: str) -> None:
    """SWITCH alone decides which switch runs, and whose network is shared."""
    made = plan(_FILE, read_variables(EXAMPLE.read_text(), {"SWITCH": switch}))

    assert {switch} == set(made.services) & set(SWITCHES)
    assert {switch} == {service.shares for service in made.services.values()} - {None}


def _removals() -> Iterator[Any]:
    """Yield each thing of our services that could be left out."""
    for service, value in _FILE["services"].items():
        if service == "secrets":
            continue  # run by hand, once
        for kind in ("environment", "depends_on"):
            for key in value.get(kind, {}):
                yield pytest.param(service, kind, key, id=f"{service}-{kind}-{key}")
        for kind in ("volumes", "secrets", "networks", "ports"):
            for place, item in enumerate(value.get(kind, [])):
                name = item["source"] if isinstance(item, dict) else item
                yield pytest.param(service, kind, place, id=f"{service}-{kind}-{name}")
        if "healthcheck" in value:
            yield pytest.param(service, None, "healthcheck", id=f"{service}-healthcheck")


@pytest.mark.parametrize(("service", "kind", "key"), list(_removals()))
def test_nothing_can_be_left_out(service: str, kind: str | None, key: str | int, secrets: Path) -> None:
    """Without any one of them a rule is broken, or the program refuses to start, on one of the switches."""
    raw = copy.deepcopy(_FILE)
    del (raw["services"][service] if kind is None else raw["services"][service][kind])[key]

    assert [] != [text for switch in SWITCHES for text in found(raw, switch, secrets)]


@pytest.mark.parametrize("kind", ["volumes", "secrets", "networks"])
def test_nothing_declared_can_be_left_out(kind: str, secrets: Path) -> None:
    """A volume, secret or network that is not declared is refused by name."""
    raw = copy.deepcopy(_FILE)
    kept = [
        name
        for name in raw[kind]
        if not found(
            {**copy.deepcopy(raw), kind: {k: v for k, v in raw[kind].items() if k != name}},
            "freeswitch",
            secrets,
        )
    ]

    assert [] == kept


def test_every_service_is_closed() -> None:
    """Read-only roots, no capabilities but those of the command that makes the secrets, no new privileges."""
    services = _FILE["services"]
    wanted = (True, ["ALL"], ["no-new-privileges:true"])

    assert [] == [
        name
        for name, value in services.items()
        if (value.get("read_only"), value.get("cap_drop"), value.get("security_opt")) != wanted
    ]
    assert ["secrets"] == [name for name, value in services.items() if "cap_add" in value]
    assert {"inside": {"internal": True}} == {
        name: value for name, value in _FILE["networks"].items() if name == "inside"
    }


def test_nobody_is_root(root: Path) -> None:
    """Each service has a user of its own, from its image or from the file; the secrets are made by root."""
    for name, value in _FILE["services"].items():
        user = value.get("user", "")
        if "build" in value and not user:
            dockerfile = (root / value["build"]["context"] / "Dockerfile").read_text()
            user = dockerfile.rpartition("\nUSER ")[2].partition("\n")[0]

        assert ("0" == user.partition(":")[0]) == (name == "secrets"), name
        assert user, name


def test_what_is_published_is_for_phones_or_for_this_host() -> None:
    """Only SIP and RTP are reached from elsewhere, unless somebody chose another address for the API."""
    variables = read_variables(EXAMPLE.read_text(), {})
    made = plan(_FILE, variables)
    elsewhere = {
        name
        for name, service in made.services.items()
        if any(not port.startswith("127.0.0.1:") for port in service.ports)
    }

    assert {"freeswitch"} == elsewhere


def test_calls_has_the_time_that_its_calls_have(secrets: Path) -> None:
    """The engine waits longer than `calls` does after SIGTERM."""
    service = plan(_FILE, _VARIABLES["freeswitch"]).services["calls"]
    grace = service.raw["stop_grace_period"]

    assert float(grace.removesuffix("s")) > settings_of(service, secrets).calls.drain_seconds


def test_no_secret_is_written_in_the_file() -> None:
    """Passwords and keys come from files alone, which the repository does not hold."""
    named = {
        f"{service}: {name}"
        for service, value in _FILE["services"].items()
        for name in value.get("environment", {})
        if any(word in name for word in ("PASSWORD", "SECRET", "KEY", "DATABASE_URL"))
        and not name.endswith("_FILE")
    }

    assert set() == named
    assert "change-me" not in COMPOSE.read_text()
