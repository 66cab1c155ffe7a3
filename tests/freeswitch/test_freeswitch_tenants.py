"""The phones of two tenants with the same number on a real FreeSWITCH."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from controlplane.supervisor.freeswitch_tree import find_freeswitch
from tests.support.freeswitch_rig import FreeswitchRig, run_freeswitch
from tests.support.live import without_freeswitch
from tests.support.tenant_phones import TenantPhones

pytestmark = pytest.mark.skipif(without_freeswitch() != "", reason=without_freeswitch())


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FreeswitchRig]:
    """Run the rendered dialplan."""
    tree = find_freeswitch(os.environ, progress=lambda _: None)
    with run_freeswitch(tree, tmp_path_factory.mktemp("tenants")) as running:
        yield running


class TestFreeSwitch(TenantPhones):
    """All of it."""
