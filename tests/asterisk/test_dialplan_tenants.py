"""The phones of two tenants with the same number on a real Asterisk."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from controlplane.supervisor.asterisk_tree import cache_folder, find_or_unpack
from tests.support.dialplan_rig import DialplanRig, run_dialplan
from tests.support.tenant_phones import TenantPhones


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DialplanRig]:
    """Run the rendered dialplan."""
    tree = find_or_unpack(cache_folder(os.environ), progress=lambda _: None)
    with run_dialplan(tree, tmp_path_factory.mktemp("tenants")) as running:
        yield running


class TestAsterisk(TenantPhones):
    """All of it."""
