"""A trunk that registers: published to a real switch, at a provider who challenges, goes and comes back."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Iterator
from uuid import UUID, uuid4

import pytest
from controlplane.callflows.call import CallFacts
from controlplane.domain.message import ReachedBy, ReachedReason
from controlplane.domain.routing.kinds import RoutingKind
from controlplane.domain.routing.trunk import Trunk
from controlplane.domain.routing.trunk_state import Failure, TrunkState
from controlplane.rendering.environment import TEMPLATES
from controlplane.services.publishing import Outcome, Publisher, publish
from controlplane.services.rendered_configuration import Rendering
from controlplane.services.trunk_states import ShownState, state_of
from controlplane.storage.database import Database
from controlplane.storage.revision_folder import RevisionFolder
from controlplane.storage.routing import objects
from controlplane.storage.routing.documents import to_document
from controlplane.storage.tables import RoutingObjectRow
from tests.support.call_peers import end
from tests.support.fixtures import database, database_url, default_tenant, postgres
from tests.support.provider import PASSWORD, USERNAME, Provider, provider_at
from tests.support.publishing import NoPrompts
from tests.support.raw_sip import RawPhone
from tests.support.rig import MAILBOX, Rig
from tests.support.rigs import run_rig
from tests.support.trunk_answers import answers_kept

__all__ = ["database", "database_url", "default_tenant", "postgres"]

pytestmark = pytest.mark.xdist_group("dialplan-trunks")


@pytest.fixture(scope="module")
def rig(switch: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Run the rendered dialplan; registrations are short."""
    with run_rig(switch, tmp_path_factory.mktemp("trunks"), change=lambda tenants: tenants) as running:
        yield running


@pytest.fixture
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    """Run the provider."""
    async with provider_at(tmp_path_factory.mktemp("provider")) as running:
        await running.start()
        yield running


@pytest.fixture
def publisher(rig: Rig, database: Database) -> Publisher:
    """Return a publisher to that switch."""
    return Publisher(
        database=database,
        folder=RevisionFolder(rig.home / "configuration"),
        rendering=Rendering(templates=TEMPLATES, installation=rig.installation, prompts=NoPrompts()),
        control=rig.control,
        verify_seconds=10,
    )


@pytest.fixture
async def trunk(
    publisher: Publisher, provider: Provider, default_tenant: UUID
) -> AsyncIterator[RoutingObjectRow]:
    """Publish a trunk that registers at the provider; in the end it is gone from the switch."""
    row = RoutingObjectRow(
        id=uuid4(),
        tenant_id=default_tenant,
        kind=RoutingKind.TRUNK.value,
        name="provider",
        settings=to_document(account(provider)),
    )
    async with publisher.database.transaction() as session:
        session.add(row)
    await live(publisher)
    await provider.until_registered(True)
    yield row
    async with publisher.database.transaction() as session:
        await objects.remove(session, row.id)
    await live(publisher)


def account(provider: Provider, password: str = PASSWORD) -> Trunk:
    """Return the settings of our account there."""
    return Trunk(host="127.0.0.1", port=provider.port, username=USERNAME, password=password)


async def live(publisher: Publisher) -> None:
    """Publish; the switch says that it runs what was published."""
    result = await publish(publisher)

    assert (Outcome.LIVE, None) == (result.outcome, result.error)


async def change(publisher: Publisher, trunk: RoutingObjectRow, settings: Trunk) -> None:
    """Publish other settings of the trunk."""
    async with publisher.database.transaction() as session:
        await objects.update_values(session, trunk.id, {"settings": to_document(settings)})
    await live(publisher)


async def until_state(
    publisher: Publisher,
    rig: Rig,
    trunk: RoutingObjectRow,
    wanted: TrunkState,
    failure: Failure | None = None,
) -> ShownState:
    """Wait until the switch says so of the trunk, and what is kept of it agrees.

    On a busy machine a try may end without an answer before the one that is wanted.
    """

    async def told() -> ShownState:
        return await state_of(publisher.database, rig.control, tenant_id=trunk.tenant_id, name="provider")

    def is_wanted(shown: ShownState) -> bool:
        return shown.state is wanted and shown.since is not None and shown.failure is failure

    async with asyncio.timeout(60):
        while not is_wanted(shown := await told()):  # noqa: ASYNC110 (it is asked)
            await asyncio.sleep(0.2)
    assert "cp-trunk" not in shown.detail
    return shown


async def called(rig: Rig, provider: Provider, number: str) -> list[CallFacts]:
    """Have somebody call a number of ours by the provider; return what reached us."""
    async with rig.peer(end) as peer, RawPhone(provider.server).opened() as phone:
        await phone.call(number, user="4989123").wait_ended()
    return peer.facts


async def reaches_the_mailbox(rig: Rig, provider: Provider, tenant: UUID) -> None:
    """A call by the provider to 8001, which no rule takes, is the mailbox's, of a caller from outside."""
    rig.route("8001", "mailbox", MAILBOX, tenant)
    facts = await called(rig, provider, "8001")
    way = ReachedBy(did="8001", reason=ReachedReason.DIRECT, path=())

    assert [(tenant, MAILBOX, None, "4989123", way)] == [
        (each.tenant_id, each.mailbox_id, each.extension, each.caller.number, each.reached_by)
        for each in facts
    ]


async def test_the_state_of_a_registration_is_told(
    publisher: Publisher, rig: Rig, provider: Provider, trunk: RoutingObjectRow
) -> None:
    """Registered; refused for its password; registered again; nobody there when the provider is gone.

    FreeSWITCH tells a refusal from silence, which Asterisk does not. Both keep the code of a second challenge
    to themselves.
    """
    tells = rig.switch == "freeswitch"
    async with answers_kept(rig, publisher.database):
        first = await until_state(publisher, rig, trunk, TrunkState.REGISTERED)
        await change(publisher, trunk, account(provider, "wrong"))
        refused = await until_state(
            publisher, rig, trunk, TrunkState.FAILED, Failure.REFUSED if tells else None
        )
        await change(publisher, trunk, account(provider))
        again = await until_state(publisher, rig, trunk, TrunkState.REGISTERED)
        await provider.stop()
        away = await until_state(
            publisher, rig, trunk, TrunkState.FAILED, Failure.UNREACHABLE if tells else None
        )
        await provider.start()
        last = await until_state(publisher, rig, trunk, TrunkState.REGISTERED)

    shown = [first, refused, again, away, last]
    since = [each.since for each in shown if each.since is not None]
    assert sorted(set(since)) == since
    assert [200 if tells else None, None, None] == [each.sip_code for each in (last, refused, away)]
    assert [tells, tells] == [" refuses us: " in refused.detail, "Nobody answers" in away.detail]


async def test_a_provider_who_comes_back_finds_us(
    rig: Rig, provider: Provider, trunk: RoutingObjectRow
) -> None:
    """His calls arrive; when he was gone, and has forgotten us, we register again, and they arrive again."""
    await reaches_the_mailbox(rig, provider, trunk.tenant_id)
    await provider.stop()
    await provider.start()
    assert "" == await provider.registered()
    await provider.until_registered(True)
    await reaches_the_mailbox(rig, provider, trunk.tenant_id)


async def test_another_password_is_used_at_once(
    publisher: Publisher, rig: Rig, provider: Provider, trunk: RoutingObjectRow
) -> None:
    """A wrong one is refused by the provider, and the right one again is taken, without a restart."""
    await change(publisher, trunk, account(provider, "wrong"))
    await provider.until_registered(False)
    await change(publisher, trunk, account(provider))
    await provider.until_registered(True)
    await reaches_the_mailbox(rig, provider, trunk.tenant_id)


async def test_a_trunk_that_is_not_enabled_is_registered_no_more(
    publisher: Publisher, provider: Provider, trunk: RoutingObjectRow
) -> None:
    """The switch takes its registration back."""
    await change(publisher, trunk, dataclasses.replace(account(provider), enabled=False))
    await provider.until_registered(False)

    assert "" == await provider.registered()


async def test_a_trunk_by_address_is_known_once_it_is_published(
    publisher: Publisher, rig: Rig, default_tenant: UUID
) -> None:
    """Its calls say which number was dialled; before and after it a stranger's do not."""
    rig.route("8001", "mailbox", MAILBOX, default_tenant)
    row = RoutingObjectRow(
        id=uuid4(),
        tenant_id=default_tenant,
        kind=RoutingKind.TRUNK.value,
        name="peer",
        settings=to_document(Trunk(addresses=("127.0.0.2",))),
    )
    await live(publisher)
    before = await dialled_at(rig, "127.0.0.2")
    async with publisher.database.transaction() as session:
        session.add(row)
    await live(publisher)
    known = await dialled_at(rig, "127.0.0.2")
    async with publisher.database.transaction() as session:
        await objects.update_values(
            session, row.id, {"settings": to_document(Trunk(addresses=("127.0.0.3",)))}
        )
    await live(publisher)
    moved = [await dialled_at(rig, address) for address in ("127.0.0.2", "127.0.0.3")]
    async with publisher.database.transaction() as session:
        await objects.remove(session, row.id)
    await live(publisher)
    after = await dialled_at(rig, "127.0.0.3")

    assert (None, "8001", [None, "8001"], None) == (before, known, moved, after)


async def dialled_at(rig: Rig, address: str) -> str | None:
    """Call 8001 from an address; return the number dialled as the way of the call has it."""
    async with rig.peer(end) as peer, RawPhone(rig.server, address=address).opened() as phone:
        await phone.call("8001", user="4989123").wait_ended()
    (facts,) = peer.facts
    return facts.reached_by.did


async def test_nobody_guesses_the_address_of_a_trunk(
    rig: Rig, provider: Provider, trunk: RoutingObjectRow
) -> None:
    """Who calls what looks like our registration, and does not know it, is a stranger."""
    rig.route("8001", "mailbox", MAILBOX, trunk.tenant_id)
    guesses = (f";gw=cp-trunk-{trunk.id}", f";gw=gw+cp-trunk-{trunk.id}", ";line=abcdefg")
    async with rig.peer(end) as peer, RawPhone(rig.server).opened() as phone:
        for guess in guesses:
            made = phone.call("8001", user="4989123", uri_parameters=guess)
            await made.wait_ended()

    assert [None] * len(guesses) == [each.reached_by.did for each in peer.facts]
