"""The doctor's findings about trunks, with the registrations that a scripted Asterisk tells."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from controlplane.domain.routing.kinds import RoutingKind
from controlplane.domain.routing.trunk import Trunk
from controlplane.entrypoints.doctor import examine
from controlplane.entrypoints.doctor_trunks import check_trunks
from controlplane.entrypoints.findings import Finding
from controlplane.settings import load
from controlplane.storage.database import Database
from controlplane.storage.routing.documents import to_document
from controlplane.storage.tables import RoutingObjectRow
from tests.support.scripted_ami import SECRET, USERNAME, ScriptedAmi

ACCOUNT = Trunk(host="sip.example.com", username="company", password="sw0rdfish")
BY_ADDRESS = Trunk(addresses=("192.0.2.1",))


async def _make(database: Database, tenant_id: UUID, name: str, settings: Trunk) -> UUID:
    row = RoutingObjectRow(
        id=uuid4(),
        tenant_id=tenant_id,
        kind=RoutingKind.TRUNK.value,
        name=name,
        settings=to_document(settings),
    )
    async with database.transaction() as session:
        session.add(row)
    return row.id


def _asterisk(registrations: Sequence[tuple[UUID, str]]) -> ScriptedAmi:
    """Return an Asterisk that tells of registrations."""
    items = [
        "Event: OutboundRegistrationDetail\r\nActionID: {ActionID}\r\n"
        f"ObjectName: cp-trunk-{trunk}\r\nStatus: {status}\r\nNextReg: 9"
        for trunk, status in registrations
    ]
    head = "Response: Success\r\nActionID: {ActionID}\r\nEventList: start"
    tail = "Event: Complete\r\nActionID: {ActionID}\r\nEventList: Complete\r\nListItems: "
    whole = [head, *items, f"{tail}{len(items)}"]
    ami = ScriptedAmi()
    ami.answers["PJSIPShowRegistrationsOutbound"] = lambda _: "\r\n\r\n".join(whole)
    return ami


async def _findings(folder: Path, database_url: str, ami: ScriptedAmi) -> list[Finding]:
    async with ami.listening() as port:
        settings = load(
            {
                "CONTROLPLANE_PRIVATE": "true",
                "CONTROLPLANE_DATABASE_URL": database_url,
                "CONTROLPLANE_MANAGER__PORT": str(port),
                "CONTROLPLANE_MANAGER__USERNAME": USERNAME,
                "CONTROLPLANE_MANAGER__SECRET": SECRET,
                **{
                    f"CONTROLPLANE_PATHS__{name}": str(folder / name.lower())
                    for name in ("RECORDINGS", "SPOOL", "PROMPTS", "CONFIGURATION", "MAIL")
                },
            }
        )
        return await examine(settings, [check_trunks])


async def test_each_trunk_that_is_not_registered_is_named(
    database: Database, database_url: str, default_tenant: UUID, tmp_path: Path
) -> None:
    """With what to do; what is registered, or has no registration, is no finding."""
    good = await _make(database, default_tenant, "good", ACCOUNT)
    bad = await _make(database, default_tenant, "bad", ACCOUNT)
    await _make(database, default_tenant, "new", ACCOUNT)
    await _make(database, default_tenant, "peer", BY_ADDRESS)
    found = await _findings(tmp_path, database_url, _asterisk([(good, "Registered"), (bad, "Rejected")]))

    assert ["bad", "new"] == [finding.found.partition(":")[0] for finding in found]
    assert ["PATCH /trunks", "controlplane publish"] == [
        word
        for word, finding in zip(("PATCH /trunks", "controlplane publish"), found, strict=True)
        if word in (finding.remedy or "")
    ]
    assert "sw0rdfish" not in str(found)


@pytest.mark.parametrize("settings", [ACCOUNT, BY_ADDRESS])
async def test_registered_trunks_are_right(
    database: Database, database_url: str, default_tenant: UUID, tmp_path: Path, *, settings: Trunk
) -> None:
    """One line says so."""
    trunk = await _make(database, default_tenant, "good", settings)
    (found,) = await _findings(tmp_path, database_url, _asterisk([(trunk, "Registered")]))

    assert None is found.remedy
