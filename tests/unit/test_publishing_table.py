"""The table of what publishing touches is what is rendered and sent, and what the documentation says."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from controlplane.domain.configuration import ObjectKind
from controlplane.domain.numbers import Feature
from controlplane.rendering.asterisk import render_asterisk
from controlplane.rendering.context import FeatureCodeContext, TenantContext
from controlplane.rendering.context_inbound import InboundRuleContext, TrunkContext
from controlplane.rendering.environment import TEMPLATES
from controlplane.rendering.freeswitch import render_freeswitch
from controlplane.services.publishing_table import PUBLISHED, ROUTE_FILE, Published
from controlplane.switches.asterisk import control as asterisk
from controlplane.switches.asterisk import variables as asterisk_variables
from controlplane.switches.freeswitch import variables as freeswitch_variables
from tests.support.dialplan_rig import rig_context
from tests.support.freeswitch_rig import freeswitch_context
from tests.support.write_publishing_table import table

HOME = Path("/srv/shared-voicemail")
Tenants = tuple[TenantContext, ...]
_TENANT = re.compile(r"(?<=/)[0-9a-f-]{36}(?=[/.])")
_SOME = re.compile(r"(?<=/phones)[01-]*(?=\.)")


def _extension(tenants: Tenants) -> Iterable[Tenants]:
    """Rename, give another password, remove."""
    first, *others = tenants
    alice, *rest = first.extensions
    for changed in (
        (dataclasses.replace(alice, display_name="Zoe"), *rest),
        (dataclasses.replace(alice, a1_hash="f" * 32), *rest),
        tuple(rest),
        (),
    ):
        yield (dataclasses.replace(first, extensions=changed), *others)


def _tenant(tenants: Tenants) -> Iterable[Tenants]:
    """Give another domain and another language, remove."""
    first, *others = tenants
    yield (dataclasses.replace(first, sip_domain="other.example"), *others)
    yield (dataclasses.replace(first, language="pt-BR"), *others)
    yield (first,)


def _feature_code(tenants: Tenants) -> Iterable[Tenants]:
    """Add one."""
    first, *others = tenants
    code = FeatureCodeContext(code="*57", feature=Feature.CHECK_MESSAGES)
    yield (dataclasses.replace(first, feature_codes=(*first.feature_codes, code)), *others)


def _call_queue(tenants: Tenants) -> Iterable[Tenants]:
    """Change its agents and its exit key, remove it."""
    first, *others = tenants
    queue, *rest = first.queues
    for changed in (
        (dataclasses.replace(queue, agents=queue.agents[:1]), *rest),
        (dataclasses.replace(queue, exit_key="8"), *rest),
        tuple(rest),
    ):
        yield (dataclasses.replace(first, queues=changed), *others)


def _trunk(tenants: Tenants) -> Iterable[Tenants]:
    """Add one with an address and one that registers, with another password."""
    first, *others = tenants
    peer = TrunkContext(id=UUID(int=1), addresses=("192.0.2.1",))
    account = TrunkContext(id=UUID(int=2), host="sip.example.com", username="us", password="one")
    for trunk in (peer, account, dataclasses.replace(account, password="two")):
        yield (dataclasses.replace(first, trunks=(trunk,)), *others)


def _inbound_rule(tenants: Tenants) -> Iterable[Tenants]:
    """Add one."""
    first, *others = tenants
    rule = InboundRuleContext(
        dids=("49301",), callers=(), trunk=None, hours=None, destinations=("8001", "8001", "hangup")
    )
    yield (dataclasses.replace(first, rules=(rule,)), *others)


CHANGES: dict[ObjectKind, Callable[[Tenants], Iterable[Tenants]]] = {
    ObjectKind.EXTENSION: _extension,
    ObjectKind.TENANT: _tenant,
    ObjectKind.FEATURE_CODE: _feature_code,
    ObjectKind.CALL_QUEUE: _call_queue,
    ObjectKind.TRUNK: _trunk,
    ObjectKind.INBOUND_RULE: _inbound_rule,
}


def _render(switch: str, tenants: Tenants | None = None) -> dict[str, str]:
    context: Any = rig_context(HOME) if switch == "asterisk" else freeswitch_context(HOME)
    if tenants is not None:
        context = dataclasses.replace(context, tenants=tenants)
    render: Any = render_asterisk if switch == "asterisk" else render_freeswitch
    return dict(render(context, templates=TEMPLATES).files)


@pytest.mark.parametrize(
    "row",
    [row for row in PUBLISHED if row.reload is not None],
    ids=lambda row: f"{row.kind}-{row.switch}",
)
def test_a_change_touches_the_files_that_the_table_names(row: Published) -> None:
    """Changes of this kind, all together, write these files anew and no other."""
    before = _render(row.switch)
    touched = set()
    for tenants in CHANGES[row.kind](rig_context(HOME).tenants):
        after = _render(row.switch, tenants)
        touched |= {path for path in {*before, *after} if before.get(path) != after.get(path)}

    named = {_SOME.sub("<some of its extensions>", _TENANT.sub("<tenant>", path)) for path in touched}
    assert named == set(row.files) - {ROUTE_FILE}


def test_every_kind_has_a_row_for_each_switch() -> None:
    """Nothing that reaches a switch is left out."""
    assert {(kind, switch) for kind in ObjectKind for switch in ("asterisk", "freeswitch")} == {
        (row.kind, row.switch) for row in PUBLISHED
    }


def test_the_table_names_what_is_asked_of_the_switches() -> None:
    """The modules that are reloaded, in their order, and the variables that are read."""
    reloads = {row.switch: row.reload for row in PUBLISHED if row.reload}
    proofs = {row.switch: row.verified for row in PUBLISHED if row.reload}
    positions = [reloads["asterisk"].index(module) for module in asterisk._MODULES]

    assert positions == sorted(positions)
    assert asterisk_variables.REVISION in proofs["asterisk"]
    assert freeswitch_variables.REVISION in proofs["freeswitch"]


def test_the_documentation_has_this_table(root: Path) -> None:
    """`python -m tests.support.write_publishing_table` writes it there."""
    assert table() in (root / "docs/publishing.md").read_text()
